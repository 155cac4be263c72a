"""CSV, TSV and their kin: one record at a time, each with the line an editor shows for it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from luthier.errors import DataError, Place, Problem, shown
from luthier.language import t
from luthier.reading.dialect import Dialect
from luthier.reading.raw.lines import Lines
from luthier.reading.source import Source
from luthier.types import Row

_LARGEST_CELL = 2**25
"""Characters: above any text, low enough that an open quote in a huge file costs neither time nor memory."""
_MOST_LINES = 20
"""A record of more lines in which a quote then stands wrongly began with a quote that was left open."""


def read_header(source: Source, dialect: Dialect, *, is_names: bool = True) -> tuple[str, ...]:
    """The first record. Errors: DataError where one of its names stands twice."""
    with source.open_lines() as lines:
        reader = _reader(lines, dialect)
        try:
            header = tuple(next((record for record in reader if record), ()))
        except csv.Error as error:
            problem = _broken(Place(source.name, 1), reader.line_num, str(error), lines, dialect)
            raise DataError(problem) from None
        fault = _taken(lines.faults, 1, reader.line_num)
        if fault is not None and is_names:
            raise DataError(fault)
    for name, count in Counter(header).items() if is_names else ():
        if count > 1 and name.strip():
            columns = " and ".join(str(i) for i, other in enumerate(header, 1) if other == name)
            fix = t("rename one of them; or data.header=false, if line 1 is data already")
            what = t("{name} stands in columns {columns}", name=shown(name), columns=columns)
            raise DataError.at(Place(source.name, 1), what, fix, code="duplicate-header")
    return header


def read_records(source: Source, dialect: Dialect, columns: Sequence[str], has_header: bool) -> Iterator[Row | Problem]:
    """Rows as text, with the line each begins on; for a record that does not fit the header, what is wrong with it.

    Errors: DataError for a quote that is never closed.
    """
    name, width, header = source.name, len(columns), list(columns)
    with source.open_lines() as lines:
        reader, faults = _reader(lines, dialect), lines.faults
        if has_header:
            next((record for record in reader if record), None)
        number, begin = 0, reader.line_num + 1
        while True:
            try:
                for record in reader:
                    problem = None
                    if faults:
                        problem = _taken(faults, begin, reader.line_num)
                    if record or problem:  # else a blank line
                        if problem is None and (len(record) != width or record == header or dialect.mixed):
                            raw = lines.drawn(begin) if reader.line_num == begin else ""
                            problem = _unfit(Place(name, begin), record, header, dialect, raw, has_header)
                        yield problem or Row(dict(zip(header, record)), Place(name, begin), number)  # noqa: B905  as long
                        number += 1
                    begin = reader.line_num + 1
                return
            except csv.Error as error:
                _taken(faults, begin, reader.line_num)
                yield _broken(Place(name, begin), reader.line_num, str(error), lines, dialect)
                number, begin = number + 1, reader.line_num + 1


def _reader(lines: Lines, dialect: Dialect) -> Any:
    csv.field_size_limit(_LARGEST_CELL)
    return csv.reader(lines, delimiter=dialect.delimiter, quoting=dialect.quoting, quotechar=dialect.quote, strict=True)


def _taken(faults: dict[int, Problem], first: int, last: int) -> Problem | None:
    """What is wrong with the first faulty one of these lines, which then are done with."""
    if last - first > len(faults):
        found = [faults.pop(line) for line in sorted(faults) if first <= line <= last]
    else:
        found = [faults.pop(line) for line in range(first, last + 1) if line in faults]
    return found[0] if found else None


def _unfit(
    place: Place, record: list[str], header: list[str], dialect: Dialect, raw: str, has_header: bool
) -> Problem | None:
    """Why a record is no row, if so. raw: its line, where it has only one."""
    if len(record) != len(header):
        if len(record) < len(header) and raw and not raw.endswith(("\n", "\r")):
            what = t("ends in the middle of a row, with {fields} of {columns} fields: the file looks cut",
                     fields=len(record), columns=len(header))  # fmt: skip
            return Problem(place, what, t("fetch or export it again"), "cut-file")
        return _ragged(place, record, header, dialect.delimiter)
    if has_header and record == header:
        what = t("the header stands here again; were files joined?")
        return Problem(place, what, t("remove this line"), "repeated-header")
    if dialect.mixed and any(_is_single_quoted(cell) for cell in record) and _in_single_quotes(raw, dialect.delimiter):
        what = t(
            "a cell in single quotes, in a file that quotes with double ones; read as {cells}", cells=_read(record)
        )
        return Problem(place, what, t('write every quoted cell as "…"'), "mixed-quotes")
    return None


def _ragged(place: Place, record: Sequence[str], columns: Sequence[str], delimiter: str) -> Problem:
    what = t("{fields} fields, the header has {columns}", fields=len(record), columns=len(columns))
    if len(record) > len(columns):
        opening = next((i for i, cell in enumerate(record) if cell.startswith("'")), len(record))
        if any(cell.endswith("'") for cell in record[opening + 1 :]):
            fix = t("""single quotes do not quote: put the cell into "…" instead""")
        else:
            fix = t("put the cell that holds a '{delimiter}' into quotes", delimiter=delimiter)
    else:
        fix = t("add the missing cells; an empty one is fine")
    return Problem(place, what, fix, "ragged-row")


def _is_single_quoted(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == "'"


def _in_single_quotes(raw: str, delimiter: str) -> bool:
    """Whether a cell of the line is in single quotes and in no others."""
    cell = re.escape(delimiter)
    return re.search(rf"(?:^|{cell})'[^'\"]*'(?={cell}|\s*$)", raw) is not None


def _read(record: Sequence[str]) -> str:
    return " | ".join(shown(cell, 30) for cell in record[:4])


def _broken(place: Place, end: int, error: str, lines: Lines, dialect: Dialect) -> Problem:
    """What stands wrongly in a record that goes from its place to the line `end`.

    Errors: DataError where all behind it may have been swallowed by a quote.
    """
    begin = place.line or 1
    close = t('close it, or write a quote inside a cell twice: ""')
    if "larger than field limit" in error and end == begin:
        what = t("a cell of more than {count:,} characters", count=_LARGEST_CELL)
        raise DataError.at(place, what, t("is this the right delimiter? shorten the cell"), code="huge-cell")
    if "expected after" not in error:
        what = t("a quote opens in this record and is never closed (read on to line {line})", line=end)
        raise DataError.at(place, what, close, code="open-quote")
    if end - begin >= _MOST_LINES:
        what = t("a quote opens in this record and meets the next one only in line {line}", line=end)
        raise DataError.at(place, what, close, code="open-quote")
    what = t("text stands behind a closing quote ({error})", error=error)
    if end == begin and (raw := lines.drawn(end)):
        read = next(csv.reader([raw], delimiter=dialect.delimiter, quotechar=dialect.quote), [])
        what += t("; it reads as {cells}", cells=_read(read))
    elif end > begin:
        what += t("; the record goes on to line {line}", line=end)
    fix = t('put the whole cell into quotes and write quotes inside it twice: ""')
    return Problem(place, what, fix, "broken-quote")
