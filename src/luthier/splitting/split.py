"""One file's examples to train, validation and test, in any of the ways there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from luthier.data.split import Split
from luthier.errors import DataError
from luthier.formats.format import AnyFormat
from luthier.language import t
from luthier.splitting.folds import fold_of_units, parts_of_fold
from luthier.splitting.refuse import few_times, group_split, named_parts, smaller_shares, too_few, uneven_groups, unseen
from luthier.splitting.shares import Shares, by_shares
from luthier.splitting.times import by_time, seconds
from luthier.splitting.units import Strata, Units, bind, same
from luthier.text.shingling.near import near_duplicates
from luthier.types import PARTS, Example

MOST_NEAR, MOST_CHARACTERS = 200_000, 100_000_000
"""Rows, and characters in them, up to which near-duplicates are looked for unasked: 15 s and 0.5 GB at 24 words a row
on one core, in proportion to the rows."""

Examples = Sequence[Example[Any, Any]]
MadeT = TypeVar("MadeT")


@dataclass(frozen=True)
class Way:
    """by: random, group (equal `group` on one side), time or column (by `mark`). near: whether near-duplicates stay on
    one side. folds: how many, where there are to be folds instead of a share for the test."""

    shares: Shares
    by: str = "random"
    near: bool = True
    folds: int | None = None


@dataclass(frozen=True)
class Folds:
    """The folds of one file. fold: of each unit where it is tested, -1 for never. notes: what should be said."""

    examples: Examples
    units: Units
    fold: list[int]
    shares: Shares
    notes: tuple[str, ...]

    def split(self, number: int) -> Split[Any, Any]:
        """Fold `number`, from 1, as the test."""
        part = parts_of_fold(self.units, self.fold, number, self.shares.validation, self.shares.seed)
        return _dealt(self.examples, _of_rows(self.units, part), self.notes)


def split_examples(examples: Examples, layout: AnyFormat, way: Way) -> Split[Any, Any]:
    """Every example once, each part in the order of the examples.

    By shares, equal inputs and near-duplicates land on the same side, so that no copy leaks from training into the
    test; with groups, so do the examples of one. By time and by column, order and column decide alone.
    Errors: DataError where a part would be empty or nothing like what was asked for.
    """
    return _WAYS[way.by](examples, layout, way)


def fold_examples(examples: Examples, layout: AnyFormat, way: Way) -> Folds:
    """Errors: DataError where a fold would be empty or nothing like its share."""
    return _bound(examples, layout, way, way.folds or 0, _folded)


def _folded(examples: Examples, layout: AnyFormat, way: Way, units: Units) -> Folds:
    folds, by_group = way.folds or 0, way.by == "group"
    fold, notes = fold_of_units(units, folds, way.shares.seed)
    held = Counter(f for f, rows in zip(fold, units.rows, strict=True) for _ in rows if f >= 0)
    if len(held) < folds:
        raise (group_split if by_group else too_few)(examples, layout, len(units), folds)
    if by_group:
        for f, size in held.items():
            title = t("fold {number}", number=f + 1)
            uneven_groups(examples, title, size, len(examples) / folds, f"data.split.folds={max(2, folds // 2)}")
    return Folds(examples, units, fold, way.shares, (*notes, *_kept_together(units)))


def _shared(examples: Examples, layout: AnyFormat, way: Way) -> Split[Any, Any]:
    return _bound(examples, layout, way, way.shares.least, _by_shares)


def _by_shares(examples: Examples, layout: AnyFormat, way: Way, units: Units) -> Split[Any, Any]:
    shares, by_group = way.shares, way.by == "group"
    part, notes = by_shares(units, shares)
    rows = _of_rows(units, part)
    sizes = np.bincount(rows, minlength=len(PARTS)).tolist()
    if len(units) < shares.least or any(shares.of(p) > 0 and not sizes[p] for p in range(len(PARTS))):
        raise (group_split if by_group else too_few)(examples, layout, len(units), shares.least)
    if by_group:
        for p, name in enumerate(PARTS):
            if shares.of(p) > 0:
                instead = smaller_shares(shares.test, shares.validation, units.sizes.max() / len(examples))
                uneven_groups(examples, t(name), sizes[p], shares.of(p) * len(examples), instead)
    return _dealt(examples, rows, (*notes, *_kept_together(units), *_off(sizes, shares, len(examples))))


def _bound(
    examples: Examples, layout: AnyFormat, way: Way, least: int,
    make: Callable[[Examples, AnyFormat, Way, Units], MadeT],
) -> MadeT:  # fmt: skip
    """What `make` makes of the units that must stay together. The user's groups come first: where near-duplicates, or
    even equal texts, chain so many of them together that nothing can be split, these are let go, and it is said."""
    strata = Strata.of([layout.stratum(example.answer) for example in examples])
    shared = same(examples, lambda e: layout.shared(e.input))
    near = np.concatenate([shared, _near(examples, layout, strata)]) if way.near else shared
    by_group = way.by == "group"
    tries: list[tuple[np.ndarray | None, bool, list[str]]] = [(near, True, [])]
    if not way.near and len(examples) > MOST_NEAR:
        tries[0][2].append(t("only equal rows are kept on one side: near-duplicates of so many rows are looked for "
                             "with data.split.near_duplicates=true"))  # fmt: skip
    if by_group:
        tries.append((None, True, [t("near-duplicates of different groups may stand on both sides: to keep them "
                                     "together, too, would leave too few groups to split")]))  # fmt: skip
        tries.append((None, False, [t("equal texts of different groups may stand on both sides: to keep them "
                                      "together, too, would leave too few groups to split")]))  # fmt: skip
    refused: DataError | None = None
    for pairs, equal, notes in tries:
        units = bind(examples, strata, pairs, by_group=by_group, least=least, equal=equal)
        try:
            return make(examples, layout, way, replace(units, notes=(*notes, *units.notes)))
        except DataError as error:
            refused = error
    assert refused is not None
    raise refused


def _timed(examples: Examples, layout: AnyFormat, way: Way) -> Split[Any, Any]:
    shares = way.shares
    moments = seconds([example.mark for example in examples], [example.place for example in examples])
    rows = by_time(moments, shares.test, shares.validation)
    sizes = np.bincount(rows, minlength=len(PARTS)).tolist()
    if any(shares.of(p) > 0 and not sizes[p] for p in range(len(PARTS))):
        raise few_times(examples, [example.mark.written for example in examples], shares.least)
    notes = _off(sizes, shares, len(examples), t("rows of one time stay together"))
    order = sorted(range(len(rows)), key=lambda i: moments[i])
    for p, name in enumerate(PARTS):
        own = [i for i in order if rows[i] == p]
        if own:
            ends = [examples[i].mark.written for i in (own[0], own[-1])]
            notes.append(t("{part}: {first} to {last}", part=t(name), first=ends[0], last=ends[1]))
    split = _dealt(examples, rows, tuple(notes))
    strange = unseen(split, layout)
    if strange is not None:
        split = _dealt(examples, rows, (*notes, strange.problems[0].what))
    return split


def _columned(examples: Examples, layout: AnyFormat, way: Way) -> Split[Any, Any]:
    rows = [PARTS.index(example.mark) for example in examples]
    split = _dealt(examples, rows, ())
    if not split.train or not (split.test or split.validation):
        raise named_parts(examples, rows)
    strange = unseen(split, layout)
    if strange is not None:
        raise strange
    return split


_WAYS: Mapping[str, Callable[[Examples, AnyFormat, Way], Split[Any, Any]]] = {
    "random": _shared, "group": _shared, "time": _timed, "column": _columned,
}  # fmt: skip


def looks_near(examples: Examples, layout: AnyFormat, asked: bool | None) -> bool:
    """Whether near-duplicates are looked for: as asked, else where the rows are not too many."""
    if asked is not None or not layout.texts_are_all:
        return bool(asked) and layout.texts_are_all
    return len(examples) <= MOST_NEAR and sum(len(layout.plain_text(e.input)) for e in examples) <= MOST_CHARACTERS


def _near(examples: Examples, layout: AnyFormat, strata: Strata) -> np.ndarray:
    """Pairs of near-duplicates that share a class, or have none. Where classes differ, the word that differs is what
    is to be learnt: such a row in training gives nothing away, and chains of them would bind whole classes together."""
    pairs_P2 = near_duplicates([layout.plain_text(example.input) for example in examples])
    classes = [set(own) for own in strata.of_row]
    agree = [not classes[i] or not classes[j] or bool(classes[i] & classes[j]) for i, j in pairs_P2.tolist()]
    return pairs_P2[np.array(agree, bool)]


def _of_rows(units: Units, part: Sequence[int]) -> list[int]:
    rows = [0] * len(units.strata.of_row)
    for p, members in zip(part, units.rows, strict=True):
        for row in members:
            rows[row] = p
    return rows


def _dealt(examples: Examples, rows: Sequence[int], notes: tuple[str, ...]) -> Split[Any, Any]:
    parts: list[list[Example[Any, Any]]] = [[] for _ in PARTS]
    for example, p in zip(examples, rows, strict=True):
        parts[p].append(example)
    return Split(parts[0], parts[1], parts[2], notes)


def _kept_together(units: Units) -> list[str]:
    sizes = units.sizes[units.sizes > 1]
    if not len(sizes):
        return []
    return [t("{rows:,} rows that are alike or belong together stay on one side, in {clusters:,} clusters of up to "
              "{most}", rows=int(sizes.sum()), clusters=len(sizes), most=int(sizes.max()))]  # fmt: skip


def _off(sizes: Sequence[int], shares: Shares, count: int, why: str = "") -> list[str]:
    """Where a part has clearly another share than it was to have."""
    why = why or t("rows that belong together stay together")
    told: list[str] = []
    for p, name in enumerate(PARTS):
        wanted = shares.of(p)
        if wanted > 0 and abs(sizes[p] - wanted * count) > max(0.02 * count, 1):
            told.append(t("{part} has {share:.0%} of the rows instead of {wanted:.0%}: {why}",
                          part=t(name), share=sizes[p] / count, wanted=wanted, why=why))  # fmt: skip
    return told
