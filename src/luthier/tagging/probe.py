"""A linear layer from the untuned model's token states to tags: a baseline, and what the head begins with."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from luthier.seen import LEAST_SPREAD, Scaling, of_two

_STRENGTHS = (0.003, 0.0003, 0.03)
_ROUNDS = 60
_MOST_CELLS = 3_000_000
"""Words × tags that are learnt from: some seconds of one core at 384 features."""
_RARE = 2.0
"""By how much the bias of a tag that was never seen lies below the least of the others, in nats."""


@dataclass(frozen=True)
class Probe:
    """logits = weights · state + bias."""

    weights_CK: np.ndarray
    bias_C: np.ndarray

    def log_probabilities(self, states_UK: np.ndarray) -> np.ndarray:
        """float32 [U, C]."""
        logits_UC = states_UK.astype(np.float32) @ self.weights_CK.T + self.bias_C
        logits_UC -= logits_UC.max(1, keepdims=True, initial=-np.inf)
        return (logits_UC - np.log(np.exp(logits_UC).sum(1, keepdims=True))).astype(np.float32)


def fit_probe(
    states: Sequence[np.ndarray], tags: Sequence[np.ndarray], count: int, goodness: Callable[[Probe], float] | None,
    seed: int,
) -> Probe | None:  # fmt: skip
    """The best of three strengths of regularisation; None where fewer than two tags are seen.

    states: [U, K] of each text's words. tags: [U] of each, below 0 where there is nothing to learn. count: tags that
    there are. goodness: of a probe on validation rows; without it the first strength is taken.
    """
    order = np.random.default_rng(seed).permutation(len(states))
    reached = np.cumsum([len(tags[i]) for i in order])
    kept = order[: int(np.searchsorted(reached, _MOST_CELLS // count)) + 1]
    states_MK = np.concatenate([states[i] for i in kept]).astype(np.float32)
    tags_M = np.concatenate([tags[i] for i in kept])
    states_MK, tags_M = states_MK[tags_M >= 0], tags_M[tags_M >= 0]
    if len(np.unique(tags_M)) < 2:
        return None
    scale = Scaling.of(states_MK, LEAST_SPREAD)
    scaled_MK = scale(states_MK)
    probes = [
        Probe(*(part.astype(np.float32) for part in scale.unscaled(*_fitted(scaled_MK, tags_M, strength, count))))
        for strength in _STRENGTHS[: None if goodness else 1]
    ]
    return max(probes, key=goodness) if goodness else probes[0]


def _fitted(states_MK: np.ndarray, tags_M: np.ndarray, strength: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():  # what has not converged after these rounds is good enough to begin with
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=strength, max_iter=_ROUNDS).fit(states_MK, tags_M)
    weights_CK, bias_C = of_two(model.coef_, model.intercept_)
    whole_CK = np.zeros((count, states_MK.shape[1]))
    whole_C = np.full(count, bias_C.min() - _RARE)
    whole_CK[model.classes_], whole_C[model.classes_] = weights_CK, bias_C
    return whole_CK, whole_C
