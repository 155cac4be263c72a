"""A text, or a pair of texts, with one label."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from typing import ClassVar

from luthier.errors import DataError, Problem, shown
from luthier.formats.format import Format
from luthier.language import t
from luthier.types import Column, Example, Row

Text = str | tuple[str, str]

_TEXT_NAMES = (
    "sentence", "content", "body", "message", "review", "utterance", "query", "question", "comment", "title",
    "description", "document", "tweet", "input", "text_a", "sentence1", "premise", "文本", "内容", "正文", "评论",
    "句子", "消息", "问题",
)  # fmt: skip
_LABEL_NAMES = (
    "labels", "category", "class", "target", "intent", "sentiment", "topic", "tag", "y", "emotion", "rating",
    "team", "标签", "类别", "分类", "情感", "意图",
)  # fmt: skip
_PAIR_NAMES = ("text_b", "sentence2", "hypothesis")


class Labelled(Format[Text, str]):
    columns: ClassVar[tuple[Column, ...]] = (
        Column("text", _TEXT_NAMES),
        Column("label", _LABEL_NAMES, is_answer=True),
        Column("text_pair", _PAIR_NAMES, required=False),
    )
    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    def parse(self, row: Row) -> Example[Text, str]:
        return Example(self.parse_input(row), _label(row), row.place, row.number)

    def parse_input(self, row: Row) -> Text:
        text = text_of(row, "text")
        return text if row.values.get("text_pair") is None else (text, text_of(row, "text_pair"))

    def remarks(self, example: Example[Text, str]) -> Iterator[Problem]:
        if isinstance(example.input, tuple) and example.input[0].strip() == example.input[1].strip():
            fix = t("is the pair column right? remove the row if it is a copy by mistake")
            yield Problem(example.place, t("both texts of the pair are the same"), fix, "equal-pair")

    def stratum(self, answer: str) -> Hashable:
        return answer

    def plain_text(self, input: Text) -> str:
        return input if isinstance(input, str) else "\n".join(input)

    def map_texts(self, input: Text, change: Callable[[str], str]) -> Text:
        return change(input) if isinstance(input, str) else (change(input[0]), change(input[1]))


def _label(row: Row) -> str:
    """The label as the user wrote it: 007, NA, 1 and 1.0 are text. Only an empty cell has none."""
    value = row.values.get("label")
    place = replace(row.place, column="label")
    if value is None or value == "" or (isinstance(value, str) and not value.strip()):
        fix = t("fill it in, or remove the row")
        raise DataError.at(place, t("no label"), fix, code="missing-label")
    if isinstance(value, float) and value != value:
        raise DataError.at(place, t("NaN is no label"), t("fill it in, or remove the row"), code="nan-label")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    what = t("the label {value} is no text or number", value=shown(value))
    raise DataError.at(place, what, t("for several labels a row use task=multilabel"), code="wrong-type")


def text_of(row: Row, name: str) -> str:
    """The text of a column. Errors: DataError where it is none or empty."""
    value = row.values.get(name)
    place = replace(row.place, column=name)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        what = t("the text is the number {value}", value=shown(value))
        raise DataError.at(place, what, t("write it as a string, or name another column"), code="wrong-type")
    if value is not None and not isinstance(value, str):
        what = t("the text is of type {kind}", kind=type(value).__name__)
        raise DataError.at(place, what, t("write it as a string, or name another column"), code="wrong-type")
    if value is None or not value.strip():
        raise DataError.at(place, t("no text"), t("fill it in, or remove the row"), code="missing-text")
    return value
