"""Where each label's decision lies where a row may have several, chosen on rows that training did not see.

The F1 of a label is best well below even odds, at half of the best F1 itself where the scores are calibrated (Lipton et
al. 2014), so that 0.5 decides too seldom for a rare label. A threshold of its own for a label with a handful of rows is
chosen by chance: it is shrunk towards the best common one, by as much as cross-validation says.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_GRID = np.linspace(-8.0, 4.0, 97)
"""Logits at which a threshold may lie: 0.0003 to 0.98."""
_RESAMPLES, _FEWEST_RESAMPLES = 40, 5
_MOST_CELLS = 300_000_000
"""Rows × labels × resamples up to which all resamples are taken: some ten seconds."""
_FOLDS = 5
_SHRINKAGE = (np.inf, 100.0, 30.0, 10.0, 3.0, 0.0)
"""Rows of a label that the common threshold counts as much as."""
_LEAST = 1e-7


def best_label_shifts(probabilities_NC: np.ndarray, holds_NC: np.ndarray, seed: int) -> np.ndarray:
    """[C], what to add to the logits so that 0.5 decides best on rows like these N; zeros where no shift is better.

    holds: bool, which rows have which labels. Each threshold is the mean of the best ones over bootstrap resamples
    (bagging, Breiman 1996). What is best is macro-F1 and micro-F1 alike: the mean of both.
    """
    rows, classes = holds_NC.shape
    if rows < _FOLDS or not holds_NC.any():
        return np.zeros(classes)
    logits_NC = logits_of(probabilities_NC)
    rng = np.random.default_rng(seed)
    fold_N = rng.permutation(rows) % _FOLDS
    tries = np.zeros((len(_SHRINKAGE) + 1, rows, classes), bool)
    tries[0] = logits_NC >= 0
    for fold in range(_FOLDS):
        inside, outside = fold_N != fold, fold_N == fold
        found = _thresholds(logits_NC[inside], holds_NC[inside], rng)
        for k, thresholds_C in enumerate(found, 1):
            tries[k, outside] = logits_NC[outside] >= thresholds_C
    best = int(np.argmax([_goodness(said_NC, holds_NC) for said_NC in tries]))
    return np.zeros(classes) if best == 0 else -_thresholds(logits_NC, holds_NC, rng)[best - 1]


def logits_of(probabilities: np.ndarray) -> np.ndarray:
    inside = np.clip(probabilities.astype(float), _LEAST, 1 - _LEAST)
    return np.log(inside) - np.log1p(-inside)


def shift_labels(probabilities_NC: np.ndarray, shifts_C: np.ndarray) -> np.ndarray:
    """Of sigmoids with the shifts added to their logits."""
    return (1 / (1 + np.exp(-(logits_of(probabilities_NC) + shifts_C)))).astype(np.float32)


def _thresholds(logits_NC: np.ndarray, holds_NC: np.ndarray, rng: np.random.Generator) -> Sequence[np.ndarray]:
    """[C] for each shrinkage."""
    rows, classes = holds_NC.shape
    resamples = int(np.clip(_MOST_CELLS // (rows * classes), _FEWEST_RESAMPLES, _RESAMPLES))
    weights_RN = rng.multinomial(rows, np.full(rows, 1 / rows), size=resamples).astype(np.float32)
    f1_RCG = np.stack([_curve(logits_NC[:, c], holds_NC[:, c], weights_RN) for c in range(classes)], axis=1)
    common = _GRID[f1_RCG.mean(1).argmax(1)].mean()
    own_C = _GRID[f1_RCG.argmax(2)].mean(0)
    known_C = holds_NC.sum(0)
    shares = [np.zeros(classes) if np.isinf(k) else known_C / np.maximum(known_C + k, 1) for k in _SHRINKAGE]
    return [common + share_C * (own_C - common) for share_C in shares]


def _curve(logits_N: np.ndarray, holds_N: np.ndarray, weights_RN: np.ndarray) -> np.ndarray:
    """F1 of one label at every threshold of the grid, [R, G]."""
    order = np.argsort(logits_N, kind="stable")
    starts = np.searchsorted(logits_N[order], _GRID)  # of each threshold the first row at or above it
    said_RN = weights_RN[:, order]

    def above(of_RN: np.ndarray) -> np.ndarray:
        total_RN = np.concatenate([np.zeros((len(of_RN), 1)), of_RN.cumsum(1, dtype=np.float64)], axis=1)
        return total_RN[:, -1:] - total_RN[:, starts]

    hits_RG, said_RG = above(said_RN * holds_N[order]), above(said_RN)
    return 2 * hits_RG / np.maximum(said_RG + (weights_RN @ holds_N)[:, None], 1)


def _goodness(said_NC: np.ndarray, holds_NC: np.ndarray) -> float:
    """Mean of macro-F1, over the labels that occur, and micro-F1."""
    hits_C, both_C = (said_NC & holds_NC).sum(0), said_NC.sum(0) + holds_NC.sum(0)
    occurs_C = holds_NC.any(0)
    return float((2 * hits_C / np.maximum(both_C, 1))[occurs_C].mean() + 2 * hits_C.sum() / max(1, both_C.sum())) / 2
