"""Folds tear nothing apart; nested parts keep the classes' shares."""

from collections import Counter
from dataclasses import replace

import numpy as np

from luthier.evaluation.folds import deal, in_turn, nested_order
from luthier.types import Example
from tiny import ticket_rows


def examples(count: int) -> list[Example]:
    return [Example(text, label) for text, label in ticket_rows(count)]


def label(answer: str) -> str:
    return answer


def test_each_fold_has_the_classes_in_their_shares() -> None:
    rows = examples(150)
    folds = deal(rows, label, 5, seed=0)
    whole = Counter(row.answer for row in rows)
    for fold in range(5):
        part = Counter(row.answer for row, where in zip(rows, folds, strict=True) if where == fold)
        assert all(abs(part[name] - count / 5) <= 1 for name, count in whole.items())


def test_equal_inputs_and_groups_stay_in_one_fold() -> None:
    rows = [*examples(100), *examples(40)]
    folds = deal(rows, label, 5, seed=0)
    assert (folds[:40] == folds[100:]).all()
    rows = [replace(row, group=str(i // 7)) for i, row in enumerate(rows)]
    grouped = deal(rows, label, 5, seed=0)
    for group in {row.group for row in rows}:
        assert len({where for row, where in zip(rows, grouped, strict=True) if row.group == group}) == 1


def test_of_fewer_groups_than_folds_no_fold_is_empty() -> None:
    rows = [replace(row, group=str(i % 3)) for i, row in enumerate(examples(60))]
    turns = list(in_turn(deal(rows, label, 5, seed=0)))
    assert [number for number, _, _ in turns] == [0, 1, 2]
    for _, others, own in turns:
        assert len(own) and not set(own) & set(others) and len(own) + len(others) == 60


def test_another_seed_deals_otherwise_and_the_same_one_the_same() -> None:
    rows = examples(100)
    first, again, other = (deal(rows, label, 5, seed=seed) for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


def test_rows_without_a_class_in_each_fold_can_be_dealt() -> None:
    rows = [Example(f"text {i}", f"label {i}") for i in range(20)]
    assert sorted(Counter(deal(rows, label, 5, seed=0)).values()) == [4] * 5


def test_every_beginning_of_the_order_has_each_class_in_its_share() -> None:
    strata = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    order = nested_order(strata, 3)
    assert sorted(order) == list(range(100))
    for size in (10, 20, 50, 70):
        counts = Counter(strata[i] for i in order[:size])
        assert all(abs(counts[name] - share * size) <= 1 for name, share in (("a", 0.6), ("b", 0.3), ("c", 0.1)))
    assert (np.asarray(nested_order(strata, 4)) != order).any()


def test_rows_of_several_classes_are_dealt_alike_in_every_process() -> None:
    from luthier.formats.format import classes_of, stratum_text

    assert stratum_text(frozenset("cab")) == "a|b|c" and stratum_text(None) == "None"
    assert classes_of(frozenset("ba")) == ["a", "b"] and classes_of("x") == ["x"] and classes_of(None) == []
    rows = [Example(f"text {i}", frozenset("ab" if i % 2 else "c")) for i in range(40)]
    fold_N = deal(rows, lambda answer: answer, 4, 0)
    assert np.bincount(fold_N[1::2]).tolist() == np.bincount(fold_N[::2]).tolist() == [5] * 4
