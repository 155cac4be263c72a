"""A text, or a pair of texts, with one label."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Any, ClassVar

from luthier.errors import DataError, Problem, shown
from luthier.formats.cells.pairs import Text, as_columns, joined, mapped, same_texts, text_or_pair
from luthier.formats.cells.text import LABEL_NAMES, PAIR_NAMES, TEXT_NAMES, is_invisible, refuse_surrogates
from luthier.formats.format import Format
from luthier.language import t
from luthier.types import Column, Example, Row


class Labelled(Format[Text, str]):
    columns: ClassVar[tuple[Column, ...]] = (
        Column("text", TEXT_NAMES),
        Column("label", LABEL_NAMES, is_answer=True),
        Column("text_pair", PAIR_NAMES, required=False),
    )
    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    def parse(self, row: Row) -> Example[Text, str]:
        input = self.parse_input(row)
        return Example(input, label_of(row), row.place, row.number, written=kind_of_label(row.values["label"]))

    def parse_input(self, row: Row) -> Text:
        return text_or_pair(row)

    def as_row(self, input: Text, answer: str) -> dict[str, Any]:
        return {**as_columns(input), "label": answer}

    def remarks(self, example: Example[Text, str]) -> Iterator[Problem]:
        return same_texts(example)

    def stratum(self, answer: str) -> Hashable:
        return answer

    def plain_text(self, input: Text) -> str:
        return joined(input)

    def map_texts(self, input: Text, change: Callable[[str], str]) -> Text:
        return mapped(input, change)


def label_of(row: Row) -> str:
    """The label as the user wrote it: 007, NA, 1 and 1.0 are text. Only an empty cell has none."""
    value = row.values.get("label")
    if isinstance(value, str) and value and not is_invisible(value):
        if not value.isascii():
            refuse_surrogates(value, replace(row.place, column="label"))
        return value
    place = replace(row.place, column="label")
    if value is None or isinstance(value, str):
        raise DataError.at(place, t("no label"), t("fill it in, or remove the row"), code="missing-label")
    if isinstance(value, float) and value != value:
        raise DataError.at(place, t("NaN is no label"), t("fill it in, or remove the row"), code="nan-label")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    what = t("the label {value} is no text or number", value=shown(value))
    raise DataError.at(place, what, t("for several labels a row use task=multilabel"), code="wrong-type")


class LabelKind(StrEnum):
    """The type of a label in its file, by which 1, "1", 1.0 and true are told apart; 2.5 is a number like 2."""

    TEXT = "text"
    NUMBER = "number"
    DECIMAL = "decimal number"
    TRUTH = "truth value"


def kind_of_label(label: Any) -> LabelKind:
    if isinstance(label, str):
        return LabelKind.TEXT
    if isinstance(label, bool):
        return LabelKind.TRUTH
    return LabelKind.DECIMAL if isinstance(label, float) and label.is_integer() else LabelKind.NUMBER
