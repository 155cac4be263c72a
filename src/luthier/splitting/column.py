"""By a column of the file that says of each row which part it is in."""

from __future__ import annotations

from typing import Any

from luthier.errors import DataError, Place, did_you_mean, shown
from luthier.language import t

_NAMES = {
    "train": "train", "training": "train", "trn": "train", "训练": "train", "训练集": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "development": "validation", "验证": "validation", "验证集": "validation", "开发集": "validation",
    "test": "test", "testing": "test", "tst": "test", "holdout": "test", "测试": "test", "测试集": "test",
}  # fmt: skip


def read_part(value: Any, place: Place) -> str:
    """One of PARTS. value: of a cell. Errors: DataError for what names no part."""
    written = str(value).strip() if value is not None else ""
    if not written:
        fix = t("write train, validation or test")
        raise DataError.at(place, t("the row is in no part of the split"), fix, code="missing-part")
    part = _NAMES.get(written.casefold())
    if part is None:
        what = t("{value} is no part of a split", value=shown(written))
        fix = t("write train, validation or test") + "; " + did_you_mean(written, ("train", "validation", "test"))
        raise DataError.at(place, what, fix, code="unknown-part")
    return part
