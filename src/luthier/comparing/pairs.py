"""Two runs on the same rows: how far they are apart, and how likely that is by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb
from typing import Any

import numpy as np

from luthier.evaluation.elsewhere.contrast import holm
from luthier.evaluation.intervals import Evaluated, paired_difference


@dataclass(frozen=True)
class Apart:
    """A score's difference, second minus first, positive where the second is better. p: two-sided, by the paired
    bootstrap; holm: the same after Holm's correction over all pairs."""

    name: str
    difference: float
    low: float
    high: float
    p: float
    holm: float = 1.0


@dataclass(frozen=True)
class Disagreement:
    """rows: that are right or wrong. first_only, second_only: of them right in one run alone. p: McNemar's exact test;
    holm: after the correction."""

    rows: int
    first_only: int
    second_only: int
    p: float
    holm: float = 1.0


@dataclass(frozen=True)
class Pair:
    """first, second: numbers of runs. scores: the main one first. rows: None where answers are not right or wrong."""

    first: int
    second: int
    scores: tuple[Apart, ...]
    rows: Disagreement | None

    @property
    def main(self) -> Apart:
        return self.scores[0]

    def as_json(self, names: Sequence[str]) -> dict[str, Any]:
        """names: of the runs."""
        return {
            "first": names[self.first],
            "second": names[self.second],
            "scores": [dict(vars(score)) for score in self.scores],
            "mcnemar": None if self.rows is None else dict(vars(self.rows)),
        }


def apart(first: Evaluated, second: Evaluated, name: str, *, higher_is_better: bool) -> Apart:
    """The interval is the middle 95 % of the difference over the same resamples for both; p is twice the share of them
    on the far side of nothing, one added above and below the line so that it is never 0 (Davison and Hinkley 1997)."""
    found = paired_difference(second, first, name, higher_is_better=higher_is_better)
    moved_R = second.resampled[name] - first.resampled[name]
    moved_R = moved_R[~np.isnan(moved_R)]
    below, above = int((moved_R <= 0).sum()), int((moved_R >= 0).sum())
    p = min(1.0, 2 * (1 + min(below, above)) / (len(moved_R) + 1))
    return Apart(name, found.value, found.low, found.high, p)


def disagreement(first: Sequence[bool | None], second: Sequence[bool | None]) -> Disagreement | None:
    """Whether each row is right in either run; None for rows where that is not said. None where nothing is.

    The exact test of McNemar (1947): of the rows on which only one is right, the share that is either's is drawn from a
    fair coin.
    """
    told = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if not told:
        return None
    one, other = sum(a and not b for a, b in told), sum(b and not a for a, b in told)
    tail = sum(comb(one + other, k) for k in range(min(one, other) + 1))
    p = min(1.0, 2 * tail / 2 ** (one + other))
    return Disagreement(len(told), one, other, p)


def corrected(pairs: Sequence[Pair]) -> list[Pair]:
    """With Holm's step-down correction (1979) over the pairs, for each score and for McNemar's test by itself."""
    columns = [holm([pair.scores[i].p for pair in pairs]) for i in range(len(pairs[0].scores))]
    rows = holm([pair.rows.p for pair in pairs if pair.rows is not None])
    left = iter(rows)
    return [
        replace(
            pair,
            scores=tuple(replace(score, holm=columns[i][k]) for i, score in enumerate(pair.scores)),
            rows=None if pair.rows is None else replace(pair.rows, holm=next(left)),
        )
        for k, pair in enumerate(pairs)
    ]
