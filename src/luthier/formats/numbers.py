"""A text, or a pair of texts, with a number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from luthier.errors import Problem
from luthier.formats.cells.columns import named, values_of
from luthier.formats.cells.number import is_number, number_of
from luthier.formats.cells.pairs import Text, as_columns, joined, mapped, same_texts, text_or_pair
from luthier.formats.cells.text import LABEL_NAMES, PAIR_NAMES, TEXT_NAMES
from luthier.formats.format import Format
from luthier.types import Column, Example, Row

NUMBER_NAMES = ("score", "similarity", "value", "stars", "grade", "price", "相似度", "分数", "得分", "评分")


class Numbered(Format[Text, float]):
    columns: ClassVar[tuple[Column, ...]] = (
        Column("text", TEXT_NAMES),
        Column("label", (*NUMBER_NAMES, *LABEL_NAMES), is_answer=True),
        Column("text_pair", PAIR_NAMES, required=False),
    )
    tasks: ClassVar[tuple[str, ...]] = ("regression",)

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        text, label = (named(columns, column) for column in self.columns[:2])
        values = values_of(first, label)
        if text is None or not values or not all(is_number(value) for value in values):
            return 0.0
        broken = sum(float(value) % 1 != 0 for value in values)
        return 0.7 if broken >= len(values) / 5 and len(set(values)) >= min(5, len(values)) else 0.0

    def parse(self, row: Row) -> Example[Text, float]:
        return Example(self.parse_input(row), number_of(row, "label"), row.place, row.number)

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
