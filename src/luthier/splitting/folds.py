"""k folds: every row is tested once, by a model that did not learn from it."""

from __future__ import annotations

from luthier.language import t
from luthier.splitting.allot import allot
from luthier.splitting.shares import TEST, TRAIN, cut_validation
from luthier.splitting.units import Units


def fold_of_units(units: Units, folds: int, seed: int) -> tuple[list[int], list[str]]:
    """The fold, 0 to folds - 1, in which each unit is tested, and what should be said. -1 for the units of classes
    that stand in one unit only: these train in every fold, so that all folds know the same classes."""
    lonely = units.lonely()
    known = set(lonely) if len(units.strata.names) > 1 else set()
    loose = [u for u, held in enumerate(units.counts) if not known & held.keys()]
    said = allot(
        [len(units.rows[u]) for u in loose], [units.counts[u] for u in loose], [1 / folds] * folds, seed
    )  # fmt: skip
    fold = [-1] * len(units)
    for u, f in zip(loose, said, strict=True):
        fold[u] = f
    _spread(units, fold, folds)
    notes = list(units.notes)
    if known:
        notes.append(t("{count} classes stand on one row only, or on rows that stay together ({classes}): they train "
                       "in every fold and are never tested", count=len(known),
                       classes=units.strata.listed(lonely)))  # fmt: skip
    homes = [0] * len(units.strata.names)
    for held in units.counts:
        for c in held:
            homes[c] += 1
    few = [c for c, count in enumerate(homes) if 1 < count < folds]
    if few:
        notes.append(t("{count} classes have fewer separate rows than there are folds ({classes}): some folds do not "
                       "test them", count=len(few), classes=units.strata.listed(few)))  # fmt: skip
    return fold, notes


def _spread(units: Units, fold: list[int], folds: int) -> None:
    """In place. A class of several units must not be tested in one fold alone, where nobody could learn it: one of its
    units goes to the smallest other fold or, where that tears another class, to the training of all."""
    homes: dict[int, list[int]] = {}
    for u, held in enumerate(units.counts):
        for c in held:
            homes.setdefault(c, []).append(u)
    for last in (False, True):
        rows = [sum(len(units.rows[u]) for u, f in enumerate(fold) if f == k) for k in range(folds)]
        for where in homes.values():
            if len(where) > 1 and len({fold[u] for u in where}) == 1 and fold[where[0]] >= 0:
                u = min(where, key=lambda u: len(units.rows[u]))
                others = [k for k in range(folds) if k != fold[u]]
                fold[u] = -1 if last else min(others, key=lambda k: rows[k])


def parts_of_fold(units: Units, fold: list[int], number: int, validation: float, seed: int) -> list[int]:
    """The part of each unit when fold `number`, from 1, is the test; of the rest `validation`, a share of all rows,
    chooses the checkpoint."""
    part = [TEST if f == number - 1 else TRAIN for f in fold]
    if validation > 0:
        cut_validation(units, part, validation, seed)
    return part
