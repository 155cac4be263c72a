"""Rows to a file, of the kind that its ending names: one row at a time, every value as it was read."""

from __future__ import annotations

import csv
import datetime
import decimal
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from luthier.errors import DataError, did_you_mean, shown
from luthier.fixing.schema import BATCH, array_of, mixed_types
from luthier.language import t

if TYPE_CHECKING:
    import pyarrow as pa

_SHEET_ROWS, _SHEET_CHARACTERS = 1_048_576, 32_767
"""What Excel takes; it cuts the rest off without a word."""


class Sink(ABC):
    """Takes rows, one by one."""

    @abstractmethod
    def write(self, values: Mapping[str, Any]) -> None:
        """Errors: DataError for a value that the file cannot hold."""

    def finish(self) -> None:  # noqa: B027  most have nothing to do
        """After the last row."""


class Delimited(Sink):
    """CSV and TSV, in UTF-8, with quotes where they are needed.

    A cell that a spreadsheet takes for a formula (=, +, -, @ at its beginning) stays as it is: this is the user's own
    table on its way to training, and a quote put before such a cell would be learnt as part of the text. What Luthier
    writes for people to open, its predictions, is made safe where it is written.
    """

    def __init__(self, name: str, file: TextIO, delimiter: str, columns: Sequence[str], *, header: bool) -> None:
        self._name, self._columns = name, columns
        # "\r\n" makes Python's writer quote lone returns as well as line feeds; the file's own lines end in "\n"
        self._writer = csv.writer(_Lines(file), delimiter=delimiter, lineterminator="\r\n")
        if header:
            self._writer.writerow(columns)

    def write(self, values: Mapping[str, Any]) -> None:
        self._writer.writerow([self._cell(values.get(name), name) for name in self._columns])

    def _cell(self, value: Any, name: str) -> Any:
        if isinstance(value, (list, dict)):
            what = t("{column} holds a list or an object, which a table has no cells for", column=shown(name))
            raise DataError.at(self._name, what, t("name the copy .jsonl"), code="wrong-type")
        return ("true" if value else "false") if isinstance(value, bool) else value


class _Lines:
    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, line: str) -> int:
        return self._file.write(line[:-2] + "\n")


class JsonLines(Sink):
    """One object a line."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, values: Mapping[str, Any]) -> None:
        self._file.write(json_text(values) + "\n")


class JsonList(Sink):
    """One list of objects, an object a line."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._before = file, "[\n"

    def write(self, values: Mapping[str, Any]) -> None:
        self._file.write(self._before + json_text(values))
        self._before = ",\n"

    def finish(self) -> None:
        self._file.write("\n]\n" if self._before == ",\n" else "[]\n")


class Parquet(Sink):
    """schema: the original's, where that is a Parquet file too, so that every type is kept."""

    def __init__(self, name: str, writer: Any) -> None:
        self._name, self._writer, self._waiting = name, writer, list[Mapping[str, Any]]()

    def write(self, values: Mapping[str, Any]) -> None:
        self._waiting.append(values)
        if len(self._waiting) == BATCH:
            self._flush()

    def finish(self) -> None:
        self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            schema = self._writer.schema
            with mixed_types(self._name):
                arrays = [array_of([row.get(field.name) for row in self._waiting], field.type) for field in schema]
                self._writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            self._waiting = []


class Sheet(Sink):
    """An Excel workbook of one sheet. Text is written as text, never as a formula or a number: 007 stays 007.
    Excel has one kind of line break in a cell, \\n."""

    def __init__(self, name: str, path: Path, columns: Sequence[str], *, header: bool) -> None:
        import openpyxl

        self._name, self._path, self._columns, self._count = name, path, columns, 0
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet()
        if header:
            self._append(columns)

    def write(self, values: Mapping[str, Any]) -> None:
        self._append([values.get(name) for name in self._columns])

    def finish(self) -> None:
        self._book.save(self._path)

    def _append(self, values: Sequence[Any]) -> None:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.utils.exceptions import IllegalCharacterError

        self._count += 1
        if self._count > _SHEET_ROWS or any(isinstance(v, str) and len(v) > _SHEET_CHARACTERS for v in values):
            what = t("a sheet holds {rows:,} rows, a cell {characters:,} characters", rows=_SHEET_ROWS,
                     characters=_SHEET_CHARACTERS)  # fmt: skip
            raise DataError.at(self._name, what, t("name the copy .csv or .jsonl"), code="too-large")
        cells: list[Any] = []
        for value in values:
            try:
                cell = WriteOnlyCell(self._sheet, value)
            except (ValueError, IllegalCharacterError):
                what, fix = t("Excel has no cell for {value}", value=shown(value)), t("name the copy .csv or .jsonl")
                raise DataError.at(self._name, what, fix, code="wrong-type") from None
            if isinstance(value, str):
                cell.data_type = "s"
            cells.append(cell)
        self._sheet.append(cells)


ENDINGS = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx")


def check_ending(path: Path) -> None:
    """Errors: DataError where no kind of file that can be written has this ending."""
    if path.suffix.lower() not in ENDINGS:
        what = t("'{ending}' cannot be written", ending=path.suffix)
        fix = did_you_mean(path.suffix, ENDINGS) + "; " + t("known: {names}", names=", ".join(ENDINGS))
        raise DataError.at(str(path), what, fix, code="usage")


@contextmanager
def open_sink(
    path: Path, out: Path, columns: Sequence[str], schema: pa.Schema | None, *, header: bool
) -> Iterator[Sink]:
    """path: where to write, perhaps a temporary name of `out`, whose ending says of what kind. columns: in the order of
    the table.

    schema: for Parquet; all columns are texts where none is given. header: False leaves the names out of tables.
    """
    name, ending = str(out), out.suffix.lower()
    with ExitStack() as stack:
        if ending == ".parquet":
            import pyarrow as pa
            from pyarrow.parquet import ParquetWriter

            kind = schema if schema is not None else pa.schema([(column, pa.string()) for column in columns])
            sink: Sink = Parquet(name, stack.enter_context(ParquetWriter(path, kind)))
        elif ending == ".xlsx":
            sink = Sheet(name, path, columns, header=header)
        else:
            file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            if ending in (".csv", ".tsv"):
                sink = Delimited(name, file, "," if ending == ".csv" else "\t", columns, header=header)
            else:
                sink = JsonLines(file) if ending == ".jsonl" else JsonList(file)
        yield sink
        sink.finish()


def json_text(value: Any) -> str:
    """JSON that any reader takes, also where a text holds half a surrogate pair."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    return text if text.isascii() or not _broken(text) else json.dumps(value, default=_plain)


def _broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _plain(value: Any) -> str:
    """Types of Parquet that JSON does not have, as a table shows them."""
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, datetime.timedelta)):
        return str(value)
    what = t("JSON has no way to write {value}", value=shown(value))
    raise DataError.at("data", what, t("name the copy .parquet"), code="wrong-type")
