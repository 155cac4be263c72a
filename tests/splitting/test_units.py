"""What is alike stays together, as long as that leaves something to split."""

from typing import Any

import pytest

from luthier.data.split import Split
from luthier.errors import DataError
from luthier.formats.questions import Question, QuestionRows
from luthier.splitting.shares import Shares
from luthier.splitting.split import Way, split_examples
from luthier.types import PARTS, Example
from splitting.helpers import DEFAULT, part_of, sizes, split

SUBJECTS = ["parcel", "invoice", "refund", "courier", "voucher", "password", "delivery", "account", "printer", "garden"]


def text(i: int) -> str:
    """Different from every other by all its words."""
    return f"{SUBJECTS[i % 10]}{i} word{i} thing{i} place{i} time{i} name{i}"


def plain(count: int, label: str, first: int = 0) -> list[Example[str, str]]:
    return [Example(text(i), label, row=i) for i in range(first, first + count)]


def near(count: int, label: str, first: int, core: str) -> list[Example[str, str]]:
    """Each differs from the one before, the first from the core, in one word."""
    words, rows = core.split(), []
    for i in range(count):
        words[i % len(words)] = f"x{first + i}"
        rows.append(Example(" ".join(words), label, row=first + i))
    return rows


def test_near_duplicates_stay_on_one_side() -> None:
    rows = plain(80, "a") + near(6, "a", 80, text(3)) + plain(14, "b", 100)
    parts = part_of(split(rows))
    assert len({parts[i] for i in (3, *range(80, 86))}) == 1


def test_near_rows_of_another_class_may_part_for_there_the_word_makes_the_difference() -> None:
    rows = plain(40, "a") + near(40, "b", 40, text(3))
    rows = [Example(row.input, "ab"[row.row % 2], row=row.row) for row in rows]
    assert {part_of(split(rows))[i] for i in range(40, 80)} == {"train", "validation", "test"}


def test_they_may_part_when_the_user_says_so() -> None:
    rows = plain(60, "a") + near(40, "b", 60, text(3))
    assert len({part_of(split(rows, near=False))[i] for i in range(60, 100)}) > 1


def test_a_class_of_near_duplicates_alone_is_learnt_and_tested_and_it_is_said() -> None:
    rows = plain(60, "a") + near(20, "template", 60, text(999))
    parts = split(rows)
    assert all(any(example.answer == "template" for example in parts.part(name)) for name in ("train", "test"))
    assert any("all rows of template are near-duplicates of each other" in note for note in parts.notes)


def test_the_other_clusters_still_hold_when_one_had_to_be_let_go() -> None:
    rows = plain(60, "a") + near(20, "template", 60, text(999)) + near(5, "a", 80, text(7))
    parts = part_of(split(rows))
    assert len({parts[i] for i in (7, *range(80, 85))}) == 1


def test_a_template_that_binds_most_of_the_data_is_let_go_and_it_is_said() -> None:
    rows = plain(20, "a") + near(40, "a", 20, text(999)) + plain(19, "b", 100)
    parts = split(rows)
    assert sizes(parts) == [55, 8, 16]
    assert any("more than half of all" in note for note in parts.notes)


def test_equal_rows_of_a_class_are_never_parted_even_if_that_empties_it() -> None:
    rows = plain(60, "a") + [Example("the same", "b", row=60 + i) for i in range(10)]
    parts = split(rows)
    assert {part_of(parts)[60 + i] for i in range(10)} == {"train"}
    assert any("(b): they are left out of stratifying" in note for note in parts.notes)


def test_a_class_of_one_row_trains_and_it_is_said() -> None:
    for seed in range(10):
        parts = split(
            [*plain(80, "a"), *plain(80, "b", 100), Example("alone", "rare", row=999)], Shares(0.2, 0.1, seed)
        )
        assert part_of(parts)[999] == "train"
        assert sizes(parts) == [112, 16, 33]  # of 161, as the textbook rounds
        assert any("1 classes stand on one row only" in note and "(rare)" in note for note in parts.notes)


def test_a_class_of_two_rows_is_always_learnt() -> None:
    for seed in range(20):
        rows = [*plain(60, "a"), *plain(60, "b", 100), *plain(2, "rare", 900)]
        assert "train" in {part_of(split(rows, Shares(0.2, 0.1, seed)))[i] for i in (900, 901)}


def test_groups_that_equal_texts_chain_together_are_split_all_the_same_and_it_is_said() -> None:
    rows = [Example(text(i) if i % 4 else "ok thanks", "ab"[i % 2], group=f"g{i // 4}", row=i) for i in range(200)]
    parts = split(rows, by="group")
    assert any("equal texts of different groups may stand on both sides" in note for note in parts.notes)
    assert len({(example.group, name) for name in PARTS for example in parts.part(name)}) == 50


def test_one_group_of_nearly_all_rows_is_refused_with_what_would_come_of_it() -> None:
    rows = [Example(text(i), "ab"[i % 2], group="big" if i < 190 else f"g{i}", row=i) for i in range(200)]
    with pytest.raises(DataError, match=r"rows instead of \d+ \(11 groups: big 190") as caught:
        split(rows, by="group")
    (problem,) = caught.value.problems
    assert problem.code == "group-split" and "data.split.test=0.033 data.split.validation=0.017" in problem.fix
    assert sizes(split(rows, Shares(0.033, 0.017, 42), by="group")) == [190, 3, 7]


def test_groups_of_one_class_each_are_refused() -> None:
    rows = [Example(text(i), f"c{i % 6}", group=f"g{i % 6}", row=i) for i in range(60)]
    with pytest.raises(DataError, match="rows of one class all lie in one group"):
        split(rows, by="group")


def test_questions_about_one_text_stay_on_one_side_unless_there_is_only_one_text() -> None:
    def asked(texts: int) -> Split[Any, Any]:
        rows = [Example(Question(text(i), f"context {i % texts}"), (), row=i) for i in range(60)]
        return split_examples(rows, QuestionRows(), Way(DEFAULT, "random", False))

    parts = part_of(asked(20))
    assert all(len({parts[i] for i in range(first, 60, 20)}) == 1 for first in range(20))
    assert sizes(asked(1)) == sizes(asked(60))
