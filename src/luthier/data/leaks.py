"""Rows that stand on both sides of a split, left out on the user's word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from luthier.data.split import Split
from luthier.errors import DataError
from luthier.language import t
from luthier.types import PARTS, Example


def without_leaks(split: Split[Any, Any]) -> Split[Any, Any]:
    """Validation and test without the rows whose input was seen before they are judged: in training, or, for the
    test, in the validation that chose among what was trained.

    Errors: DataError where nothing is left of one of them.
    """
    kept: dict[str, list[Example[Any, Any]]] = {}
    for name in PARTS[1:]:
        seen = PARTS[: PARTS.index(name)]
        known = {example.input for before in seen for example in split.part(before)}
        part = split.part(name)
        kept[name] = [e for e in part if e.input not in known]
        if part and not kept[name]:
            what = t("every {part} row stands in the training data too", part=t(name))
            fix = t("give another file, or let Luthier split: give data.train alone")
            raise DataError.at(part[0].place, what, fix, code="split-leak")
    return replace(split, **kept)
