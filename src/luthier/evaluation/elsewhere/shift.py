"""How far other data are from those that a model was trained on, by what the run kept of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.codec import Codec
from luthier.doctor.held_out import View, folds_of, held_out, vector_view
from luthier.errors import shown
from luthier.evaluation.elsewhere.portrait import Portrait, Share, label_counts, unknown_share
from luthier.evaluation.intervals import bootstrap, interval
from luthier.language import t
from luthier.metrics.classes import Outcome, classification_scores
from luthier.types import Example

_LEAST_ROWS = 30
"""On each side, for the classifier."""
_NEAR, _FAR = 0.6, 0.8
"""AUC below which data are alike for all that matters, and from which they are another domain."""
_CHANCE = 0.01
_LEAST_LABEL = 5
"""Rows that a class is expected to have for the chi-square to hold (Cochran 1954); rarer ones are put together."""


@dataclass(frozen=True)
class Apart:
    """How surely a linear classifier tells the new rows from rows like those of training, neither of which it has seen,
    by the tuned model's own vectors. auc: 0.5 where it must guess. distance: the proxy A-distance 2 (1 - 2 · error) of
    Ben-David et al. 2007, error being the mean of both sides'; 0 for the same, 2 for wholly apart. rows: of each
    side."""

    auc: float
    low: float
    high: float
    distance: float
    distance_low: float
    distance_high: float
    rows: int


@dataclass(frozen=True)
class Measure:
    """One simple number about both. chance: how likely such a difference is by chance (p); None where nothing is
    counted. differs: whether that is below 1 %."""

    name: str
    training: float
    new: float
    chance: float | None
    sentence: str

    @property
    def differs(self) -> bool:
        return self.chance is not None and self.chance < _CHANCE

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "differs": self.differs}


@dataclass(frozen=True)
class Shift:
    """apart: None where the model makes no vectors, or there are too few rows. unseen: labels that training never
    had."""

    apart: Apart | None
    measures: Sequence[Measure]
    unseen: Mapping[str, int]
    sentence: str

    @property
    def level(self) -> str:
        """same, some or far; unknown where no classifier could tell."""
        if self.apart is None:
            return "unknown"
        if self.apart.low <= 0.5 or self.apart.auc < _NEAR:
            return "same"
        return "some" if self.apart.auc < _FAR else "far"

    def as_json(self) -> dict[str, Any]:
        return {
            "level": self.level,
            "domain": dict(vars(self.apart)) if self.apart else None,
            "measures": [measure.as_json() for measure in self.measures],
            "unseen_labels": dict(self.unseen),
            "sentence": self.sentence,
        }


def find_shift(
    portrait: Portrait, codec: Codec, examples: Sequence[Example[Any, Any]], vectors_ND: np.ndarray | None, seed: int
) -> Shift:
    """vectors: what the tuned model makes of a sample of the examples."""
    layout = codec.task.format
    texts = [layout.plain_text(example.input) for example in examples]
    counts = label_counts(layout, examples)
    rare = Share.of(np.array([portrait.rare_share(text) for text in texts]))
    unknown = unknown_share(codec, texts)
    found = [
        _lengths(portrait, texts),
        _shares("rare_words", portrait.rare, rare, t("words that stand in fewer than three training rows")),
        _shares("unknown_tokens", portrait.unknown, unknown, t("tokens that the model does not know")),
        _labels(portrait.labels, counts),
    ]
    measures = [measure for measure in found if measure is not None]
    unseen = {label: rows for label, rows in counts.items() if label not in portrait.labels}
    apart = tell_apart(portrait.vectors_SD, vectors_ND, seed) if vectors_ND is not None else None
    shift = Shift(apart, measures, unseen, "")
    return Shift(apart, measures, unseen, _sentence(shift))


def tell_apart(before_SD: np.ndarray, new_ND: np.ndarray, seed: int) -> Apart | None:
    """Cross-validated; equal vectors are held out together, and both sides have equally many rows."""
    rows = min(len(before_SD), len(new_ND))
    if rows < _LEAST_ROWS or before_SD.shape[1] != new_ND.shape[1]:
        return None
    rng = np.random.default_rng(seed)
    sides = [side[np.sort(rng.permutation(len(side))[:rows])] for side in (before_SD, new_ND)]
    vectors = np.concatenate([side.astype(np.float16) for side in sides])  # both as coarse as what was kept
    return apart_by(vector_view(vectors.astype(np.float32)), np.unique(vectors, axis=0, return_inverse=True)[1], seed)


def apart_by(view: View, equal_N: np.ndarray, seed: int) -> Apart:
    """How well a model tells the second half of the rows from the first. equal_N: the same for rows that are equal,
    which are held out together where they stand on both sides; on one side alone they are what tells it."""
    rows = len(equal_N.ravel()) // 2
    side_N = np.repeat([0, 1], rows)
    shared_N = np.isin(equal_N.ravel(), np.intersect1d(equal_N.ravel()[:rows], equal_N.ravel()[rows:]))
    whole_N = np.where(shared_N, equal_N.ravel(), equal_N.max() + 1 + np.arange(2 * rows))
    said_N2 = held_out(view, side_N, folds_of(side_N, whole_N, 2), 2)
    outcome = Outcome(said_N2, side_N)

    def score(weights_RN: np.ndarray) -> dict[str, np.ndarray]:
        return {name: classification_scores(outcome, weights_RN)[name] for name in ("auc", "macro_recall")}

    found = bootstrap(score, len(side_N), seed=seed)
    low, high = interval(found.resampled["auc"])
    distances = [4 * value - 2 for value in (found.values["macro_recall"], *interval(found.resampled["macro_recall"]))]
    distance, least, most = (max(0.0, value) for value in distances)
    return Apart(found.values["auc"], low, high, distance, least, most, rows)


def _lengths(portrait: Portrait, texts: Sequence[str]) -> Measure:
    from scipy.stats import ks_2samp

    new = np.array([len(text) for text in texts])
    before = portrait.lengths_S
    medians = float(np.median(before)), float(np.median(new))
    said = t(
        "a text has {new:.0f} characters in the middle, in training {before:.0f}", before=medians[0], new=medians[1]
    )
    found: Any = ks_2samp(before, new)
    return Measure("length", *medians, float(found.pvalue), said)


def _shares(name: str, before: Share | None, new: Share | None, what: str) -> Measure | None:
    if before is None or new is None or not before.rows:
        return None
    from scipy.special import ndtr

    error = float(np.hypot(before.error, new.error))
    difference = abs(new.mean - before.mean)
    chance = float(2 * ndtr(-difference / error)) if error else float(difference == 0)
    said = t(
        "{what}: {new:.1%}, in rows like those of training {before:.1%}", what=what, new=new.mean, before=before.mean
    )
    return Measure(name, before.mean, new.mean, chance, said)


def _labels(before: Mapping[str, int], new: Mapping[str, int]) -> Measure | None:
    """Total variation distance of the shares, and a chi-square test of both being alike."""
    names = [name for name in before if name in new or before[name]]
    if len(names) < 2 or not any(name in new for name in names):
        return None
    from scipy.stats import chi2_contingency

    table = np.array([[before[name] for name in names], [new.get(name, 0) for name in names]], float)
    shares = table / table.sum(1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    rare = table.sum(0) * table.sum(1).min() / table.sum() < _LEAST_LABEL
    if rare.any():
        table = np.column_stack([table[:, ~rare], table[:, rare].sum(1)])
    table = table[:, table.sum(0) > 0]
    chance = float(chi2_contingency(table).pvalue) if table.shape[1] > 1 else 1.0  # pyright: ignore[reportAttributeAccessIssue]
    c = int(np.argmax(np.abs(shares[0] - shares[1])))
    said = t("{label} is {new:.0%} of the rows, in training {before:.0%}",
             label=shown(names[c]), new=shares[1, c], before=shares[0, c])  # fmt: skip
    return Measure("labels", 0.0, distance, chance, said)


def _sentence(shift: Shift) -> str:
    if shift.apart is None:
        told = t("whether these rows are like those of training no classifier could tell")
    else:
        words = {
            "same": t("these rows are like those of training"),
            "some": t("these rows differ somewhat from those of training"),
            "far": t("these rows are another domain than those of training"),
        }
        told = t("{words}: a classifier tells them apart with AUC {auc:.2f} [{low:.2f}, {high:.2f}], by chance 0.50",
                 words=words[shift.level], auc=shift.apart.auc, low=shift.apart.low, high=shift.apart.high)  # fmt: skip
    differing = [measure.sentence for measure in shift.measures if measure.differs]
    if shift.unseen:
        names = ", ".join(shown(name) for name in list(shift.unseen)[:5])
        differing.append(t("labels that training never had: {names}", names=names))
    return "; ".join([told, *differing])
