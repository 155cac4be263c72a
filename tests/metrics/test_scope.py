"""What belongs to no class is told apart, at the price that was asked for."""

import numpy as np
import pytest

from luthier.metrics.classes import Outcome, macro_f1
from luthier.metrics.scope import best_scope, least_accepted, refusing, scope_scores


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


def outcome(inside: int, outside: int, seed: int = 0) -> Outcome:
    """Class 0 is out of scope, and its logit is too low by 3: training saw few such rows."""
    rng = np.random.default_rng(seed)
    answers = np.r_[rng.integers(1, 5, inside), np.zeros(outside, int)]
    logits = rng.normal(size=(len(answers), 5))
    logits[np.arange(len(answers)), answers] += 4
    logits[:, 0] -= 3
    return Outcome(softmax(logits), answers)


def shifted(given: Outcome, shift: float) -> Outcome:
    return Outcome(softmax(np.log(given.probabilities_NC) + np.r_[shift, np.zeros(4)]), given.answers_N)


def test_the_two_kinds_of_rows_have_a_score_each() -> None:
    given = Outcome(np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 1, 2]))
    found = scope_scores(given, 2, np.array([[1.0, 1, 1, 1], [1, 0, 2, 0]]))
    assert found["in_scope_accuracy"].tolist() == [pytest.approx(2 / 3), pytest.approx(1 / 3)]
    assert found["out_of_scope_recall"][0] == 0.0 and np.isnan(found["out_of_scope_recall"][1])


def test_the_shift_weighs_both_kinds_against_each_other() -> None:
    scope = best_scope(outcome(600, 60), 0, 0.9, 0)
    fresh = outcome(2000, 2000, seed=1)
    plain, moved = (scope_scores(each, 0, np.ones((1, 4000))) for each in (fresh, shifted(fresh, scope.shift)))
    assert scope.shift == pytest.approx(3, abs=0.7)
    assert moved["out_of_scope_recall"] > plain["out_of_scope_recall"] + 0.2
    assert moved["in_scope_accuracy"] > plain["in_scope_accuracy"] - 0.06
    on_it = scope_scores(shifted(outcome(600, 60), scope.shift), 0, np.ones((1, 660)))
    assert (scope.accuracy, scope.recall) == pytest.approx(
        (on_it["in_scope_accuracy"][0], on_it["out_of_scope_recall"][0])
    )


def test_no_more_rows_in_scope_are_refused_than_may_be() -> None:
    given = outcome(600, 60)
    for keep in (0.99, 0.999):
        said = shifted(given, best_scope(given, 0, keep, 0).shift).predicted_N[:600]
        assert (said != 0).mean() >= keep
    assert best_scope(given, 0, 0.999, 0).shift < best_scope(given, 0, 0.9, 0).shift


def test_nothing_moves_where_there_is_nothing_to_learn_it_from() -> None:
    assert best_scope(outcome(600, 2), 0, 0.95, 0).shift == 0.0
    sure = Outcome(np.eye(3)[[0, 1, 2] * 10] * 0.97 + 0.01, np.array([0, 1, 2] * 10))
    assert best_scope(sure, 0, 0.95, 0).shift == 0.0


def test_below_the_least_probability_the_last_class_is_the_best() -> None:
    said = softmax(np.random.default_rng(0).normal(size=(200, 4)) * 2)
    least = least_accepted(said, 0.9)
    wider = refusing(said, least)
    assert (wider.argmax(1) != 4).mean() == pytest.approx(0.9, abs=0.01)
    assert np.array_equal(wider.argmax(1) == 4, said.max(1).astype(np.float32) < np.float32(least))
    assert np.array_equal(wider[:, :4], said.astype(np.float32))


def test_refusals_are_a_class_only_where_rows_ask_for_them() -> None:
    said = np.eye(3)[[0, 1, 1, 2]]
    only_known = Outcome(said, np.array([0, 1, 1, 1]), refusal=2)
    assert macro_f1(only_known, np.ones((1, 4)))[0] == pytest.approx((1 + 0.8) / 2)
    with_others = Outcome(said, np.array([0, 1, 1, 2]), refusal=2)
    assert macro_f1(with_others, np.ones((1, 4)))[0] == pytest.approx(1.0)
