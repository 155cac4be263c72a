"""Rows to Examples: the user's column names become the task's, then the task's own parser reads the row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from luthier.errors import DataError, LuthierError, Place, Problem, shown
from luthier.formats.format import AnyFormat
from luthier.language import t
from luthier.types import Example, Row

ParsedT = TypeVar("ParsedT")


def parse_rows(
    rows: Iterable[Row | Problem], parse: Callable[[Row], ParsedT], columns: Mapping[str, str]
) -> Iterator[ParsedT | Problem]:
    """For each row what it says, or what is wrong with it, in order.

    columns: the task's name of a column to the file's.
    """
    for row in rows:
        if isinstance(row, Problem):
            yield row
            continue
        try:
            yield parse(renamed(row, columns))
        except LuthierError as error:
            yield _in_their_words(error.problems[0], columns)


def with_group(parse: Callable[[Row], Example[Any, Any]], column: str) -> Callable[[Row], Example[Any, Any]]:
    """The parser, which also keeps the group that a split must not tear apart. column: the file's own name."""

    def parse_grouped(row: Row) -> Example[Any, Any]:
        group = row.values.get(column)
        if group is None or not str(group).strip():
            fix = t("fill it in, or split without groups: data.split.group= data.split.by=random")
            raise DataError.at(replace(row.place, column=column), t("no group"), fix, code="missing-group")
        return replace(parse(row), group=str(group))

    return parse_grouped


def with_mark(
    parse: Callable[[Row], Example[Any, Any]], column: str, read: Callable[[Any, Place], Any]
) -> Callable[[Row], Example[Any, Any]]:
    """The parser, which also keeps what a split by time or by column goes by. column: the file's own name. read: from
    a cell and its place to that; raises DataError."""

    def parse_marked(row: Row) -> Example[Any, Any]:
        mark = read(row.values.get(column), replace(row.place, column=column))
        return replace(parse(row), mark=mark)

    return parse_marked


def with_clean_texts(
    parse: Callable[[Row], Example[Any, Any]], layout: AnyFormat, clean: Callable[[str], str]
) -> Callable[[Row], Example[Any, Any]]:
    """The parser, whose texts are cleaned."""
    return lambda row: clean_example(parse(row), layout, clean)


def clean_example(example: Example[Any, Any], layout: AnyFormat, clean: Callable[[str], str]) -> Example[Any, Any]:
    """With its texts cleaned, those of the answer too, and with what points into them moved.

    Errors: DataError where nothing is left of a text.
    """
    emptied: list[str] = []

    def change(text: str) -> str:
        cleaned = clean(text)
        if text.strip() and not cleaned.strip():
            emptied.append(text)
        return cleaned

    input = layout.map_texts(example.input, change)
    answer = layout.map_answer(example.answer, change, example.input, input)
    if emptied:
        what = t("nothing is left of the text {text} when it is cleaned", text=shown(emptied[0]))
        raise DataError.at(example.place, what, t("remove the row, or clean by other steps"), code="missing-text")
    unchanged = input == example.input and answer == example.answer
    return example if unchanged else replace(example, input=input, answer=answer)


def renamed(row: Row, columns: Mapping[str, str]) -> Row:
    """The row under the task's names. The file's own columns stay, except where a task's name hides one."""
    ours = {name: row.values.get(theirs) for name, theirs in columns.items()}
    return Row({**row.values, **ours}, row.place, row.number)


def _in_their_words(problem: Problem, columns: Mapping[str, str]) -> Problem:
    """The place with the file's name of the column instead of the task's."""
    place = problem.place
    return replace(problem, place=replace(place, column=columns.get(str(place.column), place.column)))
