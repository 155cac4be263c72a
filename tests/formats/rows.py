"""Rows of a layout as data: what a row holds, what must be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.data.columns import find_columns
from luthier.data.rows import parse_rows
from luthier.errors import Place, Problem
from luthier.formats.format import AnyFormat
from luthier.types import Example, Row

LINE = 7


@dataclass(frozen=True)
class Fault:
    """row: the values of a file's row. code: "" where nothing may be said. says: words of what and fix together.

    line, column: of the place, where it is not the row's own line, and the file's name of the column.
    """

    row: Mapping[str, Any]
    code: str = ""
    says: tuple[str, ...] = ()
    column: str | None = None
    line: int = LINE


def read(layout: AnyFormat, row: Mapping[str, Any], *asked: tuple[str, str]) -> Example[Any, Any] | Problem:
    """A row of a file that has no other columns, as a run reads it."""
    columns = find_columns(tuple(row), layout.columns, dict(asked), Place("a.jsonl", 1), first=[row])
    (found,) = parse_rows([Row(row, Place("a.jsonl", LINE))], layout.parse, columns)
    return found


def good(layout: AnyFormat, row: Mapping[str, Any], *asked: tuple[str, str]) -> Example[Any, Any]:
    found = read(layout, row, *asked)
    assert isinstance(found, Example), found
    return found


def check(layout: AnyFormat, fault: Fault) -> None:
    """The fault is told, or the remark; or nothing at all where none is expected."""
    found = read(layout, fault.row)
    problems = [found] if isinstance(found, Problem) else list(layout.remarks(found))
    assert [problem.code for problem in problems] == [fault.code] * bool(fault.code), problems
    for problem in problems:
        assert (problem.place.file, problem.place.line) == ("a.jsonl", fault.line)
        assert problem.place.column == fault.column
        said = f"{problem.what} | {problem.fix}"
        for words in fault.says:
            assert words in said, said
