"""A text, or a pair of texts, with any number of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from luthier.errors import DataError, Place, Problem, shown
from luthier.formats.cells.columns import are_flags, named, values_of
from luthier.formats.cells.lists import parsed
from luthier.formats.cells.pairs import Text, as_columns, joined, mapped, same_texts, text_or_pair
from luthier.formats.cells.text import LABEL_NAMES, PAIR_NAMES, TEXT_NAMES, refuse_surrogates
from luthier.formats.format import Format
from luthier.language import t
from luthier.types import Column, Example, Row

_SET, _UNSET = {"1", "1.0", "true"}, {"0", "0.0", "false"}


class MultiLabelled(Format[Text, frozenset[str]]):
    """A row's labels stand in one cell, as a list or cut at "|", else at ";", else at ","; or every label has a column
    of its own with 0 and 1 in it. None at all is an answer too; only a cell that isn't there, or null, is none."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("text", TEXT_NAMES),
        Column("label", ("tags", *LABEL_NAMES), is_answer=True, several=True),
        Column("text_pair", PAIR_NAMES, required=False),
    )
    tasks: ClassVar[tuple[str, ...]] = ("multilabel",)

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        text, label = (named(columns, column) for column in self.columns[:2])
        if text is None:
            return 0.0
        if label is None:
            return 0.6 if sum(are_flags(values_of(first, name)) for name in columns) > 1 else 0.0
        values = values_of(first, label)
        lists = [value for value in values if isinstance(value, (list, tuple))]
        if lists:
            names = [item for value in lists for item in value]
            return 0.9 if names and all(isinstance(item, (str, int)) for item in names) else 0.0
        return 0.6 if _look_joined([value for value in values if isinstance(value, str)]) else 0.0

    def parse(self, row: Row) -> Example[Text, frozenset[str]]:
        return Example(self.parse_input(row), _labels(row), row.place, row.number)

    def parse_input(self, row: Row) -> Text:
        return text_or_pair(row)

    def as_row(self, input: Text, answer: frozenset[str]) -> dict[str, Any]:
        return {**as_columns(input), "label": sorted(answer)}

    def remarks(self, example: Example[Text, frozenset[str]]) -> Iterator[Problem]:
        return same_texts(example)

    def stratum(self, answer: frozenset[str]) -> Hashable:
        return answer

    def plain_text(self, input: Text) -> str:
        return joined(input)

    def map_texts(self, input: Text, change: Callable[[str], str]) -> Text:
        return mapped(input, change)


def _labels(row: Row) -> frozenset[str]:
    flags = [name for name in row.values if name.startswith("label:")]
    if flags:
        return frozenset(name[6:] for name in flags if _is_set(row.values[name], replace(row.place, column=name)))
    place = replace(row.place, column="label")
    value = row.values.get("label")
    if value is None or value != value:
        fix = t("write [] or an empty text where a row has no label, or remove the row")
        raise DataError.at(place, t("no label"), fix, code="missing-label")
    items = _cut(value, place) if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)):
        items = [items]
    return frozenset(_name(item, value, place) for item in items)


def _cut(text: str, place: Place) -> list[Any]:
    """The labels of one text. A list may stand there as JSON, or as Python prints it."""
    text = text.strip()
    if not text:
        return []
    if text[0] in "[{(":
        found = parsed(text)
        if isinstance(found, (list, tuple)):
            return list(found)
        what = t("{value} is no list", value=shown(text))
        raise DataError.at(place, what, t('write ["a", "b"] or a|b'), code="label-list")
    return [part.strip() for part in text.split(next((mark for mark in "|;," if mark in text), "|"))]


def _name(item: Any, value: Any, place: Place) -> str:
    if isinstance(item, str) and item.strip():
        refuse_surrogates(item, place)
        return item
    if item is None or item == "" or isinstance(item, str) or item != item:
        what = t("one of the labels is empty: {value}", value=shown(value))
        raise DataError.at(
            place, what, t("remove it; [] or an empty text is a row without labels"), code="missing-label"
        )
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, (int, float)):
        return str(item)
    what = t("the label {value} is no text or number", value=shown(item))
    raise DataError.at(place, what, t('write ["a", "b"] or a|b'), code="wrong-type")


def _is_set(value: Any, place: Place) -> bool:
    said = str(value).strip().casefold()
    if said in _SET or said in _UNSET:
        return said in _SET
    what = t("{value} is neither 0 nor 1", value=shown("" if value is None else value))
    fix = t("write 1 where the label is set, 0 where not; or name the label columns, with commas: data.columns.label=…")
    raise DataError.at(place, what, fix, code="flag-value")


def _look_joined(values: Sequence[str]) -> bool:
    """Whether labels are joined by a separator: some rows have one and some have none, and the parts of half of the
    first come back in other rows. A comma counts where no space stands beside it."""
    for mark in "|;,":
        cut = [value.split(mark) for value in values if mark in value]
        if not cut or len(cut) == len(values) or (mark == "," and any(p != p.strip() for row in cut for p in row)):
            continue
        seen = Counter(part.strip() for value in values for part in value.split(mark))
        known = sum(all(seen[part.strip()] > 1 for part in row) for row in cut)
        if known >= len(cut) / 2:
            return True
    return False
