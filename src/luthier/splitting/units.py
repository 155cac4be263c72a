"""Which rows must stay together? Equal ones, near ones, those of one group, and what hangs together through them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.errors import printable
from luthier.language import t
from luthier.types import Example

MOST_IN_ONE = 0.5
"""Share of all rows. Near-duplicates that hang together to more than this are a template rather than copies, and
keeping them together would leave nothing to split."""
_MOST_NAMES = 5


@dataclass(frozen=True)
class Strata:
    """names: the classes [C]. of_row: of each row the numbers of its classes: one, several of a multi-label row, or
    none."""

    names: Sequence[Hashable]
    of_row: Sequence[tuple[int, ...]]

    @classmethod
    def of(cls, strata: Sequence[Hashable]) -> Strata:
        """strata: what Format.stratum says of each row."""
        number: dict[Hashable, int] = {}
        rows: list[tuple[int, ...]] = []
        for stratum in strata:
            several = stratum if isinstance(stratum, frozenset) else () if stratum is None else (stratum,)
            rows.append(tuple(sorted(number.setdefault(name, len(number)) for name in sorted(several, key=str))))
        return cls(list(number), rows)

    def counts(self) -> np.ndarray:
        """int64 [C], rows of each class."""
        flat = [c for classes in self.of_row for c in classes]
        return np.bincount(np.array(flat, np.int64), minlength=len(self.names))

    def listed(self, classes: Sequence[int]) -> str:
        """Their names as they may stand in a sentence."""
        names = ", ".join(printable(str(self.names[c])) for c in classes[:_MOST_NAMES])
        return names + (" …" if len(classes) > _MOST_NAMES else "")


@dataclass(frozen=True)
class Units:
    """rows: of each unit the numbers of its rows, the units in the order of their first rows; with groups, of their
    names. counts: of each unit how many of its rows have which class. notes: what was asked for and not kept together.
    """

    rows: Sequence[Sequence[int]]
    counts: Sequence[dict[int, int]]
    strata: Strata
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def are_rows(self) -> bool:
        """Whether every row stands alone and has one class, or none has any, so that the textbook's split fits."""
        return len(self.rows) == len(self.strata.of_row) and {len(c) for c in self.strata.of_row} in ({1}, {0})

    @property
    def sizes(self) -> np.ndarray:
        """int64 [U], rows of each."""
        return np.array([len(rows) for rows in self.rows], np.int64)

    def lonely(self) -> list[int]:
        """Classes all of whose rows lie in one unit: they cannot be both learnt and tested."""
        return [c for c, count in enumerate(_units_of_class(self.counts, len(self.strata.names))) if count == 1]


def bind(
    examples: Sequence[Example[Any, Any]], strata: Strata, near_P2: np.ndarray | None, *, by_group: bool, least: int,
    equal: bool = True,
) -> Units:  # fmt: skip
    """Equal inputs, near-duplicates (int64 [P, 2], pairs of row numbers; None for none) and, with by_group, equal
    groups stay together. equal: False lets equal inputs of different groups part.

    Near-duplicates are let go where all rows of a class would hang together through them, where they would bind more
    than half of the rows, or where fewer than `least` units would be left; equal rows and groups never are.
    """
    kinds = [same(examples, lambda e: e.group)] if by_group else []
    kinds += [same(examples, lambda e: e.input)] if equal else []
    certain_N = _connected(np.concatenate(kinds), len(examples))
    number_N, notes = certain_N, []
    if near_P2 is not None and len(near_P2):
        number_N, notes = _with_near(certain_N, near_P2, strata, least)
    if by_group:
        number_N = _renumbered(number_N, [example.group for example in examples])
    return _units(number_N, strata, tuple(notes))


def _with_near(certain_N: np.ndarray, near_P2: np.ndarray, strata: Strata, least: int) -> tuple[np.ndarray, list[str]]:
    count = len(certain_N)
    merged_N = _connected(np.concatenate([_chain(certain_N), near_P2]), count)
    loose, notes = _too_much(certain_N, merged_N, strata)
    if loose:
        kept_P2 = near_P2[~np.isin(merged_N[near_P2[:, 0]], list(loose))]
        merged_N = _connected(np.concatenate([_chain(certain_N), kept_P2]), count)
    if len(np.unique(merged_N)) < least <= len(np.unique(certain_N)):
        return certain_N, [t("near-duplicates are not kept together: too few separate rows would be left to split")]
    return merged_N, notes


