"""CSV, TSV and their kin: one record at a time, each with the line an editor shows for it."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, TextIO

from luthier.errors import DataError, Place, Problem, shown
from luthier.language import t
from luthier.reading.source import Source
from luthier.types import Row

_DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_LINES = 200
_QUOTING_LINES = 100_000
"""A text that begins with a quotation may come late."""
_LARGEST_CELL = 2**27
"""Characters: far above any text, low enough that an open quote in a huge file is noticed."""

_MISSING = object()

Quoting = Literal[0, 3]
"""csv.QUOTE_MINIMAL or csv.QUOTE_NONE."""


def read_header(source: Source, delimiter: str, quoting: Quoting) -> tuple[str, ...]:
    """The first record. Errors: DataError where a name stands twice or there is nothing below."""
    with source.open_text() as file:
        header = tuple(next(csv.reader(file, delimiter=delimiter, quoting=quoting), ()))
    place = Place(str(source.path), 1)
    for name, count in Counter(header).items():
        if count > 1 and name.strip():
            columns = " and ".join(str(i) for i, other in enumerate(header, 1) if other == name)
            what = t("{name} stands in columns {columns}", name=shown(name), columns=columns)
            raise DataError.at(place, what, t("rename one of them"), code="duplicate-header")
    return header


def read_records(
    source: Source, delimiter: str, quoting: Quoting, columns: Sequence[str], has_header: bool
) -> Iterator[Row | Problem]:
    """Rows as text, with the line each begins on; for a record that does not fit the header, what is wrong with it.

    Errors: DataError for a quote that is never closed.
    """
    csv.field_size_limit(_LARGEST_CELL)
    path, width = str(source.path), len(columns)
    number = 0
    with source.open_text() as file:
        lines = _Lines(file)
        reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
        if has_header:
            next(reader, None)
        while True:
            place = Place(path, lines.count + 1)
            try:
                record = next(reader, _MISSING)
            except csv.Error as error:
                yield _broken(place, str(error), lines)
                continue
            if record is _MISSING:
                return
            assert isinstance(record, list)
            has_nul, lines.has_nul = lines.has_nul, False
            if not record:
                continue  # a blank line
            if has_nul:
                fix = t("remove it; is the file cut, or UTF-16 (data.encoding=utf-16)?")
                yield Problem(place, t("a NUL byte (\\x00) in the text"), fix, "nul-byte")
            elif len(record) != width:
                yield _ragged(place, record, columns, delimiter)
            elif has_header and tuple(record) == tuple(columns):
                what = t("the header stands here again; were files joined?")
                yield Problem(place, what, t("remove this line"), "repeated-header")
            else:
                yield Row(dict(zip(columns, record, strict=True)), place, number)
            number += 1


def guess_delimiter(source: Source) -> str:
    """The delimiter that cuts the first lines into the most even columns.

    Errors: UnicodeError from decoding.
    """
    if source.ending in (".tsv", ".tab"):
        return "\t"
    lines = _first_lines(source)
    counts = {d: [line.count(d) for line in lines] for d in _DELIMITERS}
    in_header = {d: n[0] for d, n in counts.items() if n and n[0]}
    evenness = {d: sum(c >= n for c in counts[d]) / len(lines) for d, n in in_header.items()}
    best = max(evenness.values(), default=0.0)
    even = [d for d in evenness if evenness[d] > best - 0.05]
    return max(even, key=lambda d: in_header[d], default=",")


def guess_quoting(source: Source, delimiter: str) -> Quoting:
    """Whether quotes mean anything. In tab-separated files a quote is often just a quote: told by lines that are even
    only without quoting. Errors: UnicodeError from decoding."""
    if delimiter != "\t":
        return csv.QUOTE_MINIMAL
    widths: set[int] = set()
    unbalanced = False
    with source.open_text() as file:
        for line in itertools.islice(file, _QUOTING_LINES):
            cells = line.rstrip("\r\n").split("\t")
            if line.strip():
                widths.add(len(cells))
            if len(widths) > 1:
                return csv.QUOTE_MINIMAL
            unbalanced |= any(cell.startswith('"') and (len(cell) == 1 or not cell.endswith('"')) for cell in cells)
    return csv.QUOTE_NONE if unbalanced else csv.QUOTE_MINIMAL


def _first_lines(source: Source) -> list[str]:
    lines: list[str] = []
    with source.open_text() as file:
        for line in file:
            if line.strip():
                lines.append(line)
            if len(lines) == _SAMPLE_LINES:
                break
    return lines


class _Lines:
    """Lines of a file, counted as they are drawn. has_nul: whether one of them held a NUL; reset by the reader."""

    def __init__(self, file: TextIO) -> None:
        self._file, self.count, self.has_nul = file, 0, False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self.count += 1
        self.has_nul = self.has_nul or "\0" in line
        return line


def _ragged(place: Place, record: Sequence[str], columns: Sequence[str], delimiter: str) -> Problem:
    what = t("{fields} fields, the header has {columns}", fields=len(record), columns=len(columns))
    if len(record) > len(columns):
        fix = t("put the cell that holds a '{delimiter}' into quotes", delimiter=delimiter)
    else:
        fix = t("add the missing cells; an empty one is fine")
    return Problem(place, what, fix, "ragged-row")


def _broken(place: Place, error: str, lines: _Lines) -> Problem:
    if "unexpected end of data" in error or "larger than field limit" in error:
        what = t("a quote opens in this record and is never closed (read on to line {line})", line=lines.count)
        fix = t('close it, or write a quote inside a cell twice: ""')
        raise DataError.at(place, what, fix, code="open-quote")
    fix = t('put the whole cell into quotes and write quotes inside it twice: ""')
    return Problem(place, t("text stands behind a closing quote ({error})", error=error), fix, "broken-quote")
