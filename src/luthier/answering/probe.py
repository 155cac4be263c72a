"""A linear layer that points at the start and the end of answers, fitted to what the untuned model makes of tokens.

M: tokens of all windows that may be pointed at. K: what the layer is given of a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from luthier.answering.locate import places, target
from luthier.formats.questions import Answers
from luthier.seen import LEAST_SPREAD, Features, Scaling
from luthier.types import Window

_STRENGTH = 0.1
"""Penalty on the squares of the weights of scaled inputs, beside a window's loss: of 0.01 to 0.3 the best on SQuAD 1.1
with 1,300 questions of training, of 0.0001 to 0.1 with 500."""
_MOST_STEPS = 60


@dataclass(frozen=True, eq=False)
class Pointer:
    """weights_2K: of the layer; its bias would add to every token alike. scores of a window are softmaxed over its
    first token, which stands for no answer, and the context's."""

    weights_2K: np.ndarray

    def __call__(self, inputs_TK: np.ndarray) -> np.ndarray:
        """The logits of a window's tokens, float32 [T, 2]."""
        return (inputs_TK.astype(np.float32) @ self.weights_2K.T).astype(np.float32)


_FITTED: WeakKeyDictionary[Features, Pointer] = WeakKeyDictionary()


def fit_pointer(features: Features, answers: Sequence[Answers]) -> Pointer | None:
    """By the windows' own loss; None where the features have no tokens. The same features are fitted once."""
    if not len(features.token_inputs):
        return None
    if features not in _FITTED:
        _FITTED[features] = _fitted(features, answers)
    return _FITTED[features]


def _fitted(features: Features, answers: Sequence[Answers]) -> Pointer:
    chosen = [pointed(window) for window in features.windows]
    inputs_MK = np.concatenate([given[T] for given, T in zip(features.token_inputs, chosen, strict=True)])
    inputs_MK = inputs_MK.astype(np.float32)
    scale = Scaling.of(inputs_MK, LEAST_SPREAD)
    inputs_MK = scale(inputs_MK)
    begins = np.concatenate([[0], np.cumsum([len(T) for T in chosen])[:-1]])
    targets_N2 = np.array([_target(window, right) for window, right in zip(features.windows, answers, strict=True)])
    fitted = [_fit(inputs_MK, begins, begins + targets_N2[:, side]) for side in (0, 1)]
    return Pointer((np.stack(fitted) / scale.spread).astype(np.float32))


def pointed(window: Window) -> np.ndarray:
    """The positions that may be pointed at: the first, then the context's."""
    return np.concatenate([[0], places(window)])


def _target(window: Window, answers: Answers) -> np.ndarray:
    return np.searchsorted(pointed(window), target(window, answers))


def _fit(inputs_MK: np.ndarray, begins_N: np.ndarray, targets_N: np.ndarray) -> np.ndarray:
    """[K]: softmax regression over the tokens of each window, by L-BFGS."""
    from scipy.optimize import minimize

    lengths_N = np.diff([*begins_N, len(inputs_MK)])

    def loss(weights_K: np.ndarray) -> tuple[float, np.ndarray]:
        logits_M = inputs_MK @ weights_K.astype(np.float32)
        peaks_N = np.maximum.reduceat(logits_M, begins_N)
        raised_M = np.exp(logits_M - np.repeat(peaks_N, lengths_N))
        sums_N = np.add.reduceat(raised_M, begins_N)
        share_M = raised_M / np.repeat(sums_N, lengths_N)
        value = float((peaks_N + np.log(sums_N) - logits_M[targets_N]).mean())
        share_M[targets_N] -= 1
        slope_K = share_M @ inputs_MK / len(begins_N) + _STRENGTH * weights_K
        return value + _STRENGTH * float(weights_K @ weights_K) / 2, slope_K.astype(float)

    start_K = np.zeros(inputs_MK.shape[1])
    return minimize(loss, start_K, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS}).x
