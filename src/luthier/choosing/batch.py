"""Which rows to label together: where the model is undecided, and each in another way.

BADGE (Ash et al. 2020): a row is described by the gradient that the last layer would get if the model's own guess were
the label. It is long where the model is undecided and points where the row lies, so that k-means++ seeding over these
gradients (Arthur & Vassilvitskii 2007) draws rows that are both. The gradient is the outer product of (probabilities -
guess) and the features; its distances need the two factors only, never the C · D numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Refuse = Callable[[int, Sequence[int]], bool]
"""Whether a row must not be taken beside those that were."""


def choose_batch(
    probabilities_NC: np.ndarray, features_ND: np.ndarray, count: int, seed: int,
    refuse: Refuse = lambda row, taken: False,
) -> list[int]:  # fmt: skip
    """Up to `count` different rows in the order in which they were drawn. A function of the arguments alone.

    The first is the one with the longest gradient; every further one is drawn with a probability that grows with the
    square of its distance to the nearest row taken so far, or to no gradient at all if that is nearer: rows of which
    the model is sure are nothing new, however many they are.
    """
    away_NC = np.array(probabilities_NC, np.float64)
    away_NC[np.arange(len(away_NC)), away_NC.argmax(1)] -= 1
    features_ND = np.asarray(features_ND, np.float64)
    length_N = (away_NC**2).sum(1) * (features_ND**2).sum(1)
    rng = np.random.default_rng(seed)
    taken: list[int] = []
    nearest_N, free_N = length_N.copy(), np.ones(len(length_N), bool)
    while len(taken) < count and free_N.any():
        row = _draw(nearest_N * free_N, free_N, rng if taken else None)
        free_N[row] = False
        if refuse(row, taken):
            continue
        taken.append(row)
        inner_N = (away_NC @ away_NC[row]) * (features_ND @ features_ND[row])
        distance_N = np.maximum(length_N + length_N[row] - 2 * inner_N, 0)
        nearest_N = np.minimum(nearest_N, distance_N)
    return taken


def _draw(weights_N: np.ndarray, free_N: np.ndarray, rng: np.random.Generator | None) -> int:
    """A row in proportion to its weight; the heaviest without a generator; any free one where none has a weight."""
    total = weights_N.sum()
    if rng is None or total <= 0:
        return int(np.where(free_N, weights_N, -1).argmax())
    return int(rng.choice(len(weights_N), p=weights_N / total))


def margins(probabilities_NC: np.ndarray) -> np.ndarray:
    """By how much the likeliest class leads the second, [N]: 0 is undecided, 1 is sure."""
    best_N2 = np.partition(probabilities_NC, -2, axis=1)[:, -2:]
    return best_N2[:, 1] - best_N2[:, 0]
