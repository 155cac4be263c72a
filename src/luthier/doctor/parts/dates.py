"""When was each row written? A column that nobody named, found by reading its values as times."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from luthier.errors import DataError, Place
from luthier.splitting.times import Stamp, read_stamp
from luthier.types import PARTS, Example, Row

_NAMES = ("time", "date", "created", "updated", "posted", "stamp", "when", "日期", "时间", "日", "年月")
_LEAST_SHARE = 0.8
"""Of the first rows so many must bear a date."""
_HERE = Place("")


class Dates:
    """column: the file's name of it, None while no file has one. Two readings of a row are kept, 16 bytes, for 03/04
    may be of March or of April."""

    def __init__(self) -> None:
        self.column: str | None = None
        self._day_first, self._month_first = array("d"), array("d")

    def watch(
        self, parse: Callable[[Row], Example[Any, Any]], first: Sequence[Mapping[str, Any]], used: Collection[str],
        part: str,
    ) -> Callable[[Row], Example[Any, Any]]:  # fmt: skip
        """The parser, past which the dates of all rows go that it can read. To be the last one put on.

        first: the first rows. used: columns that are read as something else. Other parts are looked at for the column
        of the training rows, and not at all where these have none.
        """
        if part == PARTS[0]:
            self.column = find_dates(first, used)
        column = self.column
        if column is None:
            return parse

        def parse_dated(row: Row) -> Example[Any, Any]:
            example = parse(row)
            stamp = _stamp(row.values.get(column))
            day, month = (None, None) if stamp is None else (stamp.day_first, stamp.month_first)
            self._day_first.append(math.nan if day is None else day)
            self._month_first.append(math.nan if month is None else month)
            return example

        return parse_dated

    def seconds(self) -> np.ndarray | None:
        """float64 [N], since 1970, NaN where a row bears none; None where no row tells whether the day or the month
        comes first, or one tells this and another that."""
        day, month = np.array(self._day_first), np.array(self._month_first)
        only_day, only_month = np.isnan(month) & ~np.isnan(day), np.isnan(day) & ~np.isnan(month)
        if only_day.any() and only_month.any():
            return None
        if not only_day.any() and not only_month.any() and (day[~np.isnan(day)] != month[~np.isnan(month)]).any():
            return None
        return month if only_month.any() else day


def find_dates(first: Sequence[Mapping[str, Any]], used: Collection[str]) -> str | None:
    """The column of the first rows whose values are times, one named like it before others. Bare numbers are times
    only under such a name: elsewhere they are ids."""
    found = [name for name in dict.fromkeys(key for row in first for key in row)
             if name not in used and _are_dates(name, [row.get(name) for row in first])]  # fmt: skip
    return next((name for name in found if _is_named(name)), found[0] if found else None)


def _are_dates(name: str, values: Sequence[Any]) -> bool:
    filled = [value for value in values if value is not None and str(value).strip()]
    if len(filled) < max(2, _LEAST_SHARE * len(values)) or len(set(map(str, filled))) < 2:
        return False
    if not _is_named(name) and any(str(value).strip().replace(".", "", 1).isdigit() for value in filled):
        return False
    stamps = [_stamp(value) for value in filled]
    return all(stamp is not None and not stamp.is_number for stamp in stamps)


def _is_named(name: str) -> bool:
    return any(word in name.casefold() for word in _NAMES)


def _stamp(value: Any) -> Stamp | None:
    if value is None or (isinstance(value, str) and not 4 <= len(value) <= 40):
        return None
    try:
        return read_stamp(value, _HERE)
    except DataError:
        return None
