"""What is wrong with the data, before an hour is spent on it. Each check is a function from examples to findings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

from luthier.data.findings import ERROR, WARNING
from luthier.data.split import PARTS, Split, Stratum
from luthier.errors import DataError, Place, shown
from luthier.language import t
from luthier.types import Example, Finding

Examples = Sequence[Example[Any, Any]]
_JUDGED = PARTS[1:]
_TRUSTED_LEAK = 0.2
"""A larger share of known rows makes a score meaningless."""
_IMBALANCE = 10
"""Largest to smallest class: beyond this, accuracy says little about the small ones."""


def find_faults(examples: Examples, stratum: Stratum) -> list[Finding]:
    """What is wrong with all examples together, wherever they will go."""
    classes = Counter(stratum(example.answer) for example in examples)
    return [
        *_classes(examples, classes, stratum),
        *_same_text(examples),
        *_duplicates(examples),
        *_imbalance(classes),
    ]


def find_split_faults(split: Split[Any, Any], stratum: Stratum, *, given: bool) -> list[Finding]:
    """What is wrong between the parts: inputs on both sides, labels that training never sees.

    given: the parts came as files of the user's; then a label that training never sees is a mistake in them,
    while a split of ours can only have met a class of a single row.
    """
    return [*_leaks(split), *_unseen(split, stratum, ERROR if given else WARNING)]


def _classes(examples: Examples, classes: Counter[Hashable], stratum: Stratum) -> list[Finding]:
    file = examples[0].place.file
    if None in classes:
        return []  # a task without classes
    if len(classes) == 1:
        what = t("every row has the label {label}: there is nothing to learn", label=shown(next(iter(classes))))
        fix = t("give rows of a second class, or name another label column")
        return [Finding(ERROR, "one-class", what, fix, (Place(file),))]
    if len(classes) == len(examples) > 10 or (len(classes) > 1000 and len(classes) > len(examples) / 2):
        what = t("{count} different labels in {rows} rows: this looks like an id or the text",
                 count=len(classes), rows=len(examples))  # fmt: skip
        return [Finding(ERROR, "label-is-id", what, t("name another label column"), (Place(file),))]
    rare = [name for name, count in classes.items() if count == 1]
    if not rare:
        return []
    rows = tuple(example.place for example in examples if classes[stratum(example.answer)] == 1)
    names = ", ".join(shown(name) for name in rare[:5])
    what = t("{count} labels stand on one row only ({names}); they cannot be both learnt and tested",
             count=len(rare), names=names)  # fmt: skip
    return [Finding(WARNING, "rare-class", what, t("add rows of them, or merge them with others"), rows)]


def _same_text(examples: Examples) -> list[Finding]:
    if len({example.input for example in examples}) > 1 or len(examples) == 1:
        return []
    what = t("every row has the same text")
    return [Finding(ERROR, "same-text", what, t("name another text column"), (Place(examples[0].place.file),))]


def _duplicates(examples: Examples) -> list[Finding]:
    groups: dict[Hashable, list[Example[Any, Any]]] = defaultdict(list)
    for example in examples:
        groups[example.input].append(example)
    repeated = [group for group in groups.values() if len(group) > 1]
    agreeing = [group for group in repeated if len({e.answer for e in group}) == 1]
    conflicting = [group for group in repeated if len({e.answer for e in group}) > 1]
    findings: list[Finding] = []
    if agreeing:
        rows = tuple(example.place for group in agreeing for example in group[1:])
        what = t("{count} rows repeat an earlier text and label", count=len(rows))
        fix = t("they stay on one side of the split; remove them if they are copies by mistake")
        findings.append(Finding(WARNING, "exact-duplicate", what, fix, rows))
    if conflicting:
        rows = tuple(example.place for group in conflicting for example in group)
        what = t("{count} rows have the same text as another and a different label", count=len(rows))
        fix = t("decide which label is right; no model can learn both")
        findings.append(Finding(WARNING, "conflicting-label", what, fix, rows))
    return findings


def _imbalance(classes: Counter[Hashable]) -> list[Finding]:
    if None in classes or len(classes) < 2:
        return []
    (most, many), (least, few) = classes.most_common()[0], classes.most_common()[-1]
    if many < _IMBALANCE * few:
        return []
    what = t("{most} stands on {many} rows, {least} on {few}", most=shown(most), many=many, least=shown(least), few=few)
    fix = t("look at macro-F1 rather than accuracy; balance=weighted_loss gives rare classes more weight")
    return [Finding(WARNING, "imbalance", what, fix)]


def without_leaks(split: Split[Any, Any]) -> Split[Any, Any]:
    """Validation and test without the rows whose input stands in the training data too.

    Errors: DataError where nothing is left of one of them.
    """
    kept: dict[str, list[Example[Any, Any]]] = {}
    for name in _JUDGED:
        known, part = _known(split, name), split.part(name)
        kept[name] = [e for e in part if e.input not in known]
        if part and not kept[name]:
            what = t("every {part} row stands in the training data too", part=t(name))
            fix = t("give another file, or let Luthier split: give data.train alone")
            raise DataError.at(part[0].place, what, fix, code="split-leak")
    return replace(split, **kept)


def _known(split: Split[Any, Any], part: str) -> set[Any]:
    """The inputs that were seen before a part judges: the test also by what validation chose."""
    seen = PARTS[: PARTS.index(part)]
    return {example.input for name in seen for example in split.part(name)}


def _leaks(split: Split[Any, Any]) -> list[Finding]:
    findings: list[Finding] = []
    for name in _JUDGED:
        known = _known(split, name)
        rows = tuple(e.place for e in split.part(name) if e.input in known)
        if rows:
            what = t("{count} of {all} {part} rows stand in the training data too",
                     count=len(rows), all=len(split.part(name)), part=t(name))  # fmt: skip
            share = len(rows) / len(split.part(name))
            severity = ERROR if share > _TRUSTED_LEAK else WARNING
            fix = t("remove them from one side, or let Luthier split: give data.train alone")
            findings.append(Finding(severity, "split-leak", what, fix, rows))
    return findings


def _unseen(split: Split[Any, Any], stratum: Stratum, severity: str) -> list[Finding]:
    known = {stratum(example.answer) for example in split.train}
    rows = [e for name in ("validation", "test") for e in split.part(name) if stratum(e.answer) not in known]
    if not rows:
        return []
    names = ", ".join(sorted({shown(stratum(e.answer)) for e in rows})[:5])
    what = t("{count} rows to validate or test on have a label that no training row has ({names})",
             count=len(rows), names=names)  # fmt: skip
    fix = t("add rows of that label to the training data, or mend it")
    return [Finding(severity, "unseen-label", what, fix, tuple(e.place for e in rows))]
