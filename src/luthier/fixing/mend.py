"""One row mended: its texts clean, its answer where it was, in the layout in which the user wrote it.

Nothing here is taken on trust: what the copy will hold is read again and must say what it should.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from luthier.data.rows import clean_example, parse_rows, renamed
from luthier.errors import DataError, Place, Problem
from luthier.formats.format import AnyFormat, Format
from luthier.language import t
from luthier.text.clean import Change as TextChange
from luthier.text.clean import Cleaner
from luthier.text.invisible import without_invisible
from luthier.types import Example, Row

REPAIR, CONTROL = "repair", "control"
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Change:
    """A line of the log. step: one or more of the steps' names, with commas. before, after: a cell or a text in it,
    JSON-able. reason: why a row was left out (`dropped`), or why it was left as it is."""

    place: Place
    step: str
    before: Any = None
    after: Any = None
    reason: str = ""
    dropped: bool = False

    def as_json(self) -> dict[str, Any]:
        by = {"step": "drop", "by": self.step} if self.dropped else {"step": self.step}
        what = {"reason": self.reason} if self.reason else {"before": self.before, "after": self.after}
        return {**self.place.as_json(), **by, **what}


@dataclass(frozen=True)
class Mended:
    """A row as it stands in the copy. values: under the file's own names. example: what they say."""

    values: Mapping[str, Any]
    example: Example[Any, Any]
    changes: tuple[Change, ...] = ()


class Mender:
    """Mends the rows of one file. columns: the format's names of them to the file's. repairs: whether faults with one
    possible remedy are mended."""

    def __init__(self, layout: AnyFormat, columns: Mapping[str, str], clean: Cleaner, *, repairs: bool) -> None:
        self.layout, self.columns = layout, columns
        self._clean = clean
        self._controls = CONTROL in clean.names
        self._repairs = repairs and type(layout).repaired is not Format.repaired

    def __call__(self, row: Row) -> Mended | Problem:
        """The row, or what is wrong with it. A row whose texts cannot be changed without its answer being lost keeps
        them, and the last change says so."""
        row, taken = self._without_controls(row)
        values, repaired = self._repaired(row)
        changes = (*taken, *repaired)
        example = self.read(row, values)
        if isinstance(example, Problem):
            return example
        tracing = _Tracing(self._clean)
        try:
            clean = clean_example(example, self.layout, tracing)
        except DataError as error:
            return error.problems[0]
        if clean is example:
            return Mended(values, example, changes)
        if self._same_answers(example, clean):
            for rewritten in (self._in_place, self._cell_by_cell, self._anew):
                new, made = rewritten(Row(values, row.place, row.number), example, clean, tracing)
                if made and self.read(row, new) == clean:
                    return Mended(new, clean, (*changes, *map(self._discreet, made)))
        reason = t("left as it is: read again, the row would not say what it should")
        return Mended(values, example, (*changes, Change(row.place, tracing.steps, reason=reason)))

    def read(self, row: Row, values: Mapping[str, Any]) -> Example[Any, Any] | Problem:
        """What a row with these values says."""
        return next(parse_rows([Row(values, row.place, row.number)], self.layout.parse, self.columns))

    def glance(self, row: Row) -> Mended | Problem:
        """As the call, without the trouble of writing the texts back where that cannot fail: for a first look, which
        asks what a row says and not how it is written."""
        if self.layout.answers_are_places:
            return self(row)
        row, _ = self._without_controls(row)
        values, _ = self._repaired(row)
        example = self.read(row, values)
        if isinstance(example, Problem):
            return example
        try:
            return Mended(values, clean_example(example, self.layout, self._clean))
        except DataError as error:
            return error.problems[0]

    def _without_controls(self, row: Row) -> tuple[Row, tuple[Change, ...]]:
        """Control characters make a line unreadable wherever they stand, so they go from all cells, not from the texts
        alone."""
        if not self._controls or not any(_has_controls(value) for value in row.values.values()):
            return row, ()
        values = {name: mapped(value, _visible) for name, value in row.values.items()}
        changed = [name for name, value in row.values.items() if values[name] != value]
        changes = [Change(replace(row.place, column=n), CONTROL, row.values[n], values[n]) for n in changed]
        return Row(values, row.place, row.number), tuple(map(self._discreet, changes))

    def _repaired(self, row: Row) -> tuple[Mapping[str, Any], tuple[Change, ...]]:
        if not self._repairs:
            return row.values, ()
        cells = self.layout.repaired(renamed(row, self.columns))
        theirs = {self.columns[ours]: cell for ours, cell in cells.items()}
        values = {**row.values, **theirs}
        if not theirs or isinstance(self.read(row, values), Problem):
            return row.values, ()
        places = {name: replace(row.place, column=name) for name in theirs}
        return values, tuple(Change(places[n], REPAIR, row.values[n], cell) for n, cell in theirs.items())

    def _same_answers(self, before: Example[Any, Any], after: Example[Any, Any]) -> bool:
        """Whether answers that are pieces of the text are the same pieces still."""

        def pieces(example: Example[Any, Any]) -> list[str]:
            text = self.layout.whole_text(example.input, example.answer)
            spans = self.layout.answer_spans(example.input, example.answer)
            return [self._clean(text[start:end]).strip() for start, end in spans]

        return not self.layout.answers_are_places or pieces(before) == pieces(after)

    def _in_place(
        self, row: Row, before: Example[Any, Any], after: Example[Any, Any], tracing: _Tracing
    ) -> tuple[dict[str, Any], list[Change]]:
        """Every text that was cleaned replaced where it stands, however deep in a cell."""
        values, changes = dict(row.values), list[Change]()
        for theirs in self.columns.values():
            if theirs in values:
                place = Place(row.place.file, row.place.line, theirs)
                values[theirs] = _replaced(values[theirs], place, tracing, changes)
        return values, changes

    def _cell_by_cell(
        self, row: Row, before: Example[Any, Any], after: Example[Any, Any], tracing: _Tracing
    ) -> tuple[dict[str, Any], list[Change]]:
        """For a text that is joined from several cells: each of them cleaned by itself."""
        for theirs in self.columns.values():
            if isinstance(cell := row.values.get(theirs), str):
                tracing(cell)
        return self._in_place(row, before, after, tracing)

    def _anew(
        self, row: Row, before: Example[Any, Any], after: Example[Any, Any], tracing: _Tracing
    ) -> tuple[dict[str, Any], list[Change]]:
        """The cells that the format writes otherwise now, where the file has such cells."""
        old = self.layout.as_row(before.input, before.answer)
        new = self.layout.as_row(after.input, after.answer)
        values, changes = dict(row.values), list[Change]()
        for ours in [key for key in new if new[key] != old.get(key)]:
            theirs = self.columns.get(ours, "")
            cell, written = values.get(theirs), new[ours]
            if isinstance(cell, str) and not isinstance(written, str):
                written = json.dumps(written, ensure_ascii=False)
            if type(written) is not type(cell):
                return {}, []
            values[theirs] = written
            changes.append(Change(replace(row.place, column=theirs), tracing.steps, cell, written))
        return values, changes

    def _discreet(self, change: Change) -> Change:
        """A log must not tell what was masked."""
        if "mask" not in self._clean.names:
            return change
        mask = Cleaner(("mask",))
        return replace(change, before=mapped(change.before, mask), after=mapped(change.after, mask))


