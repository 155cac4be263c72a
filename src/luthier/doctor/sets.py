"""The questions of classes.py where a row has any number of classes: several labels, or the types of its entities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from luthier.data.findings import ERROR, WARNING
from luthier.doctor.check import Check
from luthier.doctor.gathered import Gathered
from luthier.errors import Place, shown
from luthier.language import t
from luthier.types import Finding

_IMBALANCE = 10
_LEAST_ROWS = 3
"""Of a class, for each of training, validation and test to have one."""


class SetClasses(Check):
    """one-class, label-is-id, rare-class, imbalance, unseen-label."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        if not data.has_sets:
            return
        sets: list[frozenset[str]] = [name for name in data.label_names if isinstance(name, frozenset)]
        names = sorted({name for one in sets for name in one})
        holds_SC = np.array([[name in one for name in names] for one in sets], bool).reshape(len(sets), len(names))
        counts_C = data.label_counts @ holds_SC
        entities = data.format.answers_are_places
        if not names or (len(sets) == 1 and not entities):
            label = ", ".join(sorted(sets[0]))
            what = t("no row has a label") if not names else t("every row has the labels {labels}", labels=shown(label))
            fix = t("give rows that differ in them, or name another label column")
            what += ": " + t("there is nothing to learn")
            yield Finding(ERROR, "one-class", what, fix, (Place(data.files[0]),))
        elif len(names) > len(data) / 2 and len(data) > 10:
            what = t("{count} different labels in {rows} rows: this looks like an id or the text",
                     count=len(names), rows=len(data))  # fmt: skip
            yield Finding(ERROR, "label-is-id", what, t("name another label column"), (Place(data.files[0]),))
        else:
            yield from _rare(data, names, holds_SC, counts_C)
            if counts_C.max() >= _IMBALANCE * counts_C.min() and not entities:
                most, least = int(counts_C.argmax()), int(counts_C.argmin())
                what = t("{most} stands on {many} rows, {least} on {few}", most=shown(names[most]),
                         many=counts_C[most], least=shown(names[least]), few=counts_C[least])  # fmt: skip
                fix = t("look at macro-F1 beside micro-F1, which the common labels decide")
                yield Finding(WARNING, "imbalance", what, fix)
        yield from _unseen(data, names, holds_SC)


def _rare(data: Gathered, names: Sequence[str], holds_SC: np.ndarray, counts_C: np.ndarray) -> Iterator[Finding]:
    needed = _LEAST_ROWS if len(data.given_parts) == 1 else 2
    rare = np.flatnonzero(counts_C < needed)
    if len(rare):
        listed = ", ".join(f"{shown(names[c])} {counts_C[c]}" for c in rare[:5]) + (" …" if len(rare) > 5 else "")
        what = t("{count} labels have fewer than {needed} rows ({names}); they cannot be both learnt and tested",
                 count=len(rare), needed=needed, names=listed)  # fmt: skip
        holding_S = np.any(holds_SC[:, rare], axis=1)
        rows = np.flatnonzero(np.take(holding_S, data.label))
        fix = t("add rows of them, or merge them with others")
        yield Finding(WARNING, "rare-class", what, fix, data.places(rows, "label"))


def _unseen(data: Gathered, names: Sequence[str], holds_SC: np.ndarray) -> Iterator[Finding]:
    trained = holds_SC[np.unique(data.label[data.part == 0])].any(0)
    unseen = ~trained & holds_SC[np.unique(data.label[data.part > 0])].any(0)
    if trained.any() and unseen.any():
        holding_S = np.any(holds_SC[:, unseen], axis=1)
        rows = np.flatnonzero((data.part > 0) & np.take(holding_S, data.label))
        listed = ", ".join(shown(names[c]) for c in np.flatnonzero(unseen)[:5])
        what = t("{count} rows to validate or test on have a label that no training row has ({names})",
                 count=len(rows), names=listed)  # fmt: skip
        fix = t("add rows of that label to the training data, or mend it")
        yield Finding(ERROR, "unseen-label", what, fix, data.places(rows, "label"))
