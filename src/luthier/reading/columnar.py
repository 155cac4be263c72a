"""Parquet and Excel: row by row, without holding the file in memory."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator
from typing import Any

from luthier.errors import DataError, Place, did_you_mean
from luthier.language import t
from luthier.reading.source import Source
from luthier.types import Row


def parquet_columns(source: Source) -> tuple[str, ...]:
    """Errors: DataError where the file is cut or its footer lies."""
    import pyarrow.parquet as parquet

    with _damage(source):
        return tuple(parquet.read_schema(source.path).names)


def read_parquet(source: Source) -> Iterator[Row]:
    """Data rows count from 1: a Parquet file has no lines."""
    import pyarrow.parquet as parquet

    number = 0
    with _damage(source), parquet.ParquetFile(source.path) as file:
        for batch in file.iter_batches(batch_size=4096):
            for values in batch.to_pylist():
                yield Row(values, Place(str(source.path), number + 1), number)
                number += 1


def sheet_columns(source: Source, sheet: str | None) -> tuple[str, ...]:
    """The names in the first row of the sheet."""
    return tuple(cell_text(cell) or "" for cell in next(_sheet_rows(source, sheet), ()))


def read_sheet(source: Source, sheet: str | None, columns: tuple[str, ...], has_header: bool) -> Iterator[Row]:
    """Rows of one sheet (the first where none is named). Line numbers are the sheet's own."""
    rows = _sheet_rows(source, sheet)
    if has_header:
        next(rows, None)
    number = 0
    for line, cells in enumerate(rows, 2 if has_header else 1):
        texts = [cell_text(cell) for cell in cells]
        if any(text is not None for text in texts):
            padded = [*texts, *[None] * (len(columns) - len(texts))]
            values = dict(zip(columns, padded, strict=False))
            yield Row(values, Place(str(source.path), line), number)
            number += 1


def cell_text(value: Any) -> str | None:
    """A cell as a person reads it: 7, not 7.0; TRUE; a date without its midnight."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


def _sheet_rows(source: Source, sheet: str | None) -> Iterator[tuple[Any, ...]]:
    import openpyxl

    with _damage(source):
        book = openpyxl.load_workbook(source.path, read_only=True, data_only=True)
    try:
        names = book.sheetnames
        if sheet is not None and sheet not in names:
            what = t("no sheet '{sheet}'", sheet=sheet)
            raise DataError.at(str(source.path), what, did_you_mean(sheet, names), code="no-such-sheet")
        yield from book[sheet or names[0]].iter_rows(values_only=True)
    finally:
        book.close()


class _damage:  # noqa: N801  a context manager that reads as a word
    """Turns what the libraries raise on a damaged file into a DataError."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pyarrow

        if isinstance(error, (pyarrow.ArrowException, zipfile.BadZipFile, KeyError, OSError)) and not isinstance(
            error, FileNotFoundError
        ):
            what = t("is damaged: {error}", error=str(error).splitlines()[0][:120])
            raise DataError.at(
                str(self._source.path), what, t("export or copy it again"), code="damaged-file"
            ) from None
