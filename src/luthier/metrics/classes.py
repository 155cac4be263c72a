"""Metrics of one label an example."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luthier.metrics.sureness import Sureness, calibration_error

_TINY = 1e-12
_MOST_RANKED = 10
"""Classes up to which the area under the curve is worked out for every resample: each class costs a sort of its own."""


@dataclass(frozen=True)
class Outcome:
    """probabilities_NC: what was predicted. answers_N: class numbers; -1 for a label that the model does not know.
    refusal: the class that stands for no answer, where there is one: it enters macro means only where rows have it."""

    probabilities_NC: np.ndarray
    answers_N: np.ndarray
    refusal: int | None = None

    @property
    def predicted_N(self) -> np.ndarray:
        return self.probabilities_NC.argmax(1)

    @property
    def correct_N(self) -> np.ndarray:
        return self.predicted_N == self.answers_N

    @property
    def sureness(self) -> Sureness:
        return Sureness(self.probabilities_NC.max(1)[:, None], self.correct_N[:, None])


@dataclass(frozen=True)
class Counts:
    """Weighted counts a class, [R, C]. The last class of `actual` is the unknown one."""

    hits: np.ndarray
    predicted: np.ndarray
    actual: np.ndarray


def count(outcome: Outcome, weights_RN: np.ndarray) -> Counts:
    """C counts the known classes and one for all that are unknown."""
    classes = outcome.probabilities_NC.shape[1] + 1
    one_hot = np.eye(classes, dtype=weights_RN.dtype)
    predicted_NC, actual_NC = one_hot[outcome.predicted_N], one_hot[outcome.answers_N]
    return Counts(weights_RN @ (predicted_NC * actual_NC), weights_RN @ predicted_NC, weights_RN @ actual_NC)


def classification_scores(outcome: Outcome, weights_RN: np.ndarray) -> dict[str, np.ndarray]:
    """All scores by name, [R] each; macro_f1 first.

    Precision, recall and F1 are scikit-learn's, with 0 where undefined; macro means go over the classes that occur
    among the answers or the predictions. mcc: Matthews' correlation for many classes (Gorodkin 2004).
    auc: mean over the classes of one against the rest; of more than ten classes for a single weighting alone, NaN for
    many. ece: expected calibration error. loss: nats an example.
    """
    counts = count(outcome, weights_RN)
    occurs_RC = _occurs(outcome, counts)
    precision_RC = _ratio(counts.hits, counts.predicted)
    recall_RC = _ratio(counts.hits, counts.actual)
    f1_RC = _ratio(2 * counts.hits, counts.predicted + counts.actual)
    return {
        "macro_f1": _mean(f1_RC, occurs_RC),
        "accuracy": _ratio(counts.hits.sum(1), counts.actual.sum(1)),
        "macro_precision": _mean(precision_RC, occurs_RC),
        "macro_recall": _mean(recall_RC, occurs_RC),
        "weighted_precision": _mean(precision_RC, counts.actual),
        "weighted_recall": _mean(recall_RC, counts.actual),
        "weighted_f1": _mean(f1_RC, counts.actual),
        "mcc": _mcc(counts),
        "auc": _auc(outcome, weights_RN),
        "ece": calibration_error(outcome.sureness, weights_RN),
        "loss": _log_loss(outcome, weights_RN),
    }


def macro_f1(outcome: Outcome, weights_RN: np.ndarray) -> np.ndarray:
    """The first of `classification_scores` alone, [R]."""
    counts = count(outcome, weights_RN)
    f1_RC = _ratio(2 * counts.hits, counts.predicted + counts.actual)
    return _mean(f1_RC, _occurs(outcome, counts))


def per_class(outcome: Outcome) -> list[dict[str, float]]:
    """precision, recall, f1 and support (how many examples have it) of each known class."""
    counts = count(outcome, np.ones((1, len(outcome.answers_N))))
    precision, recall = _ratio(counts.hits, counts.predicted)[0], _ratio(counts.hits, counts.actual)[0]
    f1 = _ratio(2 * counts.hits, counts.predicted + counts.actual)[0]
    return [
        {"precision": float(precision[c]), "recall": float(recall[c]), "f1": float(f1[c]),
         "support": int(counts.actual[0, c])}
        for c in range(outcome.probabilities_NC.shape[1])
    ]  # fmt: skip


def confusion(outcome: Outcome) -> np.ndarray:
    """Counts [C, C]: rows are answers, columns predictions. Unknown answers are left out."""
    classes = outcome.probabilities_NC.shape[1]
    table = np.zeros((classes, classes), np.int64)
    known = outcome.answers_N >= 0
    np.add.at(table, (outcome.answers_N[known], outcome.predicted_N[known]), 1)
    return table


def _occurs(outcome: Outcome, counts: Counts) -> np.ndarray:
    """Which classes enter a macro mean, bool [R, C]."""
    occurs_RC = (counts.predicted + counts.actual) > 0
    if outcome.refusal is not None:
        occurs_RC[:, outcome.refusal] = counts.actual[:, outcome.refusal] > 0
    return occurs_RC


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros_like(above, dtype=float), where=below > 0)


def _mean(values_RC: np.ndarray, weights_RC: np.ndarray) -> np.ndarray:
    return _ratio((values_RC * weights_RC).sum(1), weights_RC.sum(1).astype(float))


def _mcc(counts: Counts) -> np.ndarray:
    total_R = counts.actual.sum(1)
    above = counts.hits.sum(1) * total_R - (counts.predicted * counts.actual).sum(1)
    spread = (total_R**2 - (counts.predicted**2).sum(1)) * (total_R**2 - (counts.actual**2).sum(1))
    return _ratio(above, np.sqrt(np.maximum(spread, 0)))


def _auc(outcome: Outcome, weights_RN: np.ndarray) -> np.ndarray:
    """Area under the ROC curve (probability that a member outranks a non-member, ties half)."""
    classes = outcome.probabilities_NC.shape[1]
    if classes > _MOST_RANKED and len(weights_RN) > 1:
        return np.full(len(weights_RN), np.nan)
    chosen = [1] if classes == 2 else range(classes)
    areas = np.array([_one_auc(outcome.probabilities_NC[:, c], outcome.answers_N == c, weights_RN) for c in chosen])
    known = ~np.isnan(areas)
    return np.where(known.any(0), np.where(known, areas, 0).sum(0) / np.maximum(known.sum(0), 1), np.nan)


def _one_auc(scores_N: np.ndarray, member_N: np.ndarray, weights_RN: np.ndarray) -> np.ndarray:
    order = np.argsort(scores_N, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores_N[order]) > 0])
    inside = np.add.reduceat(weights_RN[:, order] * member_N[order], starts, axis=1)
    outside = np.add.reduceat(weights_RN[:, order] * ~member_N[order], starts, axis=1)
    below = outside.cumsum(1) - outside
    pairs = inside.sum(1) * outside.sum(1)
    wins = (inside * (below + outside / 2)).sum(1)
    return np.divide(wins, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def _log_loss(outcome: Outcome, weights_RN: np.ndarray) -> np.ndarray:
    """Over the examples whose answer is known: another has no probability."""
    known = outcome.answers_N >= 0
    rows = np.arange(len(known))[known]
    nats = -np.log(np.maximum(outcome.probabilities_NC[rows, outcome.answers_N[known]], _TINY))
    weights = weights_RN[:, known]
    return _ratio(weights @ nats, weights.sum(1))
