"""A part of the rows is called different only where it is."""

from typing import Any

import numpy as np
import pytest

from luthier import catalog
from luthier.evaluation.elsewhere.contrast import Contrast, against_rest, holm
from luthier.evaluation.slices import slices
from luthier.types import Example

pytestmark = pytest.mark.slow

TASK = catalog.task("classification")(labels=("a", "b"))


def judged(right: list[bool]) -> tuple[list[Example[Any, Any]], list[np.ndarray]]:
    examples = [Example(f"text {i}", "ab"[i % 2]) for i in range(len(right))]
    said = [np.eye(2, dtype=np.float32)[(i + (not ok)) % 2] * 0.8 + 0.1 for i, ok in enumerate(right)]
    return examples, said


def held(right: list[bool], part: range) -> Contrast:
    found = against_rest(TASK, *judged(right), 0)(part)
    assert found is not None
    return found


def test_a_few_rows_that_happen_to_be_all_right_are_no_news() -> None:
    found = held([True] * 6 + [True, True, True, False] * 50, range(6))
    assert found.difference == pytest.approx(0.25) and found.chance > 0.1
    assert found.low < 0 < found.high  # a resampled interval would have no width on six right answers


def test_many_rows_that_are_worse_are() -> None:
    found = held([True, False] * 60 + [True] * 9 * 20 + [False] * 20, range(120))
    assert found.chance < 1e-6 and found.high < 0


def test_among_many_parts_a_chance_that_some_part_must_have_is_forgiven() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.02] + [0.5] * 9)[0] == pytest.approx(0.2)


def test_a_score_that_is_no_share_of_rows_is_compared_by_permutation() -> None:
    task = catalog.task("regression")()
    rng = np.random.default_rng(0)
    answers = rng.normal(size=200)
    said = np.where(np.arange(200) < 60, rng.normal(size=200), answers + 0.1 * rng.normal(size=200))
    examples = [Example(f"text {i}", float(answer)) for i, answer in enumerate(answers)]
    predictions = [task.constant([float(one)]) for one in said]
    compare = against_rest(task, examples, predictions, 0)
    apart, alike = compare(range(60)), compare(range(0, 200, 2))
    assert apart is not None and apart.chance <= 0.002 and apart.high < 0
    assert alike is not None and alike.chance > 0.05


def test_rows_are_parted_by_columns_and_by_words_that_training_did_not_have() -> None:
    examples, said = judged([True] * 60)
    marked = [
        Example(e.input, e.answer, mark={"source": "app" if i % 3 else "mail", "age": str(i)})
        for i, e in enumerate(examples)
    ]
    found = slices(TASK, marked, said, seed=0, columns=("source", "age"),
                   rare=lambda text: float(int(text.split()[1]) % 4) / 4, compared=True)  # fmt: skip
    values = {
        by: [(part.value, part.rows) for part in found if part.by == by] for by in ("source", "age", "rare_words")
    }
    assert values["source"] == [("app", 40), ("mail", 20)]
    assert [rows for _, rows in values["age"]] == [20, 20, 20]  # many different numbers are parted in thirds
    assert [rows for _, rows in values["rare_words"]] == [15, 30, 15]
    assert all(part.rest is not None and not part.rest.differs for part in found)
