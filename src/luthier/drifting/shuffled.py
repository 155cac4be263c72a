"""Tests of whether two samples come from one source, by shuffling which row is whose (Fisher 1935; Pitman 1937)."""

from __future__ import annotations

from typing import Any

import numpy as np

ROUNDS = 999
"""Shuffles. The smallest p is one in a thousand, which Holm's correction over ten tests leaves below 0.05."""


class Shuffled:
    """Rows of the first sample, then of the second. A statistic of the rows as they are is held against what it is
    where their sides were drawn by lot; if both samples come from one source, that is exact for any statistic."""

    def __init__(self, first: int, second: int, seed: int) -> None:
        """first, second: rows of each."""
        rng = np.random.default_rng(seed)
        rows = first + second
        side_RN = np.zeros((ROUNDS + 1, rows), np.float32)
        side_RN[0, first:] = 1
        for r in range(1, ROUNDS + 1):
            side_RN[r, rng.permutation(rows)[:second]] = 1
        self._weights_RN = side_RN / second - (1 - side_RN) / first

    def differences(self, values_NK: Any) -> np.ndarray:
        """[R, K]: the mean of the second minus that of the first; the rows as they are come first."""
        return self._weights_RN @ np.asarray(values_NK, np.float32)

    def discrepancies(self, kernel_NN: np.ndarray) -> np.ndarray:
        """[R]: the squared maximum mean discrepancy (Gretton et al. 2012, eq. 5)."""
        return ((self._weights_RN @ kernel_NN) * self._weights_RN).sum(1)


def chance(found_R: np.ndarray) -> float:
    """How often shuffled rows give at least as much as the first value, which is of the rows as they are and counts
    itself (Phipson & Smyth 2010), so that it is never 0."""
    return float((found_R >= found_R[0] * (1 - 1e-6) - 1e-12).mean())


def gaussian(vectors_ND: np.ndarray) -> np.ndarray:
    """[N, N]; its width is the median distance of two rows (Gretton et al. 2012, section 8)."""
    vectors_ND = np.asarray(vectors_ND, np.float32)
    square_N = (vectors_ND**2).sum(1)
    distance_NN = np.maximum(square_N[:, None] + square_N[None] - 2 * vectors_ND @ vectors_ND.T, 0)
    median = float(np.median(distance_NN[np.triu_indices(len(distance_NN), 1)]))
    return np.exp(-distance_NN / max(median, 1e-12))


def cosine(counts_NF: Any) -> np.ndarray:
    """[N, N], of sparse counts, each word by how rare it is among all rows (Spärck Jones 1972)."""
    from scipy.sparse import diags

    rows = counts_NF.shape[0]
    there_F = np.asarray((counts_NF > 0).sum(0)).ravel()
    weighted = counts_NF @ diags(np.log((1 + rows) / (1 + there_F)) + 1)
    length_N = np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel())
    weighted = diags(1 / np.maximum(length_N, 1e-12)) @ weighted
    return np.asarray((weighted @ weighted.T).todense(), np.float32)
