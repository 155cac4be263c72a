"""Questions that belong to none of the classes: how well they are told, and from where on a row is refused.

Rows are refused by how sure the model is of its best answer (Hendrycks & Gimpel 2017), against the probability of the
class of such rows where there is one, else against a fixed number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luthier.metrics.classes import Outcome

_RESAMPLES = 50
_FEWEST = 5
"""Rows out of scope from which the two kinds of mistakes can be weighed against each other."""
_TINY = 1e-12
_BELOW = 0.01
"""Of the least sure row's probability: how far below it the threshold lies where no row may be refused."""
_MARGIN = 1e-3
"""Nats by which the least row that must not be refused is kept clear."""


@dataclass(frozen=True)
class Scope:
    """shift: of the logit of the class out of scope. accuracy, recall: with it, on the rows that it was chosen on."""

    shift: float
    accuracy: float
    recall: float


def scope_scores(outcome: Outcome, outside: int, weights_RN: np.ndarray) -> dict[str, np.ndarray]:
    """in_scope_accuracy: share of right answers among rows that belong to a class. out_of_scope_recall: share of the
    others that are refused. [R] each, NaN where there is no such row. outside: number of the class out of scope."""
    others_N = outcome.answers_N == outside
    correct_N = outcome.correct_N.astype(float)
    return {
        "in_scope_accuracy": _share(weights_RN * ~others_N, correct_N),
        "out_of_scope_recall": _share(weights_RN * others_N, correct_N),
    }


def best_scope(outcome: Outcome, outside: int, keep: float, seed: int) -> Scope:
    """The shift with the best mean of in-scope accuracy and out-of-scope recall among those with which at least `keep`
    of the in-scope rows are not refused; 0 where too few rows of either kind are there.

    It is the mean of the best ones over bootstrap resamples (bagging, Breiman 1996).
    """
    logs_NC = np.log(np.maximum(outcome.probabilities_NC, _TINY))
    others_N = outcome.answers_N == outside
    gap_N = np.delete(logs_NC, outside, 1).max(1) - logs_NC[:, outside]
    inner_N = np.where(np.arange(logs_NC.shape[1]) == outside, -np.inf, logs_NC).argmax(1)
    right_N = (inner_N == outcome.answers_N) & ~others_N
    shift = 0.0
    if min(others_N.sum(), (~others_N).sum()) >= _FEWEST:
        weights_RN = np.random.default_rng(seed).multinomial(
            len(gap_N), np.full(len(gap_N), 1 / len(gap_N)), size=_RESAMPLES
        )
        best = np.mean([_best_gap(gap_N, right_N, others_N, weights_N) for weights_N in weights_RN])
        shift = float(min(best, _most(np.sort(gap_N[~others_N]), keep)))
    kept_N = gap_N > shift
    accuracy, recall = (right_N & kept_N)[~others_N], ~kept_N[others_N]
    return Scope(shift, float(accuracy.mean()) if len(accuracy) else 0.0, float(recall.mean()) if len(recall) else 0.0)


def least_accepted(probabilities_NC: np.ndarray, keep: float) -> float:
    """The probability that the best answer of `keep` of the rows reaches. In the middle between two rows: on a row's
    own probability that row's answer would hang on the last bit, which is another on each machine."""
    best_N = probabilities_NC.max(1).astype(float)
    reached = float(np.quantile(best_N, 1 - keep, method="lower"))
    below_N = best_N[best_N < reached]
    return (float(below_N.max()) + reached) / 2 if len(below_N) else reached * (1 - _BELOW)


def refusing(probabilities_NC: np.ndarray, least: float) -> np.ndarray:
    """[N, C + 1]: with a last class that is the best one exactly where no other reaches `least`. The others keep their
    probabilities, so that the threshold can be held against them; with it they are no distribution."""
    return np.column_stack([probabilities_NC, np.full(len(probabilities_NC), least)]).astype(np.float32)


def _most(gaps: np.ndarray, keep: float) -> float:
    """The largest shift that refuses no more than it may. gaps: of the rows in scope, ascending."""
    refused = int((1 - keep) * len(gaps) + _TINY)
    return float((gaps[refused - 1] + gaps[refused]) / 2 if refused else gaps[0] - _MARGIN)


def _best_gap(gap_N: np.ndarray, right_N: np.ndarray, others_N: np.ndarray, weights_N: np.ndarray) -> float:
    """Rows with a gap up to this are refused. Between two rows' gaps, in the middle."""
    order = np.argsort(gap_N, kind="stable")
    lost = (weights_N * right_N)[order].cumsum() / max(1, weights_N[~others_N].sum())
    found = (weights_N * others_N)[order].cumsum() / max(1, weights_N[others_N].sum())
    best, gaps = int(np.argmax(found - lost)), gap_N[order]
    still = int(np.searchsorted(gaps, 0.0, side="right")) - 1  # the last row that is refused without a shift
    if (found[still] - lost[still] if still >= 0 else 0.0) >= found[best] - lost[best]:
        return 0.0
    return float((gaps[best] + gaps[min(best + 1, len(gaps) - 1)]) / 2)


def _share(weights_RN: np.ndarray, correct_N: np.ndarray) -> np.ndarray:
    total_R = weights_RN.sum(1)
    return np.divide(weights_RN @ correct_N, total_R, out=np.full(len(total_R), np.nan), where=total_R > 0)
