"""By share: so much of the rows to the test, so much to validation, every class and every unit as evenly as may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier.language import t
from luthier.splitting.allot import allot
from luthier.splitting.units import Units
from luthier.types import PARTS

TRAIN, VALIDATION, TEST = range(3)
"""Indices into PARTS."""


@dataclass(frozen=True)
class Shares:
    """test, validation: shares of all rows, each at least one row where the share is positive."""

    test: float
    validation: float
    seed: int

    @property
    def train(self) -> float:
        return 1.0 - self.test - self.validation

    @property
    def least(self) -> int:
        """Separate units without which some part would be empty, or training hold a single one."""
        return 2 + (self.test > 0) + (self.validation > 0)

    def of(self, part: int) -> float:
        return (self.train, self.validation, self.test)[part]


def by_shares(units: Units, shares: Shares) -> tuple[list[int], list[str]]:
    """The part of each unit, and what should be said about it. A part is empty where it cannot be helped.

    Where every row stands alone and has one class, and no class has a single row, the test rows are those of
    scikit-learn's train_test_split with the same share, random_state and stratify.
    """
    lonely = units.lonely()
    known = set(lonely)
    part = [TRAIN if known & held.keys() else -1 for held in units.counts]
    notes = [*units.notes, *_left_out(units, lonely)]
    if not (units.are_rows and _as_the_textbook(units, part, shares)):
        _evenly(units, part, shares)
    _fill(units, part, shares)
    _teach(units, part)
    notes += _not_tested(units, part, lonely, shares)
    return part, notes


def cut_validation(units: Units, part: list[int], share: float, seed: int) -> None:
    """In place: of the units in training so many to validation that it holds `share` of all rows.

    Classes that training has in one unit stay there.
    """
    free = [u for u, p in enumerate(part) if p == TRAIN]
    last = _last_of_a_class(units, free)
    loose = [u for u in free if u not in last]
    rows = sum(len(units.rows[u]) for u in free)
    wanted = max(1, round(share * sum(len(members) for members in units.rows)))
    if units.are_rows and (cut := _stratified(units, loose, wanted, seed)):
        for u in cut[1]:
            part[u] = VALIDATION
        return
    fraction = min(wanted / rows, 0.99) if rows else 0.0
    inner = {i: TRAIN for i, u in enumerate(free) if u in last}
    said = allot([len(units.rows[u]) for u in free], [units.counts[u] for u in free], [1 - fraction, fraction], seed,
                 inner)  # fmt: skip
    for u, p in zip(free, said, strict=True):
        part[u] = p


def _as_the_textbook(units: Units, part: list[int], shares: Shares) -> bool:
    """False, and nothing is done, where scikit-learn cannot stratify these classes."""
    if shares.test > 0:
        count = int(np.ceil(shares.test * len(units)))
        cut = _stratified(units, [u for u, p in enumerate(part) if p < 0], count, shares.seed)
        if cut is None:
            return False
        for u in cut[1]:
            part[u] = TEST
    part[:] = [TRAIN if p < 0 else p for p in part]
    if shares.validation > 0:
        cut_validation(units, part, shares.validation, shares.seed)
    return True


def _stratified(units: Units, loose: Sequence[int], count: int, seed: int) -> tuple[list[int], list[int]] | None:
    """scikit-learn's own stratified cut of single rows; None where it cannot make one."""
    from sklearn.model_selection import train_test_split

    place = {
        c: i for i, c in enumerate(sorted(range(len(units.strata.names)), key=lambda c: str(units.strata.names[c])))
    }
    classes = [place[c] for u in loose for c in units.counts[u]]  # one a row, numbered as scikit-learn sorts them
    try:
        kept, cut = train_test_split(
            np.array(loose), test_size=count, random_state=seed, stratify=classes if len(set(classes)) > 1 else None
        )
    except ValueError:
        return None
    return list(map(int, kept)), list(map(int, cut))


def _evenly(units: Units, part: list[int], shares: Shares) -> None:
    wanted = [p for p in range(len(PARTS)) if shares.of(p) > 0]
    fixed = {u: wanted.index(p) for u, p in enumerate(part) if p >= 0}
    said = allot(units.sizes.tolist(), units.counts, [shares.of(p) for p in wanted], shares.seed, fixed)
    part[:] = [wanted[s] for s in said]


def _fill(units: Units, part: list[int], shares: Shares) -> None:
    """No part that was asked for stays empty as long as training can spare a unit: the smallest whose classes it has
    elsewhere."""
    for p in (TEST, VALIDATION):
        if shares.of(p) > 0 and p not in part:
            free = [u for u, where in enumerate(part) if where == TRAIN]
            last = _last_of_a_class(units, free)
            spare = [u for u in free if u not in last]
            if spare and len(free) > 1:
                part[min(spare, key=lambda u: len(units.rows[u]))] = p


def _teach(units: Units, part: list[int]) -> None:
    """No class is tested that was not learnt: training gets the smallest unit of one that it lacks, from validation
    rather than from the test."""
    homes: dict[int, list[int]] = {}
    for u, held in enumerate(units.counts):
        for c in held:
            homes.setdefault(c, []).append(u)
    for where in homes.values():
        if all(part[u] != TRAIN for u in where):
            part[min(where, key=lambda u: (part[u], len(units.rows[u])))] = TRAIN


def _last_of_a_class(units: Units, free: Sequence[int]) -> set[int]:
    """Units that hold all that is left of some class."""
    homes: dict[int, list[int]] = {}
    for u in free:
        for c in units.counts[u]:
            homes.setdefault(c, []).append(u)
    return {where[0] for where in homes.values() if len(where) == 1}


def _left_out(units: Units, lonely: Sequence[int]) -> list[str]:
    if not lonely or len(units.strata.names) < 2:
        return []
    return [t("{count} classes stand on one row only, or on rows that stay together ({classes}): they are left out of "
              "stratifying and stay in training", count=len(lonely), classes=units.strata.listed(lonely))]  # fmt: skip


def _not_tested(units: Units, part: Sequence[int], lonely: Sequence[int], shares: Shares) -> list[str]:
    if not shares.test:
        return []
    tested = {c for u, held in enumerate(units.counts) if part[u] == TEST for c in held}
    missing = [c for c in range(len(units.strata.names)) if c not in tested and c not in set(lonely)]
    if not missing:
        return []
    return [t("{count} classes are too small to have a test row ({classes})", count=len(missing),
              classes=units.strata.listed(missing))]  # fmt: skip