class _Tracing:
    """A cleaner that remembers what it did to which text."""

    def __init__(self, clean: Cleaner) -> None:
        self._clean = clean
        self.done: dict[str, tuple[str, list[TextChange]]] = {}

    def __call__(self, text: str) -> str:
        if text not in self.done:
            self.done[text] = self._clean.traced(text)
        return self.done[text][0]

    @property
    def steps(self) -> str:
        """The names of those that changed something."""
        changed = {change.step for _, changes in self.done.values() for change in changes}
        return ",".join(name for name in self._clean.names if name in changed)


def with_label(mended: Mended, mender: Mender, row: Row, merged: Mapping[Any, str], step: str) -> Mended:
    """The row with another spelling of its label, where it has one of those that are merged.

    merged: spellings to the one that is kept. A label that cannot be written so that it is read again stays.
    """
    label = merged.get(mended.example.answer)
    if label is None:
        return mended
    for column in mender.layout.columns:
        theirs = mender.columns.get(column.name)
        if column.is_answer and theirs is not None and mended.values.get(theirs) == mended.example.answer:
            values = {**mended.values, theirs: label}
            example = mender.read(row, values)
            if isinstance(example, Example) and example.answer == label:
                change = Change(replace(row.place, column=theirs), step, mended.values[theirs], label)
                return Mended(values, example, (*mended.changes, change))
    return mended


def _has_controls(value: Any) -> bool:
    if isinstance(value, str):
        return not value.isprintable() and _CONTROLS.search(value) is not None
    return isinstance(value, (list, dict)) and mapped(value, _visible) != value


def _visible(text: str) -> str:
    return _CONTROLS.sub(lambda match: without_invisible(match[0]), text)


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON-able value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    return value


def _replaced(value: Any, place: Place, tracing: _Tracing, changes: list[Change]) -> Any:
    """A cell with those of its texts changed that were cleaned; each is noted with its path in the cell."""
    if isinstance(value, str):
        after, done = tracing.done.get(value, (value, ()))
        changes += [Change(place, change.step, change.before, change.after) for change in done]
        return after if value in tracing.done else _inside(value, place, tracing, changes)
    if isinstance(value, list):
        return [_replaced(item, _deeper(place, i), tracing, changes) for i, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: _replaced(item, _deeper(place, key), tracing, changes) for key, item in value.items()}
    return value


def _inside(value: str, place: Place, tracing: _Tracing, changes: list[Change]) -> str:
    """A cell of a table may hold a list or an object, as JSON."""
    if not value.startswith(("[", "{")):
        return value
    try:
        content = json.loads(value)
    except (ValueError, RecursionError):
        return value
    after = _replaced(content, place, tracing, changes)
    return value if after == content else json.dumps(after, ensure_ascii=False)


def _deeper(place: Place, key: object) -> Place:
    return replace(place, column=f"{place.column}.{key}")


def told(changes: Collection[Change]) -> list[str]:
    """The steps that did something, once each time."""
    return [step for change in changes if not change.reason for step in change.step.split(",")]
