"""Metrics of any number of labels an example."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_TINY = 1e-12
_MOST_RANKED = 10
"""Labels up to which the average precision is worked out for every resample: each costs a pass of its own."""
EVEN = 0.5
"""From here on a label is said."""


@dataclass(frozen=True, eq=False)
class SetOutcome:
    """probabilities_NC: of each label. holds_NC: bool, which rows have which. unknown_N: how many labels a row has that
    the model does not know; they count as missed."""

    probabilities_NC: np.ndarray
    holds_NC: np.ndarray
    unknown_N: np.ndarray

    @cached_property
    def said_NC(self) -> np.ndarray:
        return self.probabilities_NC >= EVEN

    @cached_property
    def hits_NC(self) -> np.ndarray:
        return self.said_NC & self.holds_NC


def label_set_scores(outcome: SetOutcome, weights_RN: np.ndarray) -> dict[str, np.ndarray]:
    """All scores by name, [R] each; micro_f1 first.

    micro_f1, macro_f1, precision and recall are scikit-learn's, with 0 where undefined; macro_f1 goes over the labels
    that occur among the answers or the predictions. samples_f1: mean of each row's own F1, 1 for a row without labels
    of which none is said. subset_accuracy: share of the rows whose labels are said all and no others. map: mean over
    the labels of the average precision; of more than ten labels for a single weighting alone, NaN for many. loss: nats
    a row and label.
    """
    hits_NC, said_NC, holds_NC = (part.astype(float) for part in (outcome.hits_NC, outcome.said_NC, outcome.holds_NC))
    unknown_N = outcome.unknown_N
    hits_RC, said_RC, holds_RC = (weights_RN @ part for part in (hits_NC, said_NC, holds_NC))
    missed_R = weights_RN @ unknown_N
    total_R = np.maximum(weights_RN.sum(1), _TINY)
    both_RC = said_RC + holds_RC
    strange_R = missed_R > 0
    f1_RC = _ratio(2 * hits_RC, both_RC)
    found_R, spoken_R, right_R = hits_RC.sum(1), said_RC.sum(1), holds_RC.sum(1) + missed_R
    row_hits_N, row_both_N = hits_NC.sum(1), said_NC.sum(1) + holds_NC.sum(1) + unknown_N
    own_N = np.where(row_both_N > 0, 2 * row_hits_N / np.maximum(row_both_N, 1), 1.0)
    return {
        "micro_f1": _ratio(2 * found_R, spoken_R + right_R),
        "macro_f1": _ratio(f1_RC.sum(1), (both_RC > 0).sum(1) + strange_R.astype(float)),
        "samples_f1": weights_RN @ own_N / total_R,
        "subset_accuracy": weights_RN @ (2 * row_hits_N == row_both_N) / total_R,
        "micro_precision": _ratio(found_R, spoken_R),
        "micro_recall": _ratio(found_R, right_R),
        "map": _mean_precision(outcome, weights_RN),
        "loss": weights_RN @ _nats(outcome) / total_R,
    }


def per_label(outcome: SetOutcome) -> list[dict[str, float]]:
    """precision, recall, f1, average precision (None for a label that no row has) and support of each label."""
    hits_C, said_C, holds_C = (part.sum(0) for part in (outcome.hits_NC, outcome.said_NC, outcome.holds_NC))
    once = np.ones((1, len(outcome.unknown_N)))
    precisions = [float(_precision(outcome, c, once)[0]) for c in range(len(hits_C))]
    return [
        {"precision": float(hits / max(1, said)), "recall": float(hits / max(1, holds)),
         "f1": float(2 * hits / max(1, said + holds)), "support": int(holds),
         **({} if np.isnan(ranked) else {"average_precision": ranked})}
        for hits, said, holds, ranked in zip(hits_C, said_C, holds_C, precisions, strict=True)
    ]  # fmt: skip


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros_like(above, dtype=float), where=below > 0)


def _nats(outcome: SetOutcome) -> np.ndarray:
    """[N], mean over the labels."""
    right_NC = np.where(outcome.holds_NC, outcome.probabilities_NC, 1 - outcome.probabilities_NC)
    return -np.log(np.maximum(right_NC, _TINY)).mean(1)


def _mean_precision(outcome: SetOutcome, weights_RN: np.ndarray) -> np.ndarray:
    classes = outcome.holds_NC.shape[1]
    if classes > _MOST_RANKED and len(weights_RN) > 1:
        return np.full(len(weights_RN), np.nan)
    each_CR = np.stack([_precision(outcome, c, weights_RN) for c in range(classes)])
    known_CR = ~np.isnan(each_CR)
    return np.where(known_CR.any(0), np.where(known_CR, each_CR, 0).sum(0) / np.maximum(known_CR.sum(0), 1), np.nan)


def _precision(outcome: SetOutcome, label: int, weights_RN: np.ndarray) -> np.ndarray:
    """Average precision as scikit-learn has it: the precision at each score, weighted by the recall that it adds."""
    order = np.argsort(-outcome.probabilities_NC[:, label], kind="stable")
    scores_N = outcome.probabilities_NC[order, label]
    ends = np.flatnonzero(np.r_[scores_N[1:] != scores_N[:-1], True])
    ordered_RN = weights_RN[:, order]
    hits_RG = (ordered_RN * outcome.holds_NC[order, label]).cumsum(1)[:, ends]
    said_RG = ordered_RN.cumsum(1)[:, ends]
    added_RG = np.diff(hits_RG, axis=1, prepend=0.0)
    total_R = hits_RG[:, -1]
    area_R = (added_RG * _ratio(hits_RG, said_RG)).sum(1)
    return np.divide(area_R, total_R, out=np.full(len(total_R), np.nan), where=total_R > 0)
