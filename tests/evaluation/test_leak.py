"""What rows in training and test at once are worth, by a cheap baseline that learns with and without the copies."""

import random

import pytest

from luthier.evaluation import leak as leaks
from luthier.evaluation.leak import leak_avoided, leak_present
from luthier.tasks.classification import Classification
from luthier.types import Example


def noise(count: int, seed: int, first: int = 0) -> list[Example[str, str]]:
    """Labels that no text explains: what is scored above chance was learnt by heart."""
    draw = random.Random(seed)
    return [
        Example(" ".join(f"w{draw.randrange(10**6)}" for _ in range(12)), draw.choice("ab"), row=first + i)
        for i in range(count)
    ]


def learned(rows: list[Example[str, str]]) -> Classification:
    return Classification().learn(rows)


def copied(rows: list[Example[str, str]], *, change: bool) -> list[Example[str, str]]:
    """The rows again, one word of each exchanged where asked for."""
    return [
        Example(" ".join([*row.input.split()[:-1], f"new{row.row}"]) if change else row.input, row.answer, row=row.row)
        for row in rows
    ]


@pytest.mark.parametrize("change", [False, True])
def test_copies_are_counted_and_what_they_are_worth_is_told(change: bool) -> None:
    train = noise(200, 0)
    test = copied(train[:60], change=change) + noise(60, 1)
    found = leak_present(learned(train), train, test, seed=0)
    assert found is not None and not found.avoided
    assert found.leaked.tolist() == [True] * 60 + [False] * 60
    assert found.value is not None and found.without is not None and found.others is not None
    assert found.value > found.without + 0.15  # half of the rows are known by heart
    assert abs(found.without - 0.5) < 0.15 and abs(found.others - 0.5) < 0.2
    assert f"60 of 120 test rows stand in training too, or nearly so: TF-IDF reaches accuracy {found.value:.3f}" in (
        found.sentence
    )


def test_a_plain_random_split_of_doubled_rows_would_have_leaked() -> None:
    rows = noise(150, 2)
    rows += copied(rows, change=False)
    found = leak_avoided(learned(rows), rows, 0.2, seed=42, near=True)
    assert found is not None and found.avoided
    assert len(found.leaked) == 60 and found.count > 40
    assert "with a plain random split" in found.sentence
    assert found.as_json()["leaked"] == found.count


def test_near_rows_count_only_where_they_are_asked_for() -> None:
    rows = noise(150, 2)
    rows += copied(rows, change=True)
    assert leak_avoided(learned(rows), rows, 0.2, seed=42, near=False) is None
    assert leak_avoided(learned(rows), rows, 0.2, seed=42, near=True) is not None


def test_without_copies_there_is_nothing_to_tell() -> None:
    rows = noise(100, 3)
    assert leak_avoided(learned(rows), rows, 0.2, seed=0, near=True) is None
    assert leak_present(learned(rows), rows, noise(30, 4), seed=0) is None


def test_of_very_many_rows_the_copies_are_counted_and_nothing_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "MOST_SCORED", 100)
    train = noise(200, 0)
    found = leak_present(learned(train), train, copied(train[:60], change=False), seed=0)
    assert found is not None and (found.count, found.value) == (60, None)
    assert found.sentence == "60 of 60 test rows stand in training too, or nearly so"


def test_where_all_training_rows_are_copies_nothing_is_left_to_learn_from() -> None:
    rows = noise(50, 5)
    found = leak_present(learned(rows), rows, copied(rows, change=False), seed=0)
    assert found is not None and found.count == 50 and found.without is None