def _renumbered(number_N: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """Units counted by the names of their groups: a split by group then does not depend on the order of the rows."""
    least: dict[int, str] = {}
    for unit, group in zip(number_N.tolist(), groups, strict=True):
        least[unit] = min(least.get(unit, group), group)
    place = {unit: i for i, unit in enumerate(sorted(least, key=lambda unit: least[unit]))}
    return np.array([place[unit] for unit in number_N.tolist()], np.int64)


def _too_much(certain_N: np.ndarray, merged_N: np.ndarray, strata: Strata) -> tuple[set[int], list[str]]:
    """The clusters of near-duplicates that must be let go, and why."""
    loose: set[int] = set()
    notes: list[str] = []
    sizes = np.bincount(merged_N)
    largest = int(sizes.argmax())
    binds = len(np.unique(certain_N[merged_N == largest])) > 1
    if binds and sizes[largest] > MOST_IN_ONE * len(merged_N):
        loose.add(largest)
        notes.append(t("{count} rows hang together as near-duplicates, more than half of all: of them only equal "
                       "rows are kept together", count=int(sizes[largest])))  # fmt: skip
    emptied: list[int] = []
    for c, (certain, merged) in enumerate(_homes(certain_N, merged_N, strata)):
        if len(certain) > 1 and len(merged) == 1 and not merged <= loose:
            emptied.append(c)
            loose |= merged
    if emptied:
        names = strata.listed(emptied)
        notes.append(t("all rows of {classes} are near-duplicates of each other: of these only equal rows are kept "
                       "together, so that both training and test have some", classes=names))  # fmt: skip
    return loose, notes


def _homes(certain_N: np.ndarray, merged_N: np.ndarray, strata: Strata) -> list[tuple[set[int], set[int]]]:
    """Of each class the units that hold its rows, without and with near-duplicates."""
    homes: list[tuple[set[int], set[int]]] = [(set(), set()) for _ in strata.names]
    for row, classes in enumerate(strata.of_row):
        for c in classes:
            homes[c][0].add(int(certain_N[row]))
            homes[c][1].add(int(merged_N[row]))
    return homes


def same(examples: Sequence[Example[Any, Any]], key: Callable[[Example[Any, Any]], Hashable]) -> np.ndarray:
    """int64 [L, 2], links that hold together what has an equal key: each row to the first. None is no key."""
    first: dict[Hashable, int] = {}
    keys = [(i, key(e)) for i, e in enumerate(examples)]
    links = [(j, i) for i, found in keys if found is not None and (j := first.setdefault(found, i)) != i]
    return np.array(links, np.int64).reshape(-1, 2)


def _chain(number_N: np.ndarray) -> np.ndarray:
    """Links that hold each unit together: every row to its unit's first."""
    first, inverse = np.unique(number_N, return_index=True, return_inverse=True)[1:]
    rows = np.arange(len(number_N))
    linked = first[inverse] != rows
    return np.stack([first[inverse][linked], rows[linked]], 1)


def _connected(links_P2: np.ndarray, count: int) -> np.ndarray:
    """int64 [count], the number of each row's unit, counted by first rows."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(links_P2), np.int8)
    component = connected_components(coo_array((ones, (links_P2[:, 0], links_P2[:, 1])), (count, count)), False)[1]
    first, inverse = np.unique(component, return_index=True, return_inverse=True)[1:]
    return np.argsort(np.argsort(first))[inverse]


def _units(number_N: np.ndarray, strata: Strata, notes: tuple[str, ...] = ()) -> Units:
    rows: list[list[int]] = [[] for _ in range(int(number_N.max()) + 1 if len(number_N) else 0)]
    counts: list[dict[int, int]] = [{} for _ in rows]
    for row, unit in enumerate(number_N.tolist()):
        rows[unit].append(row)
        held = counts[unit]
        for c in strata.of_row[row]:
            held[c] = held.get(c, 0) + 1
    return Units(rows, counts, strata, notes)


def _units_of_class(counts: Sequence[dict[int, int]], classes: int) -> list[int]:
    totals = [0] * classes
    for held in counts:
        for c in held:
            totals[c] += 1
    return totals
