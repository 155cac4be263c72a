"""Excel workbooks: the rows of one sheet, as a person reads them."""

from __future__ import annotations

import datetime
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

from luthier.errors import DataError, Place, did_you_mean, shown
from luthier.language import t
from luthier.reading.source import Source
from luthier.types import Row


def sheet_columns(source: Source, sheet: str | None, *, has_header: bool) -> tuple[str, ...]:
    """The names in the first row that is not empty. Errors: DataError where one stands twice."""
    first = next(_filled_rows(source, sheet), None)
    if first is None:
        return ()
    line, cells = first
    names = tuple(cell_text(cell) or "" for cell in cells)
    while names and not names[-1]:
        names = names[:-1]
    if not has_header:
        return names
    twice = [name for name, count in Counter(names).items() if count > 1 and name.strip()]
    if twice:
        columns = " and ".join(str(i) for i, other in enumerate(names, 1) if other == twice[0])
        what = t("{name} stands in columns {columns}", name=shown(twice[0]), columns=columns)
        raise DataError.at(Place(source.name, line), what, t("rename one of them"), code="duplicate-header")
    return names


def read_sheet(source: Source, sheet: str | None, columns: tuple[str, ...], has_header: bool) -> Iterator[Row]:
    """Rows of one sheet (the first where none is named). Line numbers are the sheet's own."""
    rows = _filled_rows(source, sheet)
    if has_header:
        next(rows, None)
    for number, (line, cells) in enumerate(rows):
        texts = [cell_text(cell) for cell in cells]
        padded = [*texts, *[None] * (len(columns) - len(texts))]
        yield Row(dict(zip(columns, padded, strict=False)), Place(source.name, line), number)


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


def _filled_rows(source: Source, sheet: str | None) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Rows that are not empty, each with its number."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(source.path, read_only=True, data_only=True)
        try:
            names = book.sheetnames
            if sheet is not None and sheet not in names:
                what = t("no sheet '{sheet}'", sheet=sheet)
                raise DataError.at(source.name, what, did_you_mean(sheet, names), code="no-such-sheet")
            for line, cells in enumerate(book[sheet or names[0]].iter_rows(values_only=True), 1):
                if any(cell is not None for cell in cells):
                    yield line, cells
        finally:
            book.close()
    except (DataError, FileNotFoundError, PermissionError):
        raise
    except _DAMAGE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        what = t("is damaged: {error}", error=shown(reason, 120))
        raise DataError.at(source.name, what, t("export or copy it again"), code="damaged-file") from None


_DAMAGE = (
    zipfile.BadZipFile,
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    SyntaxError,
)
"""What the library raises on workbooks that are none; SyntaxError is the XML parser's."""
