"""Which labels are likely wrong? Those that models trained on the other rows are sure to be something else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.data.findings import WARNING
from luthier.doctor.check import Check, Context
from luthier.doctor.gathered import Gathered
from luthier.doctor.held_out import folds_of, held_out, together, vector_view, word_views
from luthier.errors import shown
from luthier.extras import has, need
from luthier.language import t
from luthier.text.shingling.pieces import Pieces
from luthier.types import Finding

_LEAST_ROWS = 50
_LEAST_IN_CLASS = 3
_MOST_CLASSES = 1000
_MOST_CELLS = 10_000_000
"""Rows x classes: with very many classes fewer rows are looked at, so that a matrix of them stays below 40 MB."""
_LEAST_GAIN = 0.35
"""Of what guessing the commonest class gets wrong the models must get so much right. Else they know too little about
the labels to doubt any."""
_TOLD = 3
_FACTS = 20


@dataclass(frozen=True)
class Suspicion:
    """Of N rows. order: int64 [N], the most suspect first. reported: bool [N], likely wrong. suggested: int64 [N], the
    likeliest other class. right: share of the rows on which the models agree with the label."""

    order: np.ndarray
    reported: np.ndarray
    suggested: np.ndarray
    right: float


def suspicion(
    pieces: Pieces, label: np.ndarray, classes: int, vectors_ND: np.ndarray | None = None
) -> Suspicion | None:
    """Confident learning (Northcutt et al. 2021, by cleanlab) on what models say of rows that they were not fitted to.

    label: int [N], 0 to classes - 1. vectors_ND: by a pretrained model, where there is one. None where the texts have
    nothing in common.
    """
    filters = need("cleanlab.filter")
    rank = need("cleanlab.rank")
    if len(np.unique(pieces.whole)) < 2:
        return None
    fold = folds_of(label, pieces.whole, classes)
    said = [held_out(view, label, fold, classes) for view in word_views(pieces, classes)]
    if not said:
        return None
    if vectors_ND is not None:
        said += [held_out(vector_view(vectors_ND), label, fold, classes)] * 2  # as good as the others together
    likely_NC = together(said)
    margin = rank.get_label_quality_scores(label, likely_NC, method="normalized_margin", adjust_pred_probs=False)
    sure, many = (filters.find_label_issues(label, likely_NC, filter_by=how, n_jobs=1)
                  for how in ("confident_learning", "both"))  # fmt: skip
    right = float((likely_NC.argmax(1) == label).mean())
    likely_NC[np.arange(len(label)), label] = -1
    return Suspicion(np.argsort(margin, kind="stable"), sure & many, likely_NC.argmax(1), right)


class Suspects(Check):
    """label-error: the most suspect first, each with the label that it should rather have."""

    costly = True

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._notes: list[str] = []
        self._facts: dict[str, Any] = {}

    def findings(self, data: Gathered) -> Iterable[Finding]:
        if not data.format.texts_are_all:  # a label that the text does not tell may well be right
            return
        rows, label, names = self._rows(data)
        if len(rows) < _LEAST_ROWS or not 2 <= len(names) <= _MOST_CLASSES:
            return
        if not has("cleanlab"):
            self._notes.append(t("label errors were not looked for: pip install 'luthier[clean]'"))
            return
        pieces = data.sample_pieces if len(rows) == len(data.sample.rows) else Pieces.of(_texts(data, rows))
        embed = self.context.embed if self.context.deep else None
        found = suspicion(pieces, label, len(names), embed(_texts(data, rows)) if embed else None)
        commonest = np.bincount(label).max() / len(label)
        if found is None or found.right - commonest < _LEAST_GAIN * (1 - commonest):
            return
        first = found.order[found.reported[found.order]]
        if len(first):
            yield self._finding(data, rows, label, names, found, first)

    def notes(self) -> list[str]:
        return self._notes

    def facts(self) -> dict[str, Any]:
        return self._facts

    def _rows(self, data: Gathered) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Which rows of the sample are looked at, their classes counted from 0, and the classes' names."""
        numbers = data.sample_numbers
        label = data.label[numbers]
        single = np.array([isinstance(name, str) for name in data.label_names], bool)
        counts = np.bincount(label[label >= 0], minlength=len(single))
        good = np.flatnonzero(single & (counts >= _LEAST_IN_CLASS))
        rows = np.flatnonzero(np.isin(label, good))
        most = _most(len(good))
        if len(rows) > most and not self.context.deep:
            rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
        kept, label = np.unique(label[rows], return_inverse=True)
        return rows, label, [str(data.label_names[c]) for c in kept]

    def _finding(
        self, data: Gathered, rows: np.ndarray, label: np.ndarray, names: list[str], found: Suspicion, first: np.ndarray
    ) -> Finding:
        numbers = data.sample_numbers[rows[first]]
        places = data.places(numbers, "label")
        suggested = tuple(names[c] for c in found.suggested[first])
        told = list(_told(places[:_TOLD], [names[c] for c in label[first[:_TOLD]]], suggested))
        what = t("{count} labels may be wrong: models trained on the other rows are sure of another one ({first})",
                 count=len(first), first="; ".join(told))  # fmt: skip
        if len(rows) == _most(len(names)) or not data.sample.is_whole:
            what += t("; looked for in a sample of {rows:,} rows, in all of them with --deep", rows=len(rows))
        fix = t("read them, the first ones first, and mend what is wrong; --json names a label for every one")
        self._facts["suspects"] = [
            {"place": str(place), "text": data.sample_texts[int(rows[i])][:200], "label": names[label[i]],
             "suggested": other}
            for place, i, other in zip(places[:_FACTS], first, suggested, strict=False)
        ]  # fmt: skip
        return Finding(WARNING, "label-error", what, fix, places, suggested=suggested)


def _most(classes: int) -> int:
    return _MOST_CELLS // max(1, classes)


def _texts(data: Gathered, rows: np.ndarray) -> list[str]:
    return [data.sample_texts[int(i)] for i in rows]


def _told(places: Iterable[Any], labels: Iterable[str], suggested: Iterable[str]) -> Iterator[str]:
    for place, label, other in zip(places, labels, suggested, strict=False):
        yield t("line {line}: {label}, rather {other}", line=place.line, label=shown(label, 30), other=shown(other, 30))
