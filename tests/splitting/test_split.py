"""Every example lands on exactly one side; equal texts and groups are never torn apart."""

from collections import Counter

import pytest
from sklearn.model_selection import train_test_split

from luthier.errors import DataError
from luthier.splitting.shares import Shares
from luthier.types import PARTS, Example
from splitting.helpers import sizes, split


def examples(count: int = 100, classes: int = 4) -> list[Example[str, str]]:
    return [Example(f"text {i}", f"class {i % classes}", group=f"g{i % 17}", row=i) for i in range(count)]


def test_every_example_is_on_exactly_one_side() -> None:
    parts = split(examples())
    rows = sorted(example.row for name in PARTS for example in parts.part(name))
    assert rows == list(range(100))
    assert sizes(parts) == [70, 10, 20]


def test_the_classes_keep_their_shares() -> None:
    rows = [Example(f"t{i}", "rare" if i < 20 else "common", row=i) for i in range(200)]
    for name in PARTS:
        part = split(rows).part(name)
        assert sum(e.answer == "rare" for e in part) / len(part) == pytest.approx(0.1, abs=0.01)


def test_the_test_rows_are_those_of_the_textbook() -> None:
    rows = [Example(f"text {i}", "hgbfa"[i * i % 5], row=i) for i in range(100)]  # classes do not come sorted
    parts = split(rows, Shares(test=0.2, validation=0.0, seed=42))
    _, test = train_test_split(
        list(range(100)), test_size=0.2, random_state=42, stratify=[example.answer for example in rows]
    )
    assert sorted(example.row for example in parts.test) == sorted(test)
    assert sizes(parts) == [80, 0, 20]


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    first, again = split(examples()), split(examples())
    other = split(examples(), Shares(0.2, 0.1, seed=7))
    assert first.test == again.test != other.test


def test_equal_texts_stay_on_one_side_whatever_their_label() -> None:
    rows = examples(60) + [Example(f"text {i}", "other", row=100 + i) for i in range(20)]
    parts = split(rows)
    seen = [{example.input for example in parts.part(name)} for name in PARTS]
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])


def test_groups_stay_on_one_side_and_classes_keep_about_their_shares() -> None:
    rows = [Example(f"t{i}", "ab"[i % 3 == 0], group=f"customer {i // 4}", row=i) for i in range(400)]
    parts = split(rows, by="group")
    groups = [{example.group for example in parts.part(name)} for name in PARTS]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert sizes(parts) == [pytest.approx(280, abs=8), pytest.approx(40, abs=8), pytest.approx(80, abs=8)]
    for name in PARTS:
        share = sum(example.answer == "b" for example in parts.part(name)) / len(parts.part(name))
        assert share == pytest.approx(1 / 3, abs=0.05)


def test_equal_texts_of_two_groups_bind_the_groups_together() -> None:
    rows = [Example(f"t{i}", "ab"[i % 2], group=f"g{i % 10}", row=i) for i in range(50)]
    rows += [Example("same", "a", group="g1", row=50), Example("same", "b", group="g2", row=51)]
    parts = split(rows, by="group")
    sides = {example.group: name for name in PARTS for example in parts.part(name)}
    assert sides["g1"] == sides["g2"]


def test_a_class_of_one_row_is_no_obstacle() -> None:
    rows = [*examples(80), Example("alone", "rare", row=99)]
    assert sum(sizes(split(rows))) == 81


def test_more_classes_than_test_rows_are_spread_as_evenly_as_may_be_and_it_is_said() -> None:
    parts = split(examples(20, classes=9))
    assert sizes(parts) == [14, 2, 4]
    assert {e.answer for e in parts.train} == {f"class {i}" for i in range(9)}
    (note,) = parts.notes
    assert "5 classes are too small to have a test row" in note


def test_no_validation_and_no_test_may_be_wished_for() -> None:
    assert sizes(split(examples(), Shares(0.0, 0.1, 42))) == [90, 10, 0]
    assert sizes(split(examples(), Shares(0.0, 0.0, 42))) == [100, 0, 0]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_few_rows_are_refused_with_how_many_each_class_has(count: int) -> None:
    with pytest.raises(DataError) as caught:
        split(examples(count))
    (problem,) = caught.value.problems
    assert problem.code == "too-few-rows"
    assert "class 0 1" in problem.what and "at least 4" in problem.fix


def test_too_few_groups_are_refused_with_their_sizes() -> None:
    rows = [Example(f"t{i}", "ab"[i % 2], group="only", row=i) for i in range(30)]
    with pytest.raises(DataError, match="only 30") as caught:
        split(rows, by="group")
    assert caught.value.problems[0].code == "group-split"


def test_ten_rows_of_two_classes_fill_every_part() -> None:
    assert min(sizes(split(examples(10, classes=2)))) >= 1


def test_parts_have_the_rows_in_the_order_of_the_file() -> None:
    for name in PARTS:
        rows = [example.row for example in split(examples()).part(name)]
        assert rows == sorted(rows)


def test_strata_count_examples_not_texts() -> None:
    rows = [Example(f"t{i // 2}", "ab"[(i // 2) % 2], row=i) for i in range(80)]
    counts = Counter(example.answer for example in split(rows).test)
    assert counts["a"] == counts["b"]
