"""A text to be turned into another: summaries, translations, answers in free words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from luthier.errors import DataError
from luthier.formats.cells.columns import named, values_of
from luthier.formats.cells.text import LABEL_NAMES, checked_text, is_invisible, text_of
from luthier.formats.format import Format
from luthier.language import t
from luthier.types import Column, Example, Row

_INPUTS = (
    "source", "src", "article", "dialogue", "document", "text", "question", "prompt", "content", "input_text",
    "source_text", "原文", "正文", "文本", "问题",
)  # fmt: skip
_SURE = ("output", "summary", "highlights", "translation", "target_text", "output_text", "tgt", "摘要", "译文")
_POSSIBLE = ("target", "abstract", "headline", "answer", "response", "completion", "title", "标题", "答案", "回答")
_LONG = 12
"""Characters, on average: a class has a shorter name, and comes back in other rows."""


_LABELS = ("label", *LABEL_NAMES)


class TextToText(Format[str, str]):
    columns: ClassVar[tuple[Column, ...]] = (
        Column("input", _INPUTS),
        Column("output", (*_SURE[1:], *_POSSIBLE), is_answer=True),
    )
    tasks: ClassVar[tuple[str, ...]] = ("seq2seq",)
    answers_apart: ClassVar[bool] = True

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        source, sure = (named(columns, Column(name, usual)) for name, usual in (("input", _INPUTS), ("output", _SURE)))
        target = sure or named(columns, self.columns[1])
        values = values_of(first, target)
        if source is None or not all(isinstance(value, str) for value in values) or _repeats(values):
            return 0.0
        others = (named([name for name in columns if name not in (source, target)], Column(label)) for label in _LABELS)
        if any(_repeats(values_of(first, other)) for other in others if other):
            return 0.0
        if sure is not None:
            return 0.8
        return 0.6 if sum(map(len, values)) > _LONG * len(values) and len(set(values)) > 0.9 * len(values) else 0.0

    def parse(self, row: Row) -> Example[str, str]:
        input, output = self.parse_input(row), row.values.get("output")
        place = replace(row.place, column="output")
        if output is None or (isinstance(output, str) and is_invisible(output)):
            raise DataError.at(place, t("no output"), t("fill it in, or remove the row"), code="missing-text")
        output = checked_text(output, place)
        if output.strip() == input.strip():
            fix = t("is the output column right? remove the row if it was copied by mistake")
            raise DataError.at(place, t("the output is the input"), fix, code="equal-output")
        return Example(input, output, row.place, row.number)

    def parse_input(self, row: Row) -> str:
        return text_of(row, "input")

    def as_row(self, input: str, answer: str) -> dict[str, Any]:
        return {"input": input, "output": answer}

    def plain_text(self, input: str) -> str:
        return input

    def answer_text(self, answer: str) -> str:
        return answer

    def map_texts(self, input: str, change: Callable[[str], str]) -> str:
        return change(input)

    def map_answer(self, answer: str, change: Callable[[str], str], before: str, after: str) -> str:
        return change(answer)


def _repeats(values: Sequence[Any]) -> bool:
    """Whether they are classes, each in two rows or more on average; or there are none."""
    return 2 * len(set(map(str, values))) <= len(values)
