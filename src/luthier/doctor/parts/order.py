"""Where rows bear dates: is the future told from the past, or the past from the future?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from luthier.data.columns import quoted
from luthier.data.findings import WARNING
from luthier.doctor.check import Check, Context
from luthier.doctor.gathered import Gathered
from luthier.doctor.parts.shift import tell_apart
from luthier.errors import shown
from luthier.language import t
from luthier.types import PARTS, Finding

_LEAST_ROWS = 100
_AGES = 5
"""The first fifth in time is compared with the last."""
_MOST_ROWS = 4000


class TimeOrder(Check):
    """time-order: rows of a given part that are no later than the last training row; or, where no part is given, dates
    over which the texts change, so that a split at random makes later rows look easier than they will be."""

    costly = True

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._notes: list[str] = []

    def findings(self, data: Gathered) -> Iterable[Finding]:
        column, moments = data.dates.column, data.dates.seconds()
        if column is None or moments is None or len(moments) != len(data):
            return
        dated = ~np.isnan(moments)
        if len(data.given_parts) > 1:
            yield from self._given(data, column, moments, dated)
        elif not self.context.split_told and dated.sum() >= _LEAST_ROWS:
            yield from self._own(data, column, moments, dated)

    def notes(self) -> list[str]:
        return self._notes

    def _given(self, data: Gathered, column: str, moments: np.ndarray, dated: np.ndarray) -> Iterable[Finding]:
        train = moments[(data.part == 0) & dated]
        for i, name in enumerate(PARTS[1:], 1):
            rows = np.flatnonzero((data.part == i) & dated)
            early = rows[moments[rows] <= train.max(initial=-np.inf)]
            if len(early):
                what = t("{count} of {all} {part} rows are no later than the last training row ({column}: {last})",
                         count=len(early), all=len(rows), part=t(name), column=shown(column),
                         last=_day(train.max()))  # fmt: skip
                fix = t("if the model will meet later data, test on the latest: give data.train alone, with {keys}",
                        keys=_keys(column))  # fmt: skip
                yield Finding(WARNING, "time-order", what, fix, data.places(early))

    def _own(self, data: Gathered, column: str, moments: np.ndarray, dated: np.ndarray) -> Iterable[Finding]:
        first, last = (_day(moment) for moment in (moments[dated].min(), moments[dated].max()))
        own = moments[data.sample_numbers]
        order = np.argsort(own, kind="stable")[: int((~np.isnan(own)).sum())]  # NaN sorts last
        age = min(_MOST_ROWS, len(order) // _AGES)
        texts = data.sample_texts
        apart = tell_apart(*([texts[i] for i in side] for side in (order[:age], order[-age:])))
        if first != last and apart is not None and apart.is_shift:
            what = t("the rows are of {first} to {last} ({column}), and a model tells the texts of the last fifth from "
                     "those of the first (AUC {auc:.2f}, by chance 0.50): a split at random would test on times that "
                     "training has seen",
                     first=first, last=last, column=shown(column), auc=apart.auc)  # fmt: skip
            yield Finding(WARNING, "time-order", what, t("test on the latest: {keys}", keys=_keys(column)))
        elif first != last:
            self._notes.append(t("the rows are of {first} to {last} ({column}); {keys} would test on the latest",
                                 first=first, last=last, column=shown(column), keys=_keys(column)))  # fmt: skip


def _keys(column: str) -> str:
    return f"data.split.by=time data.split.time={quoted(column)}"


def _day(moment: float) -> str:
    return datetime.fromtimestamp(float(moment), UTC).strftime("%Y-%m-%d")
