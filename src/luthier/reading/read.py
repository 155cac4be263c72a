"""A file to rows, whatever kind it is, one row at a time."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from luthier.errors import DataError, Place, Problem
from luthier.files import sha256
from luthier.language import t
from luthier.reading import columnar, conll, jsons, prose, sheets, tables
from luthier.reading.dialect import SAMPLE_LINES, find_dialect, is_table
from luthier.reading.raw import kinds
from luthier.reading.source import MOST_BYTES, Source, find_source, unreadable
from luthier.types import Row

Rows = Iterator[Row | Problem]


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file where its content does not say it well enough.

    delimiter, encoding: None finds out. header: False names the columns 1, 2, 3 … sheet: of an Excel file, None
    takes the first. max_bytes: an unpacked file larger than this is refused. query: what a database is asked.
    controls: control characters are let through, for who takes them out.
    """

    delimiter: str | None = None
    encoding: str | None = None
    header: bool = True
    sheet: str | None = None
    max_bytes: int = MOST_BYTES
    query: str | None = None
    controls: bool = False


@dataclass
class Table:
    """Data being read. name: what they are called in messages: a path or an address, without secrets.

    columns: the names known from the start (of JSON, the keys of the first rows). is_table: every row has exactly
    these. rows: can be drawn once; in the place of a row that cannot be read stands what is wrong with it.
    notes: what was found out about the format. first: the values of the first rows, to look at.
    digests: SHA-256 by file; to be called after the rows were drawn. running: whether the rows are the lines of plain
    text, of which several may make one document. files: those of which it is made, where there are several.
    """

    name: str
    columns: tuple[str, ...]
    rows: Rows
    notes: tuple[str, ...] = ()
    first: tuple[Mapping[str, Any], ...] = ()
    is_table: bool = True
    digests: Callable[[], dict[str, str]] = field(default=dict[str, str], repr=False)
    running: bool = False
    files: tuple[Table, ...] = field(default=(), repr=False)

    @property
    def singles(self) -> tuple[Table, ...]:
        """The files one by one."""
        return self.files or (self,)

    @property
    def path(self) -> Path:
        """To be shown by its last part."""
        return Path(self.name)

    @property
    def head(self) -> Place:
        """Where its columns are named."""
        return Place(self.name, 1 if self.columns else None)


@dataclass(frozen=True)
class _Layout:
    """How the rows of a source are read. columns: () where they are told by the rows."""

    columns: tuple[str, ...]
    read: Callable[[], Rows]
    notes: list[str] = field(default_factory=list)
    running: bool = False


DEFAULT = ReadOptions()
_PEEK = 100
"""Rows looked at for the names of a file without a header: JSON rows may differ in their keys."""
_LISTS = ("[{", "[ ", "[\n", "[\r", "[\t")
_OBJECT = re.compile(r"\{\s*([\"'}]|$)")
_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
_TABLE_ENDINGS = (".csv", ".tsv", ".tab")


def open_table(path: Path, options: ReadOptions = DEFAULT, *, name: str | None = None) -> Table:
    """name: what it is called in messages, where that is not the path.

    Errors: DataError where the file cannot be read or has no rows. Faults of single rows are collected.
    """
    source = find_source(path, encoding=options.encoding, max_bytes=options.max_bytes, name=name)
    source = replace(source, controls=options.controls)
    layout = _layout(source, options)
    first = list(itertools.islice(_guarded(source, layout.read()), _PEEK))
    if not first:
        header = ",".join(layout.columns)
        what = t("has a header ({header}) and no rows", header=header) if header else t("has no rows")
        raise DataError.at(source.name, what, t("was the export finished?"), code="no-rows")
    values = tuple(row.values for row in first if isinstance(row, Row))
    keys = tuple(dict.fromkeys(key for row in values for key in row if not key.startswith("_")))
    return Table(
        source.name,
        layout.columns or keys,
        _guarded(source, layout.read()),
        tuple(layout.notes),
        values,
        bool(layout.columns),
        lambda: {source.name: sha256(source.path)},
        layout.running,
    )


def _layout(source: Source, options: ReadOptions) -> _Layout:
    if source.kind == kinds.XLSX:
        found = sheets.sheet_columns(source, options.sheet, has_header=options.header)
        columns = found if options.header else _numbered(len(found))
        return _Layout(columns, lambda: sheets.read_sheet(source, options.sheet, columns, options.header))
    if source.kind != kinds.TEXT:
        about = columnar.describe(source)
        return _Layout(about.columns, lambda: columnar.read_columnar(source, about), about.notes)
    layout = _text_layout(source, options)
    note = source.encoding.note()
    return replace(layout, notes=[note, *layout.notes]) if note else layout


def _text_layout(source: Source, options: ReadOptions) -> _Layout:
    """By content; where that leaves it open, by ending."""
    if options.delimiter is not None:
        return _delimited(source, options)
    head, ending = source.text_head.lstrip("\ufeff \t\r\n"), source.ending
    if head.startswith(_LISTS) or head.rstrip() == "[]":
        note = [t("one JSON list, not an object a line")] if ending in (".jsonl", ".ndjson", *_TABLE_ENDINGS) else []
        return _Layout((), lambda: jsons.read_list(source), note)
    if _OBJECT.match(head) and not (ending in _TABLE_ENDINGS and not head.startswith(('{"', "{ "))):
        if jsons.looks_like_lines(head, ending):
            note = [] if ending in _JSON_ENDINGS else [t("JSON Lines, an object a line")]
            return _Layout((), lambda: jsons.read_lines(source), note)
        return _Layout((), lambda: jsons.read_list(source))
    lines = source.first_lines(SAMPLE_LINES)
    if ending in _JSON_ENDINGS:
        if head.startswith("[") or any(line.lstrip().startswith("{") for line in lines) or not is_table(lines, ""):
            return _Layout((), lambda: jsons.read_lines(source))
        return _delimited(source, options, t("a table, not JSON"))
    if conll.looks_like_tokens(lines, ending) and ending != ".csv":
        note = [] if ending in conll.ENDINGS else [t("tokens and tags, one a line (CoNLL)")]
        return _Layout(conll.COLUMNS, lambda: conll.read_sentences(source), note)
    if ending == ".md" or (ending not in _TABLE_ENDINGS and options.header and not is_table(lines, ending)):
        note = [] if ending in (".txt", ".md") else [t("plain text, a row a line")]
        return _Layout(prose.COLUMNS, lambda: prose.read_prose(source), note, running=True)
    return _delimited(source, options)


def _delimited(source: Source, options: ReadOptions, *notes: str) -> _Layout:
    dialect = find_dialect(source, options.delimiter)
    header = tables.read_header(source, dialect, is_names=options.header)
    columns = header if options.header else _numbered(len(header))
    said = dialect.notes(source.ending) if options.delimiter is None else dialect.notes(source.ending)[1:]
    return _Layout(columns, lambda: tables.read_records(source, dialect, columns, options.header), [*notes, *said])


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(str(i) for i in range(1, count + 1))


def _guarded(source: Source, rows: Rows) -> Rows:
    """The rows; in the end it is asked whether the file stayed what it was. Errors: DataError."""
    try:
        yield from rows
    except OSError as error:
        source.check_unchanged()
        raise unreadable(source.name, error) from None
    source.check_unchanged()
