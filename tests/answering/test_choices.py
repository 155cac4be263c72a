"""Choices are told by the user or by the training answers; the likeliest one is the answer."""

import numpy as np
import pytest

from luthier.answering.choices import (
    Supposed,
    chances_of,
    checked_choices,
    choice_outcome,
    choice_scores,
    settled_choices,
)
from luthier.errors import ConfigError

ANSWERS = ["yes"] * 6 + ["no "] * 3 + ["it depends"]


def test_few_answers_that_come_again_are_choices_and_many_are_not() -> None:
    names, (chosen,) = settled_choices("auto", ANSWERS)
    assert names == ("it depends", "no", "yes")
    assert (chosen.key, chosen.reason) == ("choices", "3 different answers in 10 training rows")
    assert settled_choices("auto", [str(i) for i in range(12)])[0] is None
    assert settled_choices("auto", [str(i % 21) for i in range(100)])[0] is None
    assert settled_choices(None, ANSWERS) == (None, [])


def test_an_answer_that_is_none_of_the_choices_is_named_with_its_rows() -> None:
    assert settled_choices(("yes", "no", "it depends"), ANSWERS)[0] == ("yes", "no", "it depends")
    with pytest.raises(ConfigError, match=r"'no' \(3 rows\) and 1 more"):
        settled_choices(("yes", "maybe"), ANSWERS)


@pytest.mark.parametrize("asked", ["yes", ["yes"], ["yes", "yes "], ["yes", ""], []])
def test_what_is_no_list_of_different_texts_is_refused(asked: object) -> None:
    with pytest.raises(ConfigError, match=r"task\.choices"):
        checked_choices(asked)
    assert checked_choices([1, 2]) == ("1", "2")


def test_chances_are_those_of_the_whole_texts_and_sum_to_one() -> None:
    windows = [Supposed({}, choice=c) for c in (0, 1, 1)]  # the second choice was read in two windows
    chances_C = chances_of(windows, [1.0, 1.2, 0.8], 2)
    assert chances_C == pytest.approx(np.exp([-1.0, -2.0]) / np.exp([-1.0, -2.0]).sum())
    assert chances_of([Supposed({}, choice=c) for c in (0, 1)], [2000.0, 3000.0], 2).tolist() == [1.0, 0.0]


def test_scores_are_those_of_classes_and_a_copied_answer_is_a_sure_one() -> None:
    said, right = ["yes", "no", "yes", "no "], ["yes", "no", "no", "yes"]
    outcome = choice_outcome(("yes", "no"), said, [(0.9, 0.1), (0.2, 0.8), (0.6, 0.4), ()], right)
    found = choice_scores(outcome, np.ones((1, 4)))
    assert list(found) == ["accuracy", "macro_f1", "ece"]
    assert found["accuracy"][0] == pytest.approx(0.5)
    assert outcome.probabilities_NC[3].tolist() == [0.0, 1.0]


def test_a_baseline_that_says_something_else_is_wrong_there() -> None:
    outcome = choice_outcome(("yes", "no"), ["It is", "no"], [(), (0.2, 0.8)], ["yes", "no"])
    assert choice_scores(outcome, np.ones((1, 2)))["accuracy"][0] == pytest.approx(0.5)
