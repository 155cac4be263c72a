"""What counting alone knows of texts: how common each token is, and which follows which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier.types import IDS, Window
from luthier.writer import TARGETS

Groups = Sequence[Sequence[Window]]
"""Of each text its windows, with what is to be predicted in them."""


class Counted:
    """learnt: the texts that are counted. Every token is counted once more than it was there, so that none is
    impossible; of pairs of tokens, those that were never there count as the second one does alone (Witten & Bell 1991).
    """

    def __init__(self, learnt: Groups, vocabulary: int) -> None:
        before_N, wanted_N = _pairs(learnt)
        self._base = vocabulary
        self._share_V = np.bincount(wanted_N, minlength=vocabulary) + 1.0
        self._share_V /= self._share_V.sum()
        self._keys, self._counts = np.unique(before_N * vocabulary + wanted_N, return_counts=True)
        first = self._keys // vocabulary
        self._times_V = np.bincount(first, self._counts, minlength=vocabulary)
        self._kinds_V = np.bincount(first, minlength=vocabulary)

    def alone(self, judged: Groups) -> list[float]:
        """Of each text the sum of its tokens' negative log-likelihoods, in nats, whatever stands before them."""
        return [float(-np.log(self._share_V[_pairs([group])[1]]).sum()) for group in judged]

    def after_each(self, judged: Groups) -> list[float]:
        """The same, by the token before."""
        return [float(-np.log(self._following(*_pairs([group]))).sum()) for group in judged]

    def _following(self, before_N: np.ndarray, wanted_N: np.ndarray) -> np.ndarray:
        keys_N = before_N * self._base + wanted_N
        at_N = np.minimum(np.searchsorted(self._keys, keys_N), max(0, len(self._keys) - 1))
        seen_N = np.where(self._keys[at_N] == keys_N, self._counts[at_N], 0) if len(self._keys) else np.zeros(len(at_N))
        times_N, kinds_N = self._times_V[before_N], self._kinds_V[before_N]
        trusted_N = (seen_N + kinds_N * self._share_V[wanted_N]) / np.maximum(times_N + kinds_N, 1)
        return np.where(times_N > 0, trusted_N, self._share_V[wanted_N])


def asked(group: Sequence[Window]) -> int:
    """How many tokens of a text are to be predicted."""
    return sum(int((window.arrays[TARGETS] > 0).sum()) for window in group)


def _pairs(groups: Groups) -> tuple[np.ndarray, np.ndarray]:
    """What stands before, and what is to be predicted; int64 [N] each."""
    windows = [window for group in groups for window in group]
    if not windows:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    given = np.concatenate([window.arrays[IDS] for window in windows]).astype(np.int64)
    wanted = np.concatenate([window.arrays[TARGETS] for window in windows]).astype(np.int64) - 1
    return given[wanted >= 0], wanted[wanted >= 0]
