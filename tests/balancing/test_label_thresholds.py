"""Thresholds of labels: of each its own where its rows can tell, else the common one, and none where that is best."""

import numpy as np
import pytest

from luthier.balancing.label_thresholds import best_label_shifts, logits_of, shift_labels
from luthier.metrics.label_sets import SetOutcome, label_set_scores


def drawn(rows: int, shares: list[float], spread: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities of labels that are as common as that, and which rows have them."""
    rng = np.random.default_rng(seed)
    logits = np.log(np.array(shares) / (1 - np.array(shares))) + spread * rng.normal(size=(rows, len(shares)))
    said = 1 / (1 + np.exp(-logits))
    return said, rng.random(said.shape) < said


def score(said: np.ndarray, holds: np.ndarray, name: str = "macro_f1") -> float:
    return float(label_set_scores(SetOutcome(said, holds, np.zeros(len(said))), np.ones((1, len(said))))[name][0])


def test_rare_labels_are_said_more_often_and_score_better_on_other_rows() -> None:
    shares = [0.3, 0.1, 0.05, 0.03]
    shifts = best_label_shifts(*drawn(3000, shares, 1.5, 0), 0)
    said, holds = drawn(20_000, shares, 1.5, 1)
    assert shifts.min() > 0.5
    for name in ("macro_f1", "micro_f1"):
        assert score(shift_labels(said, shifts), holds, name) > score(said, holds, name) + 0.02


def test_a_label_whose_scores_are_too_low_gets_a_threshold_of_its_own() -> None:
    said, holds = drawn(3000, [0.3, 0.2, 0.1], 1.5, 0)
    shifts = best_label_shifts(shift_labels(said, np.array([0.0, -3.0, 0.0])), holds, 0)
    assert shifts[1] - shifts[[0, 2]].mean() == pytest.approx(3.0, abs=0.8)


def test_a_label_of_few_rows_keeps_near_the_common_threshold() -> None:
    shares = [0.2, 0.2, 0.2, 0.2, 0.004]
    said, holds = drawn(20_000, shares, 1.0, 9)
    lost = []
    for seed in range(6):
        shifts = best_label_shifts(*drawn(250, shares, 1.0, seed), seed)
        assert np.abs(shifts).max() < 4
        lost.append(score(said, holds) - score(shift_labels(said, shifts), holds))
    assert max(lost) < 0.02 and np.mean(lost) < -0.05


def test_nothing_moves_where_half_is_best_or_nothing_is_known() -> None:
    said, holds = drawn(400, [0.5, 0.5], 9.0, 0)
    before, after = score(said, holds), score(shift_labels(said, best_label_shifts(said, holds, 0)), holds)
    assert after > before - 0.01
    assert not best_label_shifts(said, np.zeros_like(holds), 0).any()
    assert not best_label_shifts(said[:3], holds[:3], 0).any()


def test_a_shift_is_added_to_the_logit() -> None:
    said = np.array([[0.0, 0.3, 1.0]])
    moved = shift_labels(said, np.array([1.0, 2.0, -3.0]))
    assert logits_of(moved)[0, 1] == pytest.approx(np.log(0.3 / 0.7) + 2, abs=1e-5)
    assert np.isfinite(logits_of(moved)).all()


def test_a_choice_is_the_same_each_time() -> None:
    given = drawn(300, [0.3, 0.05], 1.5, 3)
    assert np.array_equal(best_label_shifts(*given, 7), best_label_shifts(*given, 7))
