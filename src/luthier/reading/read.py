"""A file to rows, whatever kind it is, one row at a time."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from luthier.errors import DataError, Problem
from luthier.language import t
from luthier.reading import columnar, jsons, tables
from luthier.reading.source import MOST_BYTES, Source, find_source
from luthier.types import Row

ItemT = TypeVar("ItemT")


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file where its content does not say it well enough.

    delimiter, encoding: None finds out. header: False names the columns 1, 2, 3 … sheet: of an Excel file, None
    takes the first. max_bytes: an unpacked file larger than this is refused.
    """

    delimiter: str | None = None
    encoding: str | None = None
    header: bool = True
    sheet: str | None = None
    max_bytes: int = MOST_BYTES


@dataclass
class Table:
    """A file being read. columns: the names known from the start (of JSON, the keys of the first rows).

    rows: can be drawn once; in the place of a row that cannot be read stands what is wrong with it.
    notes: what was found out about the format. first: the values of the first rows, to look at.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Iterator[Row | Problem]
    notes: tuple[str, ...] = ()
    first: tuple[Mapping[str, Any], ...] = ()


DEFAULT = ReadOptions()
_PEEK = 100
"""Rows looked at for the names of a file without a header: JSON rows may differ in their keys."""


def open_table(path: Path, options: ReadOptions = DEFAULT) -> Table:
    """Errors: DataError where the file cannot be read or has no rows. Faults of single rows are collected."""
    source = find_source(path, encoding=options.encoding, max_bytes=options.max_bytes)
    try:
        columns, rows, notes = _open(source, options)
    except UnicodeError as error:
        raise source.undecodable(error) from None
    rows = decoding(source, rows)
    first = list(itertools.islice(rows, _PEEK))
    if not first:
        header = ",".join(columns)
        what = t("has a header ({header}) and no rows", header=header) if header else t("has no rows")
        raise DataError.at(str(path), what, t("was the export finished?"), code="no-rows")
    values = tuple(row.values for row in first if isinstance(row, Row))
    keys = tuple(dict.fromkeys(key for row in values for key in row))
    return Table(path, columns or keys, itertools.chain(first, rows), tuple(notes), values)


def _open(source: Source, options: ReadOptions) -> tuple[tuple[str, ...], Iterator[Row | Problem], list[str]]:
    if source.kind == "parquet":
        return columnar.parquet_columns(source), columnar.read_parquet(source), []
    if source.kind == "xlsx":
        found = columnar.sheet_columns(source, options.sheet)
        columns = found if options.header else _numbered(len(found))
        return columns, columnar.read_sheet(source, options.sheet, columns, options.header), []
    head = source.head.decode(source.encoding, errors="replace").lstrip("\ufeff \t\r\n")
    notes = [t("encoding {name}", name=source.encoding)] if source.encoding not in ("utf-8", "utf-8-sig") else []
    if options.delimiter is None and (head.startswith(("[{", "[ ", "[\n", "[\r", "[\t")) or head == "[]"):
        return (), jsons.read_list(source), notes
    if options.delimiter is None and head.startswith("{"):
        lines = jsons.looks_like_lines(head, source.ending)
        return (), (jsons.read_lines if lines else jsons.read_list)(source), notes
    if source.ending in (".jsonl", ".ndjson", ".json"):
        return (), jsons.read_lines(source), notes
    return _open_delimited(source, options, notes)


def _open_delimited(
    source: Source, options: ReadOptions, notes: list[str]
) -> tuple[tuple[str, ...], Iterator[Row | Problem], list[str]]:
    delimiter = options.delimiter or tables.guess_delimiter(source)
    quoting = tables.guess_quoting(source, delimiter)
    header = tables.read_header(source, delimiter, quoting)
    columns = header if options.header else _numbered(len(header))
    usual = "\t" if source.ending in (".tsv", ".tab") else ","
    if delimiter != usual and options.delimiter is None:
        notes.append(t("delimiter {delimiter}", delimiter={"\t": "tab"}.get(delimiter, delimiter)))
    if quoting == csv.QUOTE_NONE:
        notes.append(t("quotes are plain characters"))
    return columns, tables.read_records(source, delimiter, quoting, columns, options.header), notes


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(str(i) for i in range(1, count + 1))


def decoding(source: Source, rows: Iterator[ItemT]) -> Iterator[ItemT]:
    """What is read from a source; an undecodable byte on the way is told with its line."""
    try:
        yield from rows
    except UnicodeError as error:
        raise source.undecodable(error) from None
