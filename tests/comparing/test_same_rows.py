from pathlib import Path
from typing import Any

import pytest

from luthier.comparing.answers import Answers
from luthier.comparing.same_rows import aligned
from luthier.errors import DataError, Place
from luthier.types import Example


def run(name: str, rows: list[tuple[str, str]], learnt: tuple[str, ...] = ()) -> Answers:
    examples = [Example(text, label, Place(f"{name}.csv", line)) for line, (text, label) in enumerate(rows, 2)]
    nobody: Any = None
    said = [f"{text} of {name}" for text, _ in rows]
    return Answers(Path(name), nobody, "test", examples, said, "", frozenset(learnt))


ROWS = [("a", "x"), ("b", "y"), ("a", "x"), ("c", "x")]


def test_rows_are_the_same_by_what_they_say_whatever_their_order_and_number() -> None:
    first, second = aligned([run("one", ROWS), run("two", [ROWS[3], ROWS[0], ROWS[1], ROWS[2]])])
    assert [example.input for example in second.examples] == ["a", "b", "a", "c"]
    assert second.predictions == ["a of two", "b of two", "a of two", "c of two"]
    assert first.predictions == ["a of one", "b of one", "a of one", "c of one"]


def test_another_answer_is_another_row_and_is_named() -> None:
    with pytest.raises(DataError) as caught:
        aligned([run("one", ROWS), run("two", [*ROWS[:3], ("c", "y")])])
    message = str(caught.value)
    assert "1 of its 4 are not among the 4 there (two.csv:5)" in message
    assert "data.split.from=one" in message and "--data FILE" in message


def test_a_copy_too_few_is_told() -> None:
    with pytest.raises(DataError, match=r"fewer rows than one: 1 of the 4 there are missing \(one.csv:2\)"):
        aligned([run("one", ROWS), run("two", [*ROWS[:2], ROWS[3]])])


def test_rows_that_the_first_has_learnt_from_are_counted() -> None:
    with pytest.raises(DataError, match="one has learnt from 2 of them"):
        aligned([run("one", ROWS, learnt=("d", "e")), run("two", [("d", "x"), ("e", "x"), ("f", "x")])])
