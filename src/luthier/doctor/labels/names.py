"""Are two labels one to a person, and which labels are there?"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from luthier.data.findings import WARNING
from luthier.doctor.check import Check
from luthier.doctor.gathered import Gathered
from luthier.errors import shown
from luthier.language import t
from luthier.text.alike import alike_labels, similar_labels
from luthier.types import Finding

_MOST_GROUPS = 3


class AlikeLabels(Check):
    """alike-labels, similar-labels."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        counts = label_counts(data)
        alike = alike_labels(counts)
        if alike:
            what = t("{count} labels look like another and are classes of their own: {groups}",
                     count=sum(len(group) - 1 for group in alike), groups=_told(alike, counts))  # fmt: skip
            yield Finding(WARNING, "alike-labels", what, t("--fix OUT merges each into the commonest of its kind"),
                          _places(data, alike))  # fmt: skip
        similar = similar_labels(counts)
        if similar:
            what = t("{count} labels may be another one spelt differently: {groups}",
                     count=sum(len(group) - 1 for group in similar), groups=_told(similar, counts))  # fmt: skip
            fix = t("give both one name, if they are one")
            yield Finding(WARNING, "similar-labels", what, fix, _places(data, similar))


def label_counts(data: Gathered) -> Counter[str]:
    """Rows of each label, also of those that stand together on a row."""
    counts: Counter[str] = Counter()
    for label, count in zip(data.label_names, data.label_counts.tolist(), strict=True):
        for name in names_of(label):
            counts[name] += count
    return counts


def names_of(label: Hashable) -> tuple[str, ...]:
    """The labels in a row's class: one, or those of the set."""
    if isinstance(label, str):
        return (label,)
    return tuple(sorted(map(str, label))) if isinstance(label, frozenset) else ()


def code_points(label: str, others: Iterable[str]) -> str:
    """Of the characters that tell it from the others of its group: those that are not plain, else the first that
    differs. "" where the label is plain and one of the others is not."""
    odd = [c for i, c in enumerate(label) if not "!" <= c <= "~" and not _is_plain(label, i)]
    if odd:
        return " ".join(f"U+{ord(c):04X}" for c in dict.fromkeys(odd[:4]))
    for other in others:
        for mine, theirs in zip(label, other, strict=False):
            if mine != theirs:
                return f"U+{ord(mine):04X}"
    return ""


def _is_plain(label: str, i: int) -> bool:
    """A space within, or a letter of the script in which the label is written."""
    if label[i] == " ":
        return 0 < i < len(label) - 1 and label[i - 1] != " "
    has_ascii = any(c.isascii() and c.isalpha() for c in label)
    return label[i].isalpha() and not has_ascii and unicodedata.normalize("NFKC", label[i]) == label[i]


def _told(groups: Sequence[Sequence[str]], counts: Counter[str]) -> str:
    told = ["; ".join(_one(label, group, counts) for label in group[:4]) for group in groups[:_MOST_GROUPS]]
    return " · ".join(told) + (" …" if len(groups) > _MOST_GROUPS else "")


def _one(label: str, group: Sequence[str], counts: Counter[str]) -> str:
    points = code_points(label, [other for other in group if other != label])
    return t("{label} ({points}) {count:,} rows", label=shown(label, 30), points=points or "…", count=counts[label])


def _places(data: Gathered, groups: Sequence[Sequence[str]]) -> Any:
    """Rows of every label but the commonest of its group."""
    lesser = {label for group in groups for label in group[1:]}
    classes = [i for i, label in enumerate(data.label_names) if lesser & set(names_of(label))]
    return data.places(np.flatnonzero(np.isin(data.label, classes)), "label")
