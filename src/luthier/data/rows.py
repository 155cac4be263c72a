"""Rows to Examples: the user's column names become the task's, then the task's own parser reads the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from luthier.data.findings import Collector
from luthier.errors import LuthierError, Place, Problem
from luthier.language import t
from luthier.types import Example, Row

ParsedT = TypeVar("ParsedT")


def parse_rows(
    rows: Iterator[Row],
    parse: Callable[[Row], ParsedT],
    columns: Mapping[str, str],
    faults: Collector,
) -> Iterator[ParsedT]:
    """Each row that can be read; the others go to `faults`. columns: the task's name of a column to the file's."""
    for row in rows:
        try:
            yield parse(renamed(row, columns))
        except LuthierError as error:
            for problem in error.problems:
                faults.add(_in_their_words(problem, columns))


def with_group(parse: Callable[[Row], Example[Any, Any]], column: str | None) -> Callable[[Row], Example[Any, Any]]:
    """The parser, which also keeps the group that a split must not tear apart. column: the file's, or None."""
    if column is None:
        return parse

    def parse_grouped(row: Row) -> Example[Any, Any]:
        group = row.values.get(column)
        if group is None or not str(group).strip():
            place = Place(row.place.file, row.place.line, column)
            fix = t("fill it in, or split without groups: data.split.by=random")
            raise LuthierError(Problem(place, t("no group"), fix, "missing-group"))
        return replace(parse(row), group=str(group))

    return parse_grouped


def renamed(row: Row, columns: Mapping[str, str]) -> Row:
    """The row under the task's names. The file's own columns stay, except where a task's name hides one."""
    ours = {name: row.values.get(theirs) for name, theirs in columns.items()}
    return Row({**row.values, **ours}, row.place, row.number)


def _in_their_words(problem: Problem, columns: Mapping[str, str]) -> Problem:
    """The place with the file's name of the column instead of the task's."""
    place = problem.place
    return replace(problem, place=replace(place, column=columns.get(str(place.column), place.column)))
