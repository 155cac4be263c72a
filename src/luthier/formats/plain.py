"""Text as it is, to go on pretraining with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from luthier.formats.cells.columns import folded
from luthier.formats.cells.text import text_of
from luthier.formats.format import Format
from luthier.types import Column, Example, Row

_NAMES = ("content", "document", "body", "文本", "正文", "内容")


class Plain(Format[str, None]):
    columns: ClassVar[tuple[Column, ...]] = (Column("text", _NAMES),)
    tasks: ClassVar[tuple[str, ...]] = ("pretrain",)
    documents: ClassVar[str] = "passage"

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        return 0.5 if len(columns) == 1 and folded(columns[0]) in ("text", "content", "文本", "正文") else 0.0

    def parse(self, row: Row) -> Example[str, None]:
        return Example(self.parse_input(row), None, row.place, row.number)

    def parse_input(self, row: Row) -> str:
        return text_of(row, "text")

    def as_row(self, input: str, answer: None) -> dict[str, Any]:
        return {"text": input}

    def usual_shares(self, rows: int) -> tuple[float, float]:
        """A text has many tokens to be judged by: a twentieth of the rows will do, where these are twenty or more."""
        test = min(0.2, max(0.05, 20 / max(1, rows)))
        return round(test, 3), round(test / 2, 3)

    def plain_text(self, input: str) -> str:
        return input

    def answer_spans(self, input: str, answer: None) -> list[tuple[int, int]]:
        return [(0, len(input))]

    def map_texts(self, input: str, change: Callable[[str], str]) -> str:
        return change(input)
