"""Do the rows to validate and test on look like those to train on? Could a model tell which are which?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from luthier.data.findings import WARNING
from luthier.doctor.check import Check
from luthier.doctor.gathered import Gathered
from luthier.doctor.held_out import folds_of, held_out, together, word_views
from luthier.errors import shown
from luthier.language import t
from luthier.text.shingling.pieces import Pieces
from luthier.types import PARTS, Finding

_MOST_ROWS = 4000
"""Of each side: enough to tell a small difference from none."""
_LEAST_ROWS = 50
_LEAST_AUC = 0.7
"""Below, the two sides are alike for all that matters: a model trained on one does nearly as well on the other."""
_SIGNIFICANT = 4
"""Standard errors: parts that were drawn at random reach that far once in thirty thousand times."""
_LEAST_DISTANCE = 0.2
_CHANCE = 1e-4
_WORDS = 5


@dataclass(frozen=True)
class Apart:
    """How surely a model tells texts of one side from those of another that it has not seen. auc: 0.5 where it must
    guess. error: its standard error. words: of either side, those that tell most."""

    auc: float
    error: float
    words: tuple[list[str], list[str]]

    @property
    def is_shift(self) -> bool:
        return self.auc >= _LEAST_AUC and self.auc - 0.5 > _SIGNIFICANT * self.error


class Shift(Check):
    """distribution-shift: texts or labels of a given part differ from the training data's by more than chance."""

    costly = True

    def findings(self, data: Gathered) -> Iterable[Finding]:
        part = data.part[data.sample_numbers]
        for i, name in enumerate(PARTS[1:], 1):
            said: list[str] = []
            sides = np.flatnonzero(part == 0), np.flatnonzero(part == i)
            if min(map(len, sides)) >= _LEAST_ROWS:
                apart = tell_apart(*([data.sample_texts[j] for j in _some(side)] for side in sides))
                if apart is not None and apart.is_shift:
                    said.append(_words_said(apart, t(name)))
            said += _labels_said(data, i, t(name))
            if said:
                fix = t("a score on it tells little of other data: test on rows like those that the model will meet, "
                        "or let Luthier split: give data.train alone")  # fmt: skip
                yield Finding(WARNING, "distribution-shift", "; ".join(said), fix)


def tell_apart(one: Sequence[str], other: Sequence[str]) -> Apart | None:
    """None where the texts have no word in common. Equal texts are held out together, so that nothing is learnt by
    heart."""
    pieces = Pieces.of([*one, *other])
    side = np.repeat([0, 1], [len(one), len(other)])
    fold = folds_of(side, pieces.whole, 2)
    said = [held_out(view, side, fold, 2) for view in word_views(pieces, 2)]
    if not said:
        return None
    auc, error = _auc(together(said)[:, 1], side)
    return Apart(auc, error, _telling(pieces, side))


def _auc(score: np.ndarray, side: np.ndarray) -> tuple[float, float]:
    """The area under the ROC curve, and its standard error (Hanley and McNeil 1982)."""
    from scipy.stats import rankdata

    ones = int(side.sum())
    zeros = len(side) - ones
    auc = float((rankdata(score)[side == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (ones - 1) * (q1 - auc**2) + (zeros - 1) * (q2 - auc**2)
    return auc, float(np.sqrt(variance / (ones * zeros)))


def _telling(pieces: Pieces, side: np.ndarray) -> tuple[list[str], list[str]]:
    """The words whose share of texts differs most between the sides, counted in standard errors."""
    keys = np.unique(np.repeat(np.arange(len(pieces)), pieces.lengths) * len(pieces.words) + pieces.numbers)
    word, text = keys % len(pieces.words), keys // len(pieces.words)
    counts = [np.bincount(word[side[text] == s], minlength=len(pieces.words)) for s in (0, 1)]
    sizes = [int((side == s).sum()) for s in (0, 1)]
    share = (counts[0] + counts[1] + 1) / (sizes[0] + sizes[1] + 2)
    spread = np.sqrt(share * (1 - share) * (1 / sizes[0] + 1 / sizes[1]))
    more = (counts[1] / sizes[1] - counts[0] / sizes[0]) / spread
    order = np.argsort(more, kind="stable")
    return [pieces.words[int(w)] for w in order[:_WORDS]], [pieces.words[int(w)] for w in order[::-1][:_WORDS]]


def _some(rows: np.ndarray) -> np.ndarray:
    if len(rows) <= _MOST_ROWS:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, _MOST_ROWS, replace=False))


def _words_said(apart: Apart, part: str) -> str:
    train, other = (", ".join(shown(word, 20) for word in words) for words in apart.words)
    return t("a model tells {part} texts from training texts that it has not seen (AUC {auc:.2f}, by chance 0.50); "
             "in training more often: {train}, in {part}: {other}",
             part=part, auc=apart.auc, train=train, other=other)  # fmt: skip


def _labels_said(data: Gathered, i: int, part: str) -> list[str]:
    """Where the classes' shares differ by more than chance and by a fifth of all rows."""
    from scipy.special import chdtrc

    rows = data.label >= 0
    counts = np.stack([np.bincount(data.label[rows & (data.part == p)], minlength=len(data.labels)) for p in (0, i)])
    there = np.flatnonzero(counts.sum(0))
    counts = counts[:, there]
    if counts.shape[1] < 2 or counts.sum(1).min() < _LEAST_ROWS:
        return []
    shares = counts / counts.sum(1, keepdims=True)
    distance = np.abs(shares[0] - shares[1]).sum() / 2
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
    by_chance = chdtrc(counts.shape[1] - 1, ((counts - expected) ** 2 / expected).sum())
    if distance < _LEAST_DISTANCE or by_chance > _CHANCE:
        return []
    c = int(np.argmax(np.abs(shares[0] - shares[1])))
    label = shown(data.label_names[int(there[c])])
    return [t("{label} is {train:.0%} of the training rows and {other:.0%} of the {part} rows",
              label=label, train=shares[0, c], other=shares[1, c], part=part)]  # fmt: skip
