"""Which examples train, which choose the checkpoint, which judge the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np

from luthier.errors import DataError, Place
from luthier.language import t
from luthier.types import PARTS, AnswerT, Example, InputT


@dataclass(frozen=True)
class Split(Generic[InputT, AnswerT]):
    """train moves weights, validation chooses among what was trained, test is looked at once, at the end.

    validation or test may be empty. notes: what could not be done as asked, for the report.
    """

    train: Sequence[Example[InputT, AnswerT]]
    validation: Sequence[Example[InputT, AnswerT]]
    test: Sequence[Example[InputT, AnswerT]]
    notes: tuple[str, ...] = ()

    def part(self, name: str) -> Sequence[Example[InputT, AnswerT]]:
        return getattr(self, name)


@dataclass(frozen=True)
class Shares:
    """test, validation: shares of all examples, each at least one example where the share is positive."""

    test: float
    validation: float
    seed: int


Stratum = Callable[[Any], Hashable]
"""From an answer to the class whose share every part should keep, or None where there is no such thing."""


def split_examples(
    examples: Sequence[Example[InputT, AnswerT]], stratum: Stratum, shares: Shares, *, by_group: bool
) -> Split[InputT, AnswerT]:
    """Every example once. Equal inputs always land on the same side, so that a duplicate cannot leak from
    training into the test; with by_group, so do examples of one group.

    Without duplicates and groups the test rows are those of scikit-learn's train_test_split with the same share,
    random_state and stratify. Errors: DataError where a part would be empty.
    """
    units = _units(examples, by_group)
    if len(units) < 2 + (shares.test > 0) + (shares.validation > 0):
        raise _too_few(examples, stratum, shares, by_group, len(units))
    strata = [stratum(examples[unit[0]].answer) for unit in units]
    notes: list[str] = []
    side = _by_group(examples, units, stratum, shares) if by_group else _at_random(strata, shares, notes)
    parts: dict[str, list[Example[InputT, AnswerT]]] = {name: [] for name in PARTS}
    where = {i: side[u] for u, unit in enumerate(units) for i in unit}
    for i, example in enumerate(examples):
        parts[where[i]].append(example)
    wanted = {"train": 1.0, "validation": shares.validation, "test": shares.test}
    if any(share > 0 and not parts[name] for name, share in wanted.items()):
        raise _too_few(examples, stratum, shares, by_group, len(units))
    return Split(parts["train"], parts["validation"], parts["test"], tuple(notes))


def _units(examples: Sequence[Example[Any, Any]], by_group: bool) -> list[list[int]]:
    """Examples that must stay together: connected by an equal input or, with by_group, by an equal group."""
    parent = list(range(len(examples)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[Hashable, int] = {}
    for i, example in enumerate(examples):
        keys: list[Hashable] = [("input", example.input)]
        if by_group:
            keys.append(("group", example.group))
        for key in keys:
            a, b = sorted((root(first.setdefault(key, i)), root(i)))
            parent[b] = a
    members: dict[int, list[int]] = {}
    for i in range(len(examples)):
        members.setdefault(root(i), []).append(i)
    return list(members.values())


def _at_random(strata: Sequence[Hashable], shares: Shares, notes: list[str]) -> list[str]:
    side = ["train"] * len(strata)
    rest = np.arange(len(strata))
    if shares.test > 0:
        rest, test = _cut(rest, strata, shares.test, shares.seed, notes)
        for i in test:
            side[i] = "test"
    if shares.validation > 0:
        count = max(1, round(shares.validation * len(strata)))
        _, validation = _cut(rest, strata, count, shares.seed, notes)
        for i in validation:
            side[i] = "validation"
    return side


def _cut(
    units: np.ndarray, strata: Sequence[Hashable], size: float | int, seed: int, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Stratified where the classes are large enough for it, else plainly at random, with a note."""
    from sklearn.model_selection import train_test_split

    classes = _pooled([strata[i] for i in units])
    try:
        rest, cut = train_test_split(units, test_size=size, random_state=seed, stratify=classes)
    except ValueError:
        note = t("some classes are too small to stratify: the split is plainly at random")
        if note not in notes and len(set(strata)) > 1:
            notes.append(note)
        size = size if isinstance(size, float) else min(size, len(units) - 1)
        rest, cut = train_test_split(units, test_size=size, random_state=seed)
    return np.asarray(rest), np.asarray(cut)


def _pooled(strata: Sequence[Hashable]) -> np.ndarray | None:
    """Class numbers to stratify by. Classes of one member are pooled: alone they cannot be on two sides."""
    counts = Counter(strata)
    kept = {name: i for i, name in enumerate(sorted((name for name in counts if counts[name] > 1), key=str))}
    numbers = np.array([kept.get(name, len(kept)) for name in strata])
    if (numbers == len(kept)).sum() == 1 and kept:
        numbers[numbers == len(kept)] = kept[counts.most_common(1)[0][0]]
    return numbers if len(kept) > 1 else None


def _by_group(
    examples: Sequence[Example[Any, Any]], units: Sequence[Sequence[int]], stratum: Stratum, shares: Shares
) -> list[str]:
    """Whole groups, largest first, each to the part whose class counts it brings nearest to what they should be."""
    classes = {name: c for c, name in enumerate(dict.fromkeys(stratum(e.answer) for e in examples))}
    counts_UC = np.zeros((len(units), len(classes)))
    for u, unit in enumerate(units):
        for i in unit:
            counts_UC[u, classes[stratum(examples[i].answer)]] += 1
    totals_C = counts_UC.sum(0)
    wanted = {"test": shares.test, "validation": shares.validation}
    names = [name for name, share in wanted.items() if share > 0] + ["train"]
    fractions = np.array([wanted.get(name, 1 - shares.test - shares.validation) for name in names])
    target_SC, have_SC = fractions[:, None] * totals_C, np.zeros((len(names), len(classes)))
    shuffled = np.random.default_rng(shares.seed).permutation(len(units))
    side = ["train"] * len(units)
    for u in sorted(shuffled, key=lambda u: -len(units[u])):
        gap_SC = (have_SC - target_SC) / totals_C
        # how much nearer to its target each part comes by taking this unit
        gain_S = ((gap_SC**2) - ((have_SC + counts_UC[u] - target_SC) / totals_C) ** 2).sum(1) / fractions
        s = int(np.argmax(gain_S))
        have_SC[s] += counts_UC[u]
        side[u] = names[s]
    return side


def _too_few(
    examples: Sequence[Example[Any, Any]], stratum: Stratum, shares: Shares, by_group: bool, units: int
) -> DataError:
    place = Place(examples[0].place.file if examples else "data")
    needed = 2 + (shares.test > 0) + (shares.validation > 0)
    if by_group:
        sizes = Counter(example.group for example in examples).most_common(5)
        groups = ", ".join(f"{name} {count}" for name, count in sizes)
        what = t("{units} separate groups cannot fill every part ({groups})", units=units, groups=groups)
        fix = t("choose another group column, or data.split.by=random")
        return DataError.at(place, what, fix, code="group-split")
    counts = Counter(str(stratum(example.answer)) for example in examples).most_common(10)
    classes = ", ".join(f"{name} {count}" for name, count in counts)
    what = t("{units} different rows are too few to split ({classes})", units=units, classes=classes)
    fix = t("at least {needed} are needed, a hundred a class to learn anything; add rows", needed=needed)
    return DataError.at(place, what, fix, code="too-few-rows")
