"""A linear model of many labels at once: a logistic regression each, all fitted in the same passes over the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_MOST_ROUNDS = 100
_MOST_WEIGHTS = 1_500_000
"""Fitted together: the optimiser keeps twenty copies of them."""
_LEAST_ROWS = 2
"""A counted word of a single row can only say what that row is."""


@dataclass(frozen=True, eq=False)
class LabelLines:
    """weights_CF, bias_C: of each label's logit."""

    weights_CF: np.ndarray
    bias_C: np.ndarray

    def logits(self, features: Any) -> np.ndarray:
        """[N, C]. features: [N, F], dense or sparse."""
        return np.asarray(features @ self.weights_CF.T) + self.bias_C


def fit_label_lines(
    features: Any, holds_NC: np.ndarray, strength: float, *,
    weights_N: np.ndarray | None = None, positive_C: np.ndarray | None = None,
) -> LabelLines:  # fmt: skip
    """For each label the least of Σ log loss + ‖w‖² / (2 · strength), by L-BFGS; what scikit-learn's
    OneVsRestClassifier(LogisticRegression(C=strength)) finds, in a fraction of its time.

    features: [N, F], dense or sparse. holds: bool, which rows have which labels. weights: of the rows. positive: how
    much a row that has the label weighs more in that label's loss.
    """
    used = _used(features)
    rows = (features[:, used] if used is not None else features).astype(np.float32)
    classes, width = holds_NC.shape[1], features.shape[1]
    weights_CF, bias_C = np.zeros((classes, width), np.float32), np.zeros(classes)
    size = max(1, _MOST_WEIGHTS // max(1, rows.shape[1]))
    for start in range(0, classes, size):
        part = slice(start, start + size)
        cells_NC = np.ones(holds_NC[:, part].shape, np.float32)
        if positive_C is not None:
            cells_NC = np.where(holds_NC[:, part], positive_C[part], cells_NC).astype(np.float32)
        if weights_N is not None:
            cells_NC *= weights_N[:, None].astype(np.float32)
        found_CF, bias_C[part] = _fit(rows, holds_NC[:, part].astype(np.float32), cells_NC, strength)
        if used is None:
            weights_CF[part] = found_CF
        else:
            weights_CF[part, used] = found_CF
    return LabelLines(weights_CF, bias_C)


def _used(features: Any) -> np.ndarray | None:
    """Columns of a sparse matrix that more than one row has; None for a dense one."""
    if isinstance(features, np.ndarray):
        return None
    return np.flatnonzero(features.getnnz(axis=0) >= min(_LEAST_ROWS, features.shape[0]))


def _fit(rows: Any, holds_NC: np.ndarray, cells_NC: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    from scipy.optimize import minimize

    classes, width = holds_NC.shape[1], rows.shape[1]
    share_C = np.clip((cells_NC * holds_NC).sum(0) / cells_NC.sum(0), 1e-6, 1 - 1e-6)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights_FC, bias_C = flat[:-classes].reshape(width, classes), flat[-classes:]
        logits_NC = rows @ weights_FC.astype(np.float32) + bias_C.astype(np.float32)
        total = float((cells_NC * (np.logaddexp(0, logits_NC) - holds_NC * logits_NC)).sum(dtype=np.float64))
        slope_NC = cells_NC * (1 / (1 + np.exp(-logits_NC)) - holds_NC)
        slope_FC = np.asarray(rows.T @ slope_NC, float) + weights_FC / strength
        return total + float(np.square(weights_FC).sum()) / (2 * strength), np.r_[slope_FC.ravel(), slope_NC.sum(0)]

    start = np.r_[np.zeros(width * classes), np.log(share_C / (1 - share_C))]
    with np.errstate(over="ignore"):  # exp of a large negative logit: its slope is 0 all the same
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_ROUNDS, "ftol": 1e-7}).x
    return found[:-classes].reshape(width, classes).T, found[-classes:]
