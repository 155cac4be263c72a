"""Is what stands in a cell a number?"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import replace
from typing import Any

from luthier.errors import DataError, Place, shown
from luthier.language import t
from luthier.types import Row

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)


def is_number(value: Any) -> bool:
    """Whether it is a finite number, or a text that is one."""
    if isinstance(value, str):
        return _NUMBER.fullmatch(value.strip()) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def number_of(row: Row, name: str) -> float:
    """The number of a column. Errors: DataError for what is no finite number."""
    value = row.values.get(name)
    place = replace(row.place, column=name)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise DataError.at(place, t("no label"), t("fill it in, or remove the row"), code="missing-label")
    if is_number(value) and math.isfinite(number := float(value)):
        return number
    if isinstance(value, str):
        raise _no_number(value.strip(), place)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise _not_finite(math.nan if value != value else math.inf, place)
    what = t("the label {value} is no number", value=shown(value))
    raise DataError.at(place, what, t("write a number such as 3.5"), code="wrong-type")


def _not_finite(value: float, place: Place) -> DataError:
    fix = t("fill it in, or remove the row")
    if value != value:
        return DataError.at(place, t("NaN is no label"), fix, code="nan-label")
    return DataError.at(place, t("the label is infinite"), fix, code="not-a-number")


def _no_number(text: str, place: Place) -> DataError:
    what = t("the label {value} is no number", value=shown(text))
    if text.casefold().lstrip("+-") in ("nan", "inf", "infinity") or _NUMBER.fullmatch(text):
        return _not_finite(float(text), place)
    if _COMMA.fullmatch(text):
        fix = t("write a point for the comma: {number}", number=text.replace(",", "."))
        return DataError.at(place, what, fix, code="not-a-number")
    inside = _NUMBER.findall(text)
    if len(inside) == 1 and len(text) <= 40:
        return DataError.at(place, what, t("write the number alone: {number}", number=inside[0]), code="not-a-number")
    fix = t("write a number such as 3.5; for classes use task=classification")
    return DataError.at(place, what, fix, code="not-a-number")
