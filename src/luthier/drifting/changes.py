"""What may change in the rows that a model is asked, one test a question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.doctor.held_out import count_view
from luthier.drifting.shuffled import Shuffled, chance, cosine, gaussian
from luthier.errors import shown
from luthier.evaluation.elsewhere.shift import apart_by, tell_apart
from luthier.evaluation.elsewhere.traits import Traits
from luthier.language import t

LEAST_ROWS = 30
"""On each side."""
_MOST_COMPARED = 1000
"""Of each side, where every row is held against every other."""
_KS, _TV, _AUC = "kolmogorov_smirnov", "total_variation", "auc"
_MEANS = "difference_of_means"
_BUCKETS = 2**16


@dataclass(frozen=True)
class Change:
    """statistic: what the effect is: kolmogorov_smirnov, total_variation, difference_of_means or auc. least: the effect
    from which it matters. before, now: of rows like those of training, and of those that were asked, where one number
    says it. p: how likely such rows are by chance; adjusted: after Holm's correction over all changes."""

    name: str
    statistic: str
    effect: float
    least: float
    p: float
    sentence: str
    before: float | None = None
    now: float | None = None
    adjusted: float = 1.0

    def drifts(self, alpha: float) -> bool:
        """Whether it is both more than chance and enough to matter."""
        return self.adjusted < alpha and self.effect >= self.least


@dataclass(frozen=True, eq=False)
class Sides:
    """Rows like those of training that were not trained on, and the rows that were asked, with their vectors."""

    held: Sequence[Traits]
    new: Sequence[Traits]
    held_vectors_SD: np.ndarray | None
    new_vectors_ND: np.ndarray | None
    seed: int

    def numbers(self, of: Callable[[Traits], float | None]) -> tuple[np.ndarray, np.ndarray] | None:
        """Of both sides what is known; None where it is of too few rows."""
        told = [np.array([x for row in side if (x := of(row)) is not None], float) for side in (self.held, self.new)]
        return None if min(map(len, told)) < LEAST_ROWS else (told[0], told[1])


def find_changes(sides: Sides) -> list[Change]:
    """One for each question that can be asked of these rows, not yet adjusted."""
    found = [
        _lengths(sides),
        _shares(sides, "rare_words", lambda row: row.rare, 0.02,
                lambda now, before: t("{now:.1%} of the words are rare in training, of held-out rows {before:.1%}",
                                      now=now, before=before)),
        _shares(sides, "unknown_tokens", lambda row: row.unknown, 0.01,
                lambda now, before: t("the model does not know {now:.2%} of the tokens, of held-out rows {before:.2%}",
                                      now=now, before=before)),
        _words(sides), _vectors(sides), _labels(sides), _confidence(sides), _values(sides),
    ]  # fmt: skip
    return [change for change in found if change is not None]


def _spread(
    name: str, told: tuple[np.ndarray, np.ndarray] | None, sentence: Callable[[float, float], str]
) -> Change | None:
    """Two samples of a number by the largest distance of their distributions (Smirnov 1939). sentence: of the medians,
    now and before."""
    if told is None:
        return None
    from scipy.stats import ks_2samp

    found: Any = ks_2samp(*told)
    before, now = (float(np.median(side)) for side in told)
    return Change(name, _KS, float(found.statistic), 0.1, float(found.pvalue), sentence(now, before), before, now)


def _lengths(sides: Sides) -> Change | None:
    return _spread("length", sides.numbers(lambda row: row.characters), lambda now, before: t(
        "a text has {now:.0f} characters in the middle, a held-out row {before:.0f}", now=now, before=before
    ))  # fmt: skip


def _confidence(sides: Sides) -> Change | None:
    return _spread("confidence", sides.numbers(lambda row: row.said.confidence), lambda now, before: t(
        "the model is sure to {now:.3f} in the middle, of held-out rows to {before:.3f}", now=now, before=before
    ))  # fmt: skip


def _values(sides: Sides) -> Change | None:
    return _spread("answers", sides.numbers(lambda row: row.said.value), lambda now, before: t(
        "the answer is {now:.4g} in the middle, on held-out rows {before:.4g}", now=now, before=before
    ))  # fmt: skip


