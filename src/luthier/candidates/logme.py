"""LogME: how likely answers are under a linear model on fixed features, whose weights are not fitted but averaged over.

You, Liu, Wang and Long 2021, "LogME: Practical Assessment of Pre-trained Models for Transfer Learning": the answers y
of N rows are f·w plus noise of precision beta, the weights w have a normal prior of precision alpha, and alpha and beta
are those under which y is likeliest (evidence maximisation, MacKay 1992). Nothing is held back, and nothing can be
overfitted as a probe can.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from luthier.formats.format import classes_of

_ROUNDS = 100
_SETTLED = 1e-4
"""Relative change of alpha / beta from one round to the next."""
_LEAST = 1e-12
"""Of precisions and remainders: answers that the features give exactly have infinite evidence."""
_NO_DIRECTION = 1e-10
"""Relative to the largest eigenvalue: a smaller one is rounding."""


def logme(features_ND: np.ndarray, targets_NK: np.ndarray) -> float:
    """The largest log evidence a row, nats; the mean over the columns of the targets. More is better; comparable
    between models on the same rows. O(N · D · min(N, D)) once, then O(D) a round and column. NaN where no column
    varies."""
    features_ND, targets_NK = np.asarray(features_ND, float), np.asarray(targets_NK, float)
    targets_NK = targets_NK[:, targets_NK.std(0) > 0]
    if not targets_NK.shape[1]:
        return float("nan")
    eigenvalues_M, axes_NM = _axes(features_ND)
    along_MK = (axes_NM.T @ targets_NK) ** 2
    beyond_K = np.maximum((targets_NK**2).sum(0) - along_MK.sum(0), 0.0)
    rows, width = features_ND.shape
    found = [
        _evidence(eigenvalues_M, along_MK[:, k], float(beyond_K[k]), rows, width) for k in range(targets_NK.shape[1])
    ]
    return float(np.mean(found))


def targets_of(
    answers: Sequence[Any], stratum: Callable[[Any], Hashable], number: Callable[[Any], float | None]
) -> np.ndarray | None:
    """Of answers that are classes a column for each class, 1 where a row has it; of numbers one column. float64 [N, K];
    None of answers that are neither. stratum, number: of the answers' format."""
    classes = [classes_of(stratum(answer)) for answer in answers]
    numbers = [number(answer) for answer in answers]
    known = [value for value in numbers if value is not None]
    if len(known) == len(answers) and known:
        return np.array(known, float)[:, None]
    names = {name: k for k, name in enumerate(sorted({name for own in classes for name in own}, key=str))}
    if not names:
        return None
    targets_NK = np.zeros((len(answers), len(names)))
    for i, own in enumerate(classes):
        targets_NK[i, [names[name] for name in own]] = 1
    return targets_NK


def _axes(features_ND: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the matrix F·Fᵀ the eigenvalues that are not zero, [M], and their unit vectors, [N, M]: by the smaller of
    F·Fᵀ and Fᵀ·F."""
    rows, width = features_ND.shape
    if rows <= width:
        values_M, axes_NM = np.linalg.eigh(features_ND @ features_ND.T)
    else:
        values_M, right_DM = np.linalg.eigh(features_ND.T @ features_ND)
        axes_NM = features_ND @ right_DM / np.sqrt(np.maximum(values_M, _LEAST))
    kept_M = values_M > _NO_DIRECTION * max(values_M.max(initial=0.0), _LEAST)
    return values_M[kept_M], axes_NM[:, kept_M]


def _evidence(values_M: np.ndarray, along_M: np.ndarray, beyond: float, rows: int, width: int) -> float:
    """Of one column. along: its squared length along each axis; beyond: outside of all of them. The fixed point of
    alpha = gamma / |m|², beta = (N - gamma) / |F m - y|² with the mean m of the weights and gamma = Σ beta s / (alpha +
    beta s), s the eigenvalues."""
    alpha = beta = 1.0
    for _ in range(_ROUNDS):
        share_M = beta * values_M / (alpha + beta * values_M)
        gamma = share_M.sum()
        length = max(float((share_M**2 * along_M / values_M).sum()), _LEAST)
        rest = max(float(((1 - share_M) ** 2 * along_M).sum()) + beyond, _LEAST)
        before = alpha / beta
        alpha, beta = max(gamma / length, _LEAST), max((rows - gamma) / rest, _LEAST)
        if abs(alpha / beta / before - 1) < _SETTLED:
            break
    return log_evidence(values_M, along_M, beyond, rows, width, alpha, beta) / rows


def log_evidence(
    values_M: np.ndarray, along_M: np.ndarray, beyond: float, rows: int, width: int, alpha: float, beta: float
) -> float:  # fmt: skip
    """The paper's equation 2 in the axes of F: N/2 log beta + D/2 log alpha - N/2 log 2π - beta/2 |F m - y|² -
    alpha/2 |m|² - 1/2 log |alpha I + beta FᵀF|."""
    share_M = beta * values_M / (alpha + beta * values_M)
    rest = float(((1 - share_M) ** 2 * along_M).sum()) + beyond
    length = float((share_M**2 * along_M / values_M).sum())
    determinant = float(np.log(alpha + beta * values_M).sum()) + (width - len(values_M)) * np.log(alpha)
    whole = rows * np.log(beta) + width * np.log(alpha) - rows * np.log(2 * np.pi)
    return float(whole - beta * rest - alpha * length - determinant) / 2
