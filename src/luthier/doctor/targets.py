"""Are numbers that should be learnt spread as such numbers are? Are question and answer the right way round?"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np

from luthier.data.columns import quoted
from luthier.data.findings import ERROR, WARNING
from luthier.doctor.check import Check, Context
from luthier.doctor.gathered import Gathered, Piece
from luthier.errors import Place, shown
from luthier.formats.cells.columns import folded
from luthier.language import t
from luthier.types import Column, Finding

_FAR = 3.0
"""Quartile ranges beyond the quartiles: Tukey's "far out" (Exploratory Data Analysis, 1977)."""
_MOST = 10


class Numbers(Check):
    """constant-target, outlier."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._numbers = array("d")

    def see(self, piece: Piece) -> None:
        number = self.context.format.number
        for example in piece.examples:
            value = number(example.answer)
            if value is None:
                return
            self._numbers.append(value)

    def findings(self, data: Gathered) -> Iterable[Finding]:
        if len(self._numbers) < 2:
            return
        values = np.array(self._numbers)
        if (values == values[0]).all():
            what = t("every row has the number {value}: there is nothing to learn", value=values[0])
            fix = t("give rows with other numbers, or name another label column")
            yield Finding(ERROR, "constant-target", what, fix, (Place(data.files[0]),))
            return
        low, middle, high = np.percentile(values, (25, 50, 75))
        # where half of all rows are equal the quartiles say nothing of the spread: then the standard deviation does
        spread = high - low or values.std()
        far = np.flatnonzero((values < low - _FAR * spread) | (values > high + _FAR * spread))
        if len(far):
            furthest = far[np.argsort(-np.abs(values[far] - middle), kind="stable")][:_MOST]
            what = t("{count} numbers lie far from the others, which are mostly between {low:g} and {high:g}; the "
                     "furthest: {values}", count=len(far), low=low, high=high,
                     values=", ".join(f"{value:g}" for value in values[furthest]))  # fmt: skip
            fix = t("look whether they are mistakes: squared errors make such rows count most")
            yield Finding(WARNING, "outlier", what, fix, data.places(furthest, "label"))


class Swapped(Check):
    """swapped-columns: the columns were named the other way round."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        columns = {column.name: column for column in data.format.columns}
        for ours, theirs in data.columns.items():
            column = columns.get(ours)
            if column is None or column.is_answer:
                continue
            name = folded(theirs)
            for other in columns.values():
                there = data.columns.get(other.name)
                if other.is_answer and there is not None and name in _names(other) and folded(there) in _names(column):
                    what = t("{one} is read as the {ours} and {two} as the {other}: the wrong way round?",
                             one=shown(theirs), ours=ours, two=shown(there), other=other.name)  # fmt: skip
                    ways = f"data.columns.{ours}={quoted(there)} data.columns.{other.name}={quoted(theirs)}"
                    fix = t("say which: {ways}", ways=ways)
                    yield Finding(ERROR, "swapped-columns", what, fix, (Place(data.files[0], None, theirs),))


def _names(column: Column) -> set[str]:
    return {column.name, *column.usual}
