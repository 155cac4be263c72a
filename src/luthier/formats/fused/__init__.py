"""A text beside an image or a sound, with one label or with a number."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

from luthier.formats.cells.number import number_of
from luthier.formats.cells.text import LABEL_NAMES, TEXT_NAMES
from luthier.formats.fused.rows import MEDIA_COLUMNS, Fused, FusedRows
from luthier.formats.labelled import kind_of_label, label_of
from luthier.formats.numbers import NUMBER_NAMES
from luthier.types import Column, Example, Row

_TEXT = Column("text", TEXT_NAMES)


class FusedLabels(FusedRows[str]):
    columns: ClassVar[tuple[Column, ...]] = (
        _TEXT, Column("label", ("answer", *LABEL_NAMES), is_answer=True), *MEDIA_COLUMNS,
    )  # fmt: skip
    tasks: ClassVar[tuple[str, ...]] = ("fusion",)

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        return self.media_likeness(columns, first)

    def parse(self, row: Row) -> Example[Fused, str]:
        written = kind_of_label(row.values.get("label"))
        return Example(self.parse_input(row), label_of(row), row.place, row.number, written=written)

    def stratum(self, answer: str) -> Hashable:
        return answer


class FusedNumbers(FusedRows[float]):
    """Read where the task is told to give numbers: a label of digits may be a class as well."""

    columns: ClassVar[tuple[Column, ...]] = (
        _TEXT, Column("label", ("answer", *NUMBER_NAMES, *LABEL_NAMES), is_answer=True), *MEDIA_COLUMNS,
    )  # fmt: skip
    tasks: ClassVar[tuple[str, ...]] = ()

    def parse(self, row: Row) -> Example[Fused, float]:
        return Example(self.parse_input(row), number_of(row, "label"), row.place, row.number)

    def number(self, answer: float) -> float:
        return answer
