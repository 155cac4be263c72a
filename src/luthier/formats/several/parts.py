"""Rows of several tasks: inputs and answers stand under the names of the parts that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from luthier.errors import DataError, Problem, shown
from luthier.formats.format import AnyFormat, Format
from luthier.language import t
from luthier.types import Column, Example, Row

Pairs = tuple[tuple[str, Any], ...]
"""By the name of a part what it is asked, or what its right answer is."""

PART = "part"


class PartRows(Format[Pairs, Pairs]):
    """layouts: of each part how its own rows look. A row belongs to every part whose layout can read it, or to the one
    that its column `part` names."""

    def __init__(self, layouts: Mapping[str, AnyFormat]) -> None:
        self.layouts = dict(layouts)
        self.columns = (*_merged(layouts), Column(PART, required=False))  # pyright: ignore[reportAttributeAccessIssue]
        self.answers_apart = any(layout.answers_apart for layout in layouts.values())  # pyright: ignore[reportAttributeAccessIssue]
        self.answers_are_places = any(layout.answers_are_places for layout in layouts.values())  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def name(self) -> str:
        return "+".join(layout.name for layout in self.layouts.values())

    # ---- from the user's rows, and back

    def parse(self, row: Row) -> Example[Pairs, Pairs]:
        found = self._read(row, lambda layout: layout.parse(row))
        first = next(iter(found.values()))
        alike = [part for part in found if type(self.layouts[part]) is type(self.layouts[next(iter(found))])]
        if len(alike) > 1:
            what = t("the row may be of {parts}", parts=", ".join(alike))
            fix = t("say which, in a column '{name}'", name=PART)
            raise DataError.at(row.place, what, fix, code="ambiguous-part")
        inputs = tuple((part, example.input) for part, example in found.items())
        answers = tuple((part, example.answer) for part, example in found.items())
        return replace(first, input=inputs, answer=answers)

    def parse_input(self, row: Row) -> Pairs:
        """Of every part: one whose layout cannot read the row is asked the text that another reads."""
        found = self._read(row, lambda layout: layout.parse_input(row))
        text = self.plain_text(tuple(found.items())[:1])
        for part in self.layouts.keys() - found.keys() if row.values.get(PART) in (None, "") else ():
            with suppress(DataError):
                found[part] = self.layouts[part].parse_input(Row({"text": text}, row.place, row.number))
        return tuple((part, found[part]) for part in self.layouts if part in found)

    def _read(self, row: Row, read: Callable[[AnyFormat], Any]) -> dict[str, Any]:
        """By each part that can read the row what it reads. Errors: the first part's where none can."""
        asked = row.values.get(PART)
        if asked in (None, ""):
            parts = list(self.layouts)
        elif asked in self.layouts:
            parts = [str(asked)]
        else:
            what = t("there is no part {name}", name=shown(asked))
            fix = t("one of: {names}", names=", ".join(self.layouts))
            raise DataError.at(replace(row.place, column=PART), what, fix, code="unknown-part")
        found: dict[str, Any] = {}
        errors: list[DataError] = []
        for part in parts:
            try:
                found[part] = read(self.layouts[part])
            except DataError as error:
                errors.append(error)
        if not found:
            raise errors[0]
        return found

    def as_row(self, input: Pairs, answer: Pairs) -> dict[str, Any]:
        answers, row = dict(answer), {}
        for part, asked in input:
            if part in answers:
                row |= self.layouts[part].as_row(asked, answers[part])
        return row if len(answer) != 1 else {**row, PART: answer[0][0]}

    # ---- what checks ask

    def remarks(self, example: Example[Pairs, Pairs]) -> Iterator[Problem]:
        answers = dict(example.answer)
        for part, asked in example.input:
            if part in answers:
                yield from self.layouts[part].remarks(replace(example, input=asked, answer=answers[part]))

    def stratum(self, answer: Pairs) -> Hashable:
        """The class of the first part that has one, with the part's name."""
        for part, own in answer:
            found = self.layouts[part].stratum(own)
            if found is not None:
                return f"{part}: {_words(found)}"
        return None

    # ---- the texts in a row

    def plain_text(self, input: Pairs) -> str:
        return "\n".join(dict.fromkeys(self.layouts[part].plain_text(asked) for part, asked in input))

    def texts(self, input: Pairs) -> list[str]:
        return list(dict.fromkeys(text for part, asked in input for text in self.layouts[part].texts(asked)))

    def map_texts(self, input: Pairs, change: Callable[[str], str]) -> Pairs:
        once: dict[str, str] = {}

        def same(text: str) -> str:  # a text that two parts read is changed once, and alike for both
            return once[text] if text in once else once.setdefault(text, change(text))

        return tuple((part, self.layouts[part].map_texts(asked, same)) for part, asked in input)

    def map_answer(self, answer: Pairs, change: Callable[[str], str], before: Pairs, after: Pairs) -> Pairs:
        old, new = dict(before), dict(after)
        return tuple((part, self.layouts[part].map_answer(own, change, old[part], new[part])) for part, own in answer)


def _merged(layouts: Mapping[str, AnyFormat]) -> list[Column]:
    """Every column of every layout once, none of them required: a row has those of its part."""
    found: dict[str, Column] = {}
    for column in (column for layout in layouts.values() for column in layout.columns):
        known = found.get(column.name, column)
        usual = tuple(dict.fromkeys((*known.usual, *column.usual)))
        found[column.name] = replace(known, usual=usual, required=False)
    return list(found.values())


def _words(stratum: Hashable) -> str:
    return ", ".join(sorted(map(str, stratum))) if isinstance(stratum, frozenset) else str(stratum)
