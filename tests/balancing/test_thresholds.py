"""Decisions are moved to where rows that training did not see want them."""

import numpy as np
import pytest

from luthier.balancing.thresholds import best_shifts, shift
from luthier.metrics.classes import Outcome, macro_f1

COUNTS = (900, 90, 10)


def rows(size: int, seed: int, tilt: float) -> tuple[np.ndarray, np.ndarray]:
    """Answers by the classes' shares and noisy logits that lean to common classes by `tilt` times the log share."""
    rng = np.random.default_rng(seed)
    shares = np.array(COUNTS) / sum(COUNTS)
    answers = rng.choice(3, size, p=shares)
    logits = 2.0 * np.eye(3)[answers] + rng.normal(size=(size, 3)) + tilt * np.log(shares)
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True), answers


def f1(probabilities: np.ndarray, answers: np.ndarray) -> float:
    return float(macro_f1(Outcome(probabilities, answers), np.ones((1, len(answers))))[0])


def test_shifting_probabilities_is_shifting_logits() -> None:
    logits, shifts = np.random.default_rng(0).normal(size=(5, 3)), np.array([1.0, -2.0, 0.5])

    def softmax(z: np.ndarray) -> np.ndarray:
        return np.exp(z) / np.exp(z).sum(1, keepdims=True)

    np.testing.assert_allclose(shift(softmax(logits), shifts), softmax(logits + shifts))


def test_a_model_that_leans_to_common_classes_is_set_right_on_other_rows() -> None:
    seen, other = rows(400, 1, tilt=2.0), rows(5000, 2, tilt=2.0)
    shifts = best_shifts(*seen, COUNTS, seed=0)
    assert f1(shift(other[0], shifts), other[1]) > f1(*other) + 0.1
    assert np.diff(shifts).min() > 0  # the rarer, the more it is raised


def test_a_model_that_leans_to_rare_classes_is_set_right_too() -> None:
    seen, other = rows(2000, 1, tilt=-0.5), rows(5000, 2, tilt=-0.5)
    assert f1(shift(other[0], best_shifts(*seen, COUNTS, seed=0)), other[1]) > f1(*other) + 0.05


def test_a_handful_of_rows_does_little_harm() -> None:
    other = rows(5000, 2, tilt=0.7)
    before = f1(*other)
    after = [f1(shift(other[0], best_shifts(*rows(30, seed, tilt=0.7), COUNTS, seed=0)), other[1]) for seed in range(8)]
    assert np.mean(after) > before - 0.02


def test_no_rows_and_equal_classes_move_nothing() -> None:
    assert best_shifts(np.zeros((0, 3)), np.zeros(0, int), COUNTS, seed=0).tolist() == [0, 0, 0]
    probabilities, answers = rows(50, 0, tilt=1.0)
    moved = shift(probabilities, best_shifts(probabilities, answers, (5, 5, 5), seed=0))
    assert (moved.argmax(1) == probabilities.argmax(1)).all()


def test_the_same_rows_give_the_same_shifts() -> None:
    assert best_shifts(*rows(60, 3, 1.0), COUNTS, 4).tolist() == pytest.approx(
        best_shifts(*rows(60, 3, 1.0), COUNTS, 4).tolist(), abs=0
    )
