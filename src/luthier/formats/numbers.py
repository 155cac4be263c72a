"""A text, or a pair of texts, with a number."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from luthier.errors import DataError, Place, Problem, shown
from luthier.formats.cells.columns import named, values_of
from luthier.formats.cells.pairs import Text, as_columns, joined, mapped, same_texts, text_or_pair
from luthier.formats.cells.text import LABEL_NAMES, PAIR_NAMES, TEXT_NAMES
from luthier.formats.format import Format
from luthier.language import t
from luthier.types import Column, Example, Row

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_NAMES = ("score", "similarity", "value", "stars", "grade", "price", "相似度", "分数", "得分", "评分")


class Numbered(Format[Text, float]):
    columns: ClassVar[tuple[Column, ...]] = (
        Column("text", TEXT_NAMES),
        Column("label", (*_NAMES, *LABEL_NAMES), is_answer=True),
        Column("text_pair", PAIR_NAMES, required=False),
    )
    tasks: ClassVar[tuple[str, ...]] = ("regression",)

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        text, label = (named(columns, column) for column in self.columns[:2])
        values = values_of(first, label)
        if text is None or not values or not all(_is_number(value) for value in values):
            return 0.0
        broken = sum(float(value) % 1 != 0 for value in values)
        return 0.7 if broken >= len(values) / 5 and len(set(values)) >= min(5, len(values)) else 0.0

    def parse(self, row: Row) -> Example[Text, float]:
        return Example(self.parse_input(row), _number(row), row.place, row.number)

    def parse_input(self, row: Row) -> Text:
        return text_or_pair(row)

    def as_row(self, input: Text, answer: float) -> dict[str, Any]:
        return {**as_columns(input), "label": answer}

    def remarks(self, example: Example[Text, float]) -> Iterator[Problem]:
        return same_texts(example)

    def number(self, answer: float) -> float:
        return answer

    def plain_text(self, input: Text) -> str:
        return joined(input)

    def map_texts(self, input: Text, change: Callable[[str], str]) -> Text:
        return mapped(input, change)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value.strip()) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _number(row: Row) -> float:
    """Errors: DataError for what is no finite number."""
    value = row.values.get("label")
    place = replace(row.place, column="label")
    if value is None or (isinstance(value, str) and not value.strip()):
        raise DataError.at(place, t("no label"), t("fill it in, or remove the row"), code="missing-label")
    if _is_number(value) and math.isfinite(number := float(value)):
        return number
    if isinstance(value, str):
        raise _no_number(value.strip(), place)
    if isinstance(value, float):
        raise _not_finite(value, place)
    what = t("the label {value} is no number", value=shown(value))
    raise DataError.at(place, what, t("write a number such as 3.5"), code="wrong-type")


def _not_finite(value: float, place: Place) -> DataError:
    fix = t("fill it in, or remove the row")
    if value != value:
        return DataError.at(place, t("NaN is no label"), fix, code="nan-label")
    return DataError.at(place, t("the label is infinite"), fix, code="not-a-number")


def _no_number(text: str, place: Place) -> DataError:
    what = t("the label {value} is no number", value=shown(text))
    if text.casefold().lstrip("+-") in ("nan", "inf", "infinity") or _NUMBER.fullmatch(text):
        return _not_finite(float(text), place)
    if _COMMA.fullmatch(text):
        fix = t("write a point for the comma: {number}", number=text.replace(",", "."))
        return DataError.at(place, what, fix, code="not-a-number")
    inside = _NUMBER.findall(text)
    if len(inside) == 1 and len(text) <= 40:
        return DataError.at(place, what, t("write the number alone: {number}", number=inside[0]), code="not-a-number")
    fix = t("write a number such as 3.5; for classes use task=classification")
    return DataError.at(place, what, fix, code="not-a-number")
