"""Are the labels labels? How many are there, how rare are they, does training see them all?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from luthier.data.columns import quoted
from luthier.data.findings import ERROR, WARNING
from luthier.doctor.check import Check
from luthier.doctor.gathered import Gathered
from luthier.errors import Place, shown
from luthier.language import t
from luthier.types import PARTS, Finding

_IMBALANCE = 10
"""Largest to smallest class: beyond this, accuracy says little about the small ones."""
_DOMINANT = 0.99
_MANY_CLASSES = 1000
_LOOKED_AT = 1000
"""Rows among which there are enough different ones, unless something is wrong: a million need not be sorted."""
_LEAST_ROWS = 3
"""Of a class, for each of training, validation and test to have one."""


class Classes(Check):
    """one-class, label-is-id, many-classes, rare-class, imbalance."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        counts, rows = data.label_counts, len(data)
        if not len(counts) or data.has_sets:
            return
        file = Place(data.files[0])
        if len(counts) == 1:
            what = t("every row has the label {label}: there is nothing to learn", label=shown(data.label_names[0]))
            fix = t("give rows of a second class, or name another label column")
            yield Finding(ERROR, "one-class", what, fix, (file,))
        elif len(counts) == rows > 10 or (len(counts) > rows / 2 and (len(counts) > 1000 or _are_texts(data))):
            yield _no_classes(data, file)
        else:
            if len(counts) > _MANY_CLASSES:
                yield _many(data, file)
            yield from _rare(data)
            yield from _imbalance(data)


class TooFew(Check):
    """too-few-rows: not even one different text for each part that is cut from the training file."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        train = np.flatnonzero(data.part == 0)
        needed = 1 + len(PARTS) - len(data.given_parts[1:])
        units = len(np.unique(data.text_hash[train[:_LOOKED_AT]]))
        units = units if units >= needed else len(np.unique(data.text_hash[train]))
        if units < needed and len(data.given_parts) < len(PARTS):
            sizes = zip(map(shown, data.label_names), data.label_counts, strict=True)
            classes = ", ".join(f"{name} {count}" for name, count in list(sizes)[:10])
            what = t("{units} different rows are too few to split", units=units) + (f" ({classes})" if classes else "")
            fix = t("at least {needed} are needed, a hundred a class to learn anything; add rows", needed=needed)
            yield Finding(ERROR, "too-few-rows", what, fix, data.places(train))


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


def _no_classes(data: Gathered, file: Place) -> Finding:
    """Labels that are nearly all different: ids, or texts that stand in the wrong column."""
    counts, rows = data.label_counts, len(data)
    if not _are_texts(data):
        what = t("{count} different labels in {rows} rows: this looks like an id or the text",
                 count=len(counts), rows=rows)  # fmt: skip
        return Finding(ERROR, "label-is-id", what, t("name another label column"), (file,))
    what = t("the labels are texts: {count} different ones in {rows} rows, such as {label}",
             count=len(counts), rows=rows, label=shown(data.label_names[0]))  # fmt: skip
    text, label = data.columns.get("text"), data.columns.get("label")
    if text and label and len(np.unique(data.text_hash)) * 10 <= rows:
        fix = t("are the columns swapped? data.columns.text={label} data.columns.label={text}",
                text=quoted(text), label=quoted(label))  # fmt: skip
    else:
        fix = t("name another label column; for texts as answers use a task that writes, such as seq2seq")
    return Finding(ERROR, "label-is-id", what, fix, (file,))


def _are_texts(data: Gathered) -> bool:
    """Whether the labels are long, many and as long as the texts: of ten rows on."""
    names = [str(name) for name in data.label_names if not isinstance(name, frozenset)]
    if len(data) < 10 or len(names) < len(data.label_names):
        return False
    length = float(np.average([len(name) for name in names], weights=data.label_counts))
    wordy = float(np.mean([len(name.split()) > 2 or len(name) > 20 for name in names]))
    return len(names) > len(data) / 2 and wordy > 0.5 and length * 2 >= float(data.characters.mean())


def _many(data: Gathered, file: Place) -> Finding:
    counts = data.label_counts
    what = t("{count} classes, {each:.1f} rows each on average, {few} of them with fewer than ten: macro-F1 counts "
             "each of these as much as the largest", count=len(counts), each=counts.mean(),
             few=int((counts < 10).sum()))  # fmt: skip
    fix = t("merge rare classes, or look at accuracy and at the classes with enough rows")
    return Finding(WARNING, "many-classes", what, fix, (file,))


def _rare(data: Gathered) -> Iterator[Finding]:
    needed = _LEAST_ROWS if len(data.given_parts) == 1 else 2
    rare = np.flatnonzero(data.label_counts < needed)
    if len(rare):
        names = ", ".join(f"{shown(data.label_names[c])} {data.label_counts[c]}" for c in rare[:5])
        what = t("{count} labels have fewer than {needed} rows ({names}); they cannot be both learnt and tested",
                 count=len(rare), needed=needed, names=names + (" …" if len(rare) > 5 else ""))  # fmt: skip
        rows = np.flatnonzero(np.isin(data.label, rare))
        fix = t("add rows of them, or merge them with others; until then they are split without keeping their share")
        yield Finding(WARNING, "rare-class", what, fix, data.places(rows, "label"))


def _imbalance(data: Gathered) -> Iterator[Finding]:
    counts = data.label_counts
    most, least = int(counts.argmax()), int(counts.argmin())
    share = float(counts[most] / counts.sum())
    name = shown(data.label_names[most])
    if share >= _DOMINANT:
        what = t("{label} stands on {share:.1%} of the rows: always answering it has an accuracy of {share:.3f}",
                 label=name, share=share)  # fmt: skip
        fix = t("look at macro-F1, or at the recall of the other classes, and give more rows of them; {auto}",
                auto=_compared())  # fmt: skip
        yield Finding(WARNING, "imbalance", what, fix)
    elif counts[most] >= _IMBALANCE * counts[least]:
        what = t("{most} stands on {many} rows, {least} on {few}", most=name, many=counts[most],
                 least=shown(data.label_names[least]), few=counts[least])  # fmt: skip
        fix = t("look at macro-F1 rather than accuracy; {auto}", auto=_compared())
        yield Finding(WARNING, "imbalance", what, fix)


def _compared() -> str:
    """No remedy is right everywhere (docs/decisions/010-remedies-against-imbalance.md): the default finds out."""
    return t("balance=auto, the default, compares the remedies in training and takes what helps most, if any does")
