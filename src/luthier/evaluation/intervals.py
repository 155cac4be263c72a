"""How sure a score is: bootstrap over the examples (Efron 1979), percentile intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

RESAMPLES = 1000
LEVEL = 0.95
_CHUNK_CELLS = 8_000_000
"""Numbers held at a time: 64 MB."""

Scorer = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""From weights [R, N] to scores [R] by name."""


@dataclass(frozen=True)
class Difference:
    """One system's score minus another's on the same examples, positive where the first is better."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Evaluated:
    """values: each score on the examples as they are. resampled: on every resample, [R]. counts: of scores in which
    not every example has a part, how many have."""

    values: Mapping[str, float]
    resampled: Mapping[str, np.ndarray]
    counts: Mapping[str, int] = field(default_factory=dict)


def resample_weights(n: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each of n examples is drawn, [R, N] in chunks of R. A function of its arguments alone."""
    rng = np.random.default_rng(seed)
    chunk = max(1, min(resamples, _CHUNK_CELLS // max(1, n)))
    for start in range(0, resamples, chunk):
        count = min(chunk, resamples - start)
        drawn = rng.integers(0, n, (count, n))
        drawn += np.arange(count)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n).astype(float)


def bootstrap(score: Scorer, n: int, *, seed: int, resamples: int = RESAMPLES) -> Evaluated:
    """The scores of n examples, and of resamples of them that depend on n and seed alone. resamples: 0 for none."""
    values = {name: float(value[0]) for name, value in score(np.ones((1, n))).items()}
    parts = [score(weights) for weights in resample_weights(n, resamples, seed)]
    return Evaluated(values, {name: np.concatenate([part[name] for part in parts]) for name in values if parts})


def interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 %; resamples on which the score is not defined are left out."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def paired_difference(first: Evaluated, second: Evaluated, name: str, *, higher_is_better: bool) -> Difference:
    """Both on the same resamples, so that what is hard for both cancels out."""
    sign = 1 if higher_is_better else -1
    low, high = interval(sign * (first.resampled[name] - second.resampled[name]))
    return Difference(sign * (first.values[name] - second.values[name]), low, high)
