"""What a model's own sureness is worth: whether it is right as often as it says, and how right it is where it is
surest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_BINS = 15
"""Of the calibration error, as in Guo et al. 2017."""


@dataclass(frozen=True, eq=False)
class Sureness:
    """Of N rows with K decisions each. sure_NK: the probability that the model gives its decision. right_NK: bool."""

    sure_NK: np.ndarray
    right_NK: np.ndarray

    @property
    def sure_N(self) -> np.ndarray:
        """Of a row as a whole: that all its decisions are right, as if one told nothing of another."""
        return self.sure_NK.astype(float).prod(1)

    @property
    def right_N(self) -> np.ndarray:
        return np.asarray(self.right_NK.all(1))


def calibration_error(sureness: Sureness, weights_RN: np.ndarray) -> np.ndarray:
    """[R]: the mean distance between how sure the decisions of a bin are and how many are right, each bin by its size
    (Naeini et al. 2015; Guo et al. 2017)."""
    bins_NK = _bins(sureness)
    gaps_NK = sureness.sure_NK - sureness.right_NK
    gaps_NB = np.stack([(gaps_NK * (bins_NK == b)).sum(1) for b in range(_BINS)], axis=1)
    total_R = weights_RN.sum(1) * gaps_NK.shape[1]
    return np.abs(weights_RN @ gaps_NB).sum(1) / np.maximum(total_R, 1e-12)


def reliability(sureness: Sureness) -> list[tuple[float, float, int]]:
    """(mean confidence, share that is right, decisions) of each bin of confidence that has decisions."""
    groups = [_bins(sureness) == b for b in range(_BINS)]
    return [
        (float(sureness.sure_NK[g].mean()), float(sureness.right_NK[g].mean()), int(g.sum())) for g in groups if g.any()
    ]


def _bins(sureness: Sureness) -> np.ndarray:
    return np.minimum((sureness.sure_NK * _BINS).astype(int), _BINS - 1)


@dataclass(frozen=True, eq=False)
class Ranked:
    """Rows from the surest down. sure_G: each sureness that occurs, falling. coverage_RG, risk_RG: the share of the
    rows that are at least so sure, and how many of these are wrong; rows of one sureness come in together."""

    sure_G: np.ndarray
    coverage_RG: np.ndarray
    risk_RG: np.ndarray

    @property
    def area_R(self) -> np.ndarray:
        """Area under the risk–coverage curve (Geifman & El-Yaniv 2017): the mean, over the rows, of the share of wrong
        answers among all that are at least as sure. 0 is best; a sureness that tells nothing has the error rate."""
        steps_RG = np.diff(self.coverage_RG, axis=1, prepend=0.0)
        return (steps_RG * self.risk_RG).sum(1)


def ranked(sureness: Sureness, weights_RN: np.ndarray) -> Ranked:
    """weights_RN: how often each row counts."""
    sure_N = sureness.sure_N
    order = np.argsort(-sure_N, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(sure_N[order]) != 0, True])
    weighted_RN = weights_RN[:, order]
    kept_RG = weighted_RN.cumsum(1)[:, last]
    wrong_RG = (weighted_RN * ~sureness.right_N[order]).cumsum(1)[:, last]
    risk_RG = np.divide(wrong_RG, kept_RG, out=np.zeros_like(kept_RG), where=kept_RG > 0)
    return Ranked(sure_N[order][last], kept_RG / np.maximum(kept_RG[:, -1:], 1e-12), risk_RG)
