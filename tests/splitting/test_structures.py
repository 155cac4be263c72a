"""What holds for any data: random classes, groups, equal and near rows, drawn anew for every number."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from luthier.data.split import Split
from luthier.errors import DataError
from luthier.splitting.shares import Shares
from luthier.splitting.split import Way, fold_examples
from luthier.text.shingling.near import near_duplicates
from luthier.types import PARTS, Example
from splitting.helpers import DEFAULT, LAYOUT, part_of, sizes, split

pytestmark = pytest.mark.slow

MANY = pytest.mark.parametrize("number", range(8))


def draw(number: int, *, several: bool = False, even: bool = False) -> list[Example[Any, Any]]:
    """60 to 160 rows of up to 8 unequal classes in groups of unequal size (of about 4 rows each where even), a fifth of
    them equal or near to another one of their group."""
    rng = np.random.default_rng(number)
    count, classes = int(rng.integers(60, 160)), int(rng.integers(2, 9))
    shares = rng.dirichlet(np.ones(classes) * rng.choice([0.5, 5]))
    groups = rng.integers(0, count // 4, count) if even else rng.zipf(1.4, count) % 40
    texts = [" ".join(f"w{word}" for word in rng.integers(0, 5000, rng.integers(6, 14))) for _ in range(count)]
    for i in range(0, count, 5):
        words = texts[int(rng.choice(np.flatnonzero(groups == groups[i])))].split()
        if rng.random() < 0.5:
            words[int(rng.integers(len(words)))] = f"new{i}"
        texts[i] = " ".join(words)
    few = [1 + several * int(rng.integers(min(classes, 3))) for _ in range(count)]
    chosen = [rng.choice(classes, k, replace=False, p=None if several else shares) for k in few]
    answers = [frozenset(f"c{c}" for c in own) if several else f"c{own[0]}" for own in chosen]
    return [
        Example(text, answer, group=f"g{group}", row=i)
        for i, (text, answer, group) in enumerate(zip(texts, answers, groups, strict=True))
    ]


def split_or_nothing(rows: list[Example[Any, Any]], by: str) -> Split[Any, Any] | None:
    """Some draws have a group that is too large for any split: these must be refused, not split badly."""
    try:
        return split(rows, by=by)
    except DataError as error:
        assert by == "group" and error.problems[0].code == "group-split"
        return None


def alike(rows: list[Example[Any, Any]], notes: tuple[str, ...]) -> list[tuple[int, int]]:
    """Pairs that must not be parted; none where the notes say that they could not all be kept together."""
    if any("may stand on both sides" in note for note in notes):
        return []
    pairs = near_duplicates([row.input for row in rows]).tolist()
    return [(i, j) for i, j in pairs if rows[i].input == rows[j].input or _shared(rows[i].answer, rows[j].answer)]


@MANY
@pytest.mark.parametrize("by", ["random", "group"])
@pytest.mark.parametrize("several", [False, True])
def test_every_row_has_one_part_and_what_is_alike_has_the_same(number: int, by: str, several: bool) -> None:
    rows = draw(number, several=several)
    made = split_or_nothing(rows, by)
    if made is None:
        return
    parts = part_of(made)
    assert set(parts) == set(range(len(rows)))
    assert all(parts[i] == parts[j] for i, j in alike(rows, made.notes))
    if by == "group":
        sides = {(row.group, parts[row.row]) for row in rows}
        assert len(sides) == len({row.group for row in rows})


@MANY
@pytest.mark.parametrize("several", [False, True])
def test_parts_and_classes_keep_their_shares_to_within_a_cluster(number: int, several: bool) -> None:
    rows = draw(number, several=several)
    parts = split(rows)
    pairs = near_duplicates([row.input for row in rows])
    largest = 1 + max(Counter(pairs.ravel().tolist()).values(), default=0)
    for name, share in zip(PARTS, (0.7, 0.1, 0.2), strict=True):
        assert abs(len(parts.part(name)) - share * len(rows)) <= 1 + largest / 2
        for c, count in _classes(rows).items():
            assert abs(_classes(parts.part(name))[c] - share * count) <= largest


@MANY
def test_grouped_classes_stray_less_than_their_largest_group(number: int) -> None:
    rows = draw(number, even=True)
    parts = split(rows, by="group", near=False)
    of_groups = Counter((row.group, row.answer) for row in rows)
    for c, count in _classes(rows).items():
        largest = max(n for (_, answer), n in of_groups.items() if answer == c)
        for name, share in zip(PARTS, (0.7, 0.1, 0.2), strict=True):
            assert abs(_classes(parts.part(name))[c] - share * count) <= largest + 1


@MANY
@pytest.mark.parametrize("by", ["random", "group"])
def test_no_class_is_tested_that_was_not_learnt(number: int, by: str) -> None:
    rows = draw(number)
    rows += [Example(f"alone {i} in the world of words", f"rare{i // 2}", group=f"r{i}", row=len(rows) + i)
             for i in range(5)]  # fmt: skip
    made = split_or_nothing(rows, by)
    assert made is None or {row.answer for row in made.train} == {row.answer for row in rows}


@MANY
def test_the_seed_decides_and_nothing_else(number: int) -> None:
    rows = draw(number)
    one, again = split(rows), split(rows)
    other = split(rows, Shares(0.2, 0.1, seed=7))
    assert part_of(one) == part_of(again) != part_of(other)


@MANY
@pytest.mark.parametrize("by", ["random", "group"])
def test_folds_test_every_row_once_with_what_is_alike_in_one(number: int, by: str) -> None:
    rows = draw(number, even=True)
    folds = fold_examples(rows, LAYOUT, Way(replace(DEFAULT, test=0.0), by, near=True, folds=5))
    parts = [part_of(folds.split(k)) for k in range(1, 6)]
    tested = {row: [k for k, part in enumerate(parts) if part[row] == "test"] for row in range(len(rows))}
    never = {row.answer for row in rows if not tested[row.row]}
    assert all(len(found) == 1 for row, found in tested.items() if rows[row].answer not in never)
    assert all(tested[i] == tested[j] for i, j in alike(rows, folds.notes))
    for part in parts:
        assert set(part) == set(range(len(rows)))
        assert {row.answer for row in rows if part[row.row] == "train"} == {row.answer for row in rows}
    counts = Counter(found[0] for found in tested.values() if found)
    assert max(counts.values()) - min(counts.values()) <= max(3, len(rows) // 15)


def test_a_split_by_group_does_not_depend_on_the_order_of_the_rows() -> None:
    rows = draw(3, even=True)
    turned = list(reversed(rows))
    assert part_of(split(rows, by="group", near=False)) == part_of(split(turned, by="group", near=False))


def test_multi_label_rows_keep_the_share_of_every_label() -> None:
    rng = np.random.default_rng(0)
    chances = np.array([0.5, 0.2, 0.1, 0.05, 0.02])
    rows = [
        Example(f"text {i}", frozenset(f"l{c}" for c in np.flatnonzero(rng.random(5) < chances)), row=i)
        for i in range(1000)
    ]
    parts = split(rows, near=False)
    assert sizes(parts) == [700, 100, 200]
    for label, count in _classes(rows).items():
        assert abs(_classes(parts.test)[label] - 0.2 * count) <= 1
        assert abs(_classes(parts.validation)[label] - 0.1 * count) <= 1


def _shared(one: Any, other: Any) -> bool:
    return one == other or (isinstance(one, frozenset) and bool(one & other))


def _classes(rows: Any) -> Counter[str]:
    return Counter(c for row in rows for c in (row.answer if isinstance(row.answer, frozenset) else [row.answer]))
