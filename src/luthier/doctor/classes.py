"""Are the labels labels? How many are there, how rare are they, does training see them all?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from luthier.data.findings import ERROR, WARNING
from luthier.doctor.check import Check
from luthier.doctor.gathered import Gathered
from luthier.errors import Place, shown
from luthier.language import t
from luthier.types import Finding

_IMBALANCE = 10
"""Largest to smallest class: beyond this, accuracy says little about the small ones."""


class Classes(Check):
    """one-class, label-is-id, rare-class, imbalance."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        counts, rows = data.label_counts, len(data)
        if not len(counts) or data.has_sets:
            return
        file = Place(data.files[0])
        if len(counts) == 1:
            what = t("every row has the label {label}: there is nothing to learn", label=shown(data.label_names[0]))
            fix = t("give rows of a second class, or name another label column")
            yield Finding(ERROR, "one-class", what, fix, (file,))
        elif len(counts) == rows > 10 or (len(counts) > 1000 and len(counts) > rows / 2):
            what = t("{count} different labels in {rows} rows: this looks like an id or the text",
                     count=len(counts), rows=rows)  # fmt: skip
            yield Finding(ERROR, "label-is-id", what, t("name another label column"), (file,))
        else:
            yield from _rare(data)
            yield from _imbalance(data)


class Unseen(Check):
    """unseen-label: in validation or test files a class that no training row has."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        known = np.unique(data.label[data.part == 0])
        rows = np.flatnonzero((data.part > 0) & (data.label >= 0) & ~np.isin(data.label, known))
        if len(rows) and len(known) and not data.has_sets:
            names = ", ".join(sorted(shown(data.label_names[c]) for c in np.unique(data.label[rows]))[:5])
            what = t("{count} rows to validate or test on have a label that no training row has ({names})",
                     count=len(rows), names=names)  # fmt: skip
            fix = t("add rows of that label to the training data, or mend it")
            yield Finding(ERROR, "unseen-label", what, fix, data.places(rows, "label"))


def _rare(data: Gathered) -> Iterator[Finding]:
    rare = np.flatnonzero(data.label_counts == 1)
    if len(rare):
        names = ", ".join(shown(data.label_names[c]) for c in rare[:5])
        what = t("{count} labels stand on one row only ({names}); they cannot be both learnt and tested",
                 count=len(rare), names=names)  # fmt: skip
        rows = np.flatnonzero(np.isin(data.label, rare))
        fix = t("add rows of them, or merge them with others")
        yield Finding(WARNING, "rare-class", what, fix, data.places(rows, "label"))


def _imbalance(data: Gathered) -> Iterator[Finding]:
    counts = data.label_counts
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] >= _IMBALANCE * counts[least]:
        what = t("{most} stands on {many} rows, {least} on {few}", most=shown(data.label_names[most]),
                 many=counts[most], least=shown(data.label_names[least]), few=counts[least])  # fmt: skip
        fix = t("look at macro-F1 rather than accuracy; balance=weighted_loss gives rare classes more weight")
        yield Finding(WARNING, "imbalance", what, fix)