def _shares(
    sides: Sides, name: str, of: Callable[[Traits], float | None], least: float,
    sentence: Callable[[float, float], str],
) -> Change | None:  # fmt: skip
    told = sides.numbers(of)
    if told is None:
        return None
    moved_R = Shuffled(len(told[0]), len(told[1]), sides.seed).differences(np.concatenate(told)[:, None])[:, 0]
    before, now = (float(side.mean()) for side in told)
    p = chance(np.abs(moved_R))
    return Change(name, _MEANS, abs(now - before), least, p, sentence(now, before), before, now)


def _labels(sides: Sides) -> Change | None:
    """Answers with answers: what the model says of the rows that were asked and of held-out ones, so that its own
    leaning cancels out (the black-box shift detection of Lipton et al. 2018)."""
    names = [*Counter(label for row in (*sides.held, *sides.new) for label in row.said.labels)]
    if not names:
        return None
    number = {name: i for i, name in enumerate([*names, ""])}
    rows = [*sides.held, *sides.new]
    there_NL = np.zeros((len(rows), len(number)), np.float32)
    for i, row in enumerate(rows):
        there_NL[i, [number[label] for label in row.said.labels or ("",)]] = 1
    moved_RL = Shuffled(len(sides.held), len(sides.new), sides.seed).differences(there_NL)
    distance_R = np.abs(moved_RL).sum(1) / 2
    most = int(np.abs(moved_RL[0]).argmax())
    before, now = float(there_NL[: len(sides.held), most].mean()), float(there_NL[len(sides.held) :, most].mean())
    name = shown([*names, ""][most]) if most < len(names) else t("nothing")
    said = t("the answer {label} is given to {now:.1%} of the rows, to held-out ones {before:.1%}", label=name,
             now=now, before=before)  # fmt: skip
    return Change("labels", _TV, float(distance_R[0]), 0.1, chance(distance_R), said, before, now)


def _words(sides: Sides) -> Change | None:
    """A kernel test on the marks of words (Gretton et al. 2012); how far apart they are is told by naive Bayes."""
    told = [[row.words for row in side if len(row.words)] for side in (sides.held, sides.new)]
    if min(map(len, told)) < LEAST_ROWS:
        return None
    told = [_some(side, _MOST_COMPARED, sides.seed) for side in told]
    counts = _counts([words for side in told for words in side])
    p = chance(Shuffled(len(told[0]), len(told[1]), sides.seed).discrepancies(cosine(counts)))
    rows = min(map(len, told))
    kept = [*range(rows), *range(len(told[0]), len(told[0]) + rows)]
    number: dict[bytes, int] = {}
    equal = [number.setdefault(words.tobytes(), len(number)) for side in told for words in side[:rows]]
    apart = apart_by(count_view(counts[kept]), np.array(equal), sides.seed)
    said = t("by their words rows are told from held-out ones with AUC {auc:.2f}, by chance 0.50", auc=apart.auc)
    return Change("words", _AUC, apart.auc, 0.6, p, said)


def _vectors(sides: Sides) -> Change | None:
    """A kernel test on the model's vectors; how far apart they are is told by a linear classifier, as by
    `luthier evaluate`."""
    held, new = sides.held_vectors_SD, sides.new_vectors_ND
    if held is None or new is None or min(len(held), len(new)) < LEAST_ROWS or held.shape[1] != new.shape[1]:
        return None
    told = [np.array(_some(list(side), _MOST_COMPARED, sides.seed), np.float32) for side in (held, new)]
    p = chance(Shuffled(len(told[0]), len(told[1]), sides.seed).discrepancies(gaussian(np.concatenate(told))))
    apart = tell_apart(told[0], told[1], sides.seed)
    if apart is None:
        return None
    said = t("by the model's vectors rows are told from held-out ones with AUC {auc:.2f} [{low:.2f}, {high:.2f}], by "
             "chance 0.50", auc=apart.auc, low=apart.low, high=apart.high)  # fmt: skip
    return Change("embedding", _AUC, apart.auc, 0.6, p, said)


def _some(rows: list[Any], most: int, seed: int) -> list[Any]:
    drawn = np.random.default_rng(seed).permutation(len(rows))[:most]
    return [rows[i] for i in drawn]


def _counts(words: Sequence[np.ndarray]) -> Any:
    """Sparse [N, buckets], 1 where a row has the word."""
    from scipy.sparse import csr_matrix

    starts = np.concatenate([[0], np.cumsum([len(own) for own in words])])
    marks = np.concatenate(words).astype(np.int64)
    there = csr_matrix((np.ones(len(marks), np.float32), marks, starts), shape=(len(words), _BUCKETS))
    return there[:, np.unique(marks)]
