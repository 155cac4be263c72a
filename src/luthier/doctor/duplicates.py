"""Which inputs stand there more than once, and which of them with another answer?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from luthier.data.findings import ERROR, WARNING
from luthier.doctor.check import Check
from luthier.doctor.gathered import Gathered
from luthier.errors import Place
from luthier.language import t
from luthier.types import Finding


class SameText(Check):
    """same-text: one text in every row is no text column."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        if len(data) > 1 and (data.text_hash == data.text_hash[0]).all():
            what, fix = t("every row has the same text"), t("name another text column")
            yield Finding(ERROR, "same-text", what, fix, (Place(data.files[0]),))


class Duplicates(Check):
    """exact-duplicate, conflicting-label."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        first, group = np.unique(data.text_hash, return_index=True, return_inverse=True)[1:]
        differs = np.zeros(len(first), bool)
        differs[group[data.answer_hash != data.answer_hash[first][group]]] = True
        repeats = np.flatnonzero(np.arange(len(data)) != first[group])
        agreeing = repeats[~differs[group[repeats]]]
        if len(agreeing):
            what = t("{count} rows repeat an earlier text and label", count=len(agreeing)) + _random_leak(data)
            fix = t("they stay on one side of the split; remove them if they are copies by mistake")
            yield Finding(WARNING, "exact-duplicate", what, fix, data.places(agreeing),
                          data.places(first[group[agreeing]]))  # fmt: skip
        # two answers in free words to one question are no conflict, two classes are
        conflicting = np.flatnonzero(differs[group] & (data.label >= 0))
        conflicting = conflicting[np.argsort(first[group[conflicting]], kind="stable")]
        if len(conflicting):
            what = t("{count} rows have the same text as another and a different label", count=len(conflicting))
            fix = t("decide which label is right; no model can learn both")
            yield Finding(WARNING, "conflicting-label", what, fix, data.places(conflicting))


def _random_leak(data: Gathered) -> str:
    """What the repeats would do to a test that is cut at random, as scikit-learn's train_test_split(test_size=0.2,
    random_state=42) does. Nothing is said where a test file is given."""
    if (data.part > 0).any():
        return ""
    order = np.random.RandomState(42).permutation(len(data))
    test = order[: -(-len(data) // 5)]
    known = np.unique(data.text_hash[order[len(test) :]])
    leaked = int(np.isin(data.text_hash[test], known).sum())
    if not leaked:
        return ""
    return t("; in a plain random 80/20 split {leaked} of the {test} test rows would stand in train too",
             leaked=leaked, test=len(test))  # fmt: skip
