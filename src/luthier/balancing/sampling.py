"""Which rows an epoch shows where it does not show each of them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Sampling:
    """classes_N: the class of each row. rates: of each class, how often an epoch shows a row of it on average."""

    classes_N: np.ndarray
    rates: Sequence[float]

    @cached_property
    def shown(self) -> list[int]:
        """Of each class, the rows that every epoch shows, repeats counted: the same number in each."""
        counts = np.bincount(self.classes_N, minlength=len(self.rates))
        return [round(count * rate) for count, rate in zip(counts.tolist(), self.rates, strict=True)]

    def __len__(self) -> int:
        """Rows an epoch."""
        return sum(self.shown)

    @cached_property
    def weights_N(self) -> np.ndarray:
        """How often an epoch shows each row, on average over the epochs."""
        counts = np.bincount(self.classes_N, minlength=len(self.rates))
        return (np.array(self.shown) / np.maximum(counts, 1))[self.classes_N]

    def epoch(self, seed: int, epoch: int) -> np.ndarray:
        """The rows of an epoch, a function of (seed, epoch) alone. The k-th repeat of row i is i + k · N: a number of
        its own, from which it has its own dropout.

        What is over whole repeats goes round: a class's rows stand in a circle in an order drawn from the seed, and
        each epoch takes up where the last one stopped, so that all of them are seen equally often.
        """
        parts: list[np.ndarray] = []
        for c, shown in enumerate(self.shown):
            rows = np.flatnonzero(self.classes_N == c)
            if not len(rows):
                continue
            whole, over = divmod(shown, len(rows))
            circle = np.random.default_rng((seed, c, 1)).permutation(rows)
            taken = circle[(np.arange(over) + epoch * over) % len(rows)]
            parts += [rows + repeat * len(self.classes_N) for repeat in range(whole)]
            parts.append(taken + whole * len(self.classes_N))
        return np.concatenate(parts)

    @cached_property
    def most_repeats(self) -> int:
        counts = np.bincount(self.classes_N, minlength=len(self.rates))
        return max(-(-shown // count) for shown, count in zip(self.shown, counts.tolist(), strict=True) if count)


def crossed(outer: Sampling, inner: Sampling) -> Sampling:
    """Of the same rows: the outer classes keep what an epoch shows of them, and within each of them the rows are shown
    in the proportion of the inner rates."""
    inner_rates = np.array(inner.rates)
    classes_N = outer.classes_N * len(inner_rates) + inner.classes_N
    counts = np.bincount(classes_N, minlength=len(outer.rates) * len(inner_rates))
    counts_OI = counts.reshape(len(outer.rates), len(inner_rates)).astype(float)
    usual_O = np.maximum(counts_OI @ inner_rates, 1e-9) / np.maximum(counts_OI.sum(1), 1)
    rates_OI = np.array(outer.rates)[:, None] * inner_rates / usual_O[:, None]
    return Sampling(classes_N, rates_OI.ravel().tolist())
