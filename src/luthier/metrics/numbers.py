"""Metrics of one number an example."""

from __future__ import annotations

import numpy as np

_TINY = 1e-12


def number_scores(
    said_N: np.ndarray, answers_N: np.ndarray, spread: float, weights_RN: np.ndarray
) -> dict[str, np.ndarray]:
    """All scores by name, [R] each; spearman first. spread: of the training answers.

    pearson, spearman: linear and rank correlation, of ties the mean rank as scipy has it; 0 where one side is constant,
    for a constant knows nothing of the order. mae, rmse: in the answers' own units. loss: mean squared error in
    squared spreads, as in training.
    """
    total_R = np.maximum(weights_RN.sum(1), _TINY)
    apart_N = said_N - answers_N
    squared_R = weights_RN @ np.square(apart_N) / total_R
    return {
        "spearman": _correlation(_ranks(said_N, weights_RN), _ranks(answers_N, weights_RN), weights_RN),
        "pearson": _correlation(said_N - said_N.mean(), answers_N - answers_N.mean(), weights_RN),
        "mae": weights_RN @ np.abs(apart_N) / total_R,
        "rmse": np.sqrt(squared_R),
        "loss": squared_R / spread**2,
    }


def _correlation(first: np.ndarray, second: np.ndarray, weights_RN: np.ndarray) -> np.ndarray:
    """Weighted, [R]. first, second: [N], or [R, N] where they differ from one weighting to the next."""
    total_R1 = np.maximum(weights_RN.sum(1, keepdims=True), _TINY)
    centred = [side - (weights_RN * side).sum(1, keepdims=True) / total_R1 for side in (first, second)]
    spreads = [(weights_RN * np.square(side)).sum(1) for side in centred]
    sizes = [np.square(side).max(initial=0.0) * total_R1[:, 0] for side in (first, second)]
    known = [spread > _TINY * np.maximum(size, _TINY) for spread, size in zip(spreads, sizes, strict=True)]
    below = np.sqrt(spreads[0] * spreads[1])
    above = (weights_RN * centred[0] * centred[1]).sum(1)
    return np.divide(above, below, out=np.zeros(len(below)), where=known[0] & known[1])


def _ranks(values_N: np.ndarray, weights_RN: np.ndarray) -> np.ndarray:
    """[R, N], the rank of each value among all, each counted as often as it weighs; equal values share the mean of
    their ranks. The values are sorted once for all weightings."""
    order = np.argsort(values_N, kind="stable")
    ordered = values_N[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    counts_RG = np.add.reduceat(weights_RN[:, order], starts, axis=1)
    ranks_RG = counts_RG.cumsum(1) - (counts_RG - 1) / 2
    group_N = np.empty(len(values_N), np.int64)
    group_N[order] = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(values_N)]))
    return ranks_RG[:, group_N]
