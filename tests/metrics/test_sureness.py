"""What a model's own sureness is worth, by numbers worked out by hand."""

import numpy as np
import pytest

from luthier.metrics.sureness import Sureness, calibration_error, ranked

ONCE = np.ones((1, 4))


def of(sure: list[float], right: list[bool]) -> Sureness:
    return Sureness(np.array(sure)[:, None], np.array(right)[:, None])


def test_a_model_that_is_as_sure_as_it_is_right_has_no_calibration_error() -> None:
    honest = of([0.75] * 4, [True, True, True, False])
    assert calibration_error(honest, ONCE)[0] == pytest.approx(0)
    boasting = of([0.95] * 4, [True, True, True, False])
    assert calibration_error(boasting, ONCE)[0] == pytest.approx(0.2)


def test_several_decisions_a_row_all_count() -> None:
    labels = Sureness(np.array([[0.9, 0.7], [0.9, 0.7]]), np.array([[True, False], [True, True]]))
    assert calibration_error(labels, np.ones((1, 2)))[0] == pytest.approx((0.1 + 0.2) / 2)
    assert labels.sure_N == pytest.approx([0.63, 0.63])
    assert labels.right_N.tolist() == [False, True]


def test_the_area_is_small_where_the_unsure_are_the_wrong() -> None:
    good = ranked(of([0.9, 0.8, 0.7, 0.6], [True, True, True, False]), ONCE)
    bad = ranked(of([0.6, 0.7, 0.8, 0.9], [True, True, True, False]), ONCE)
    assert good.area_R[0] == pytest.approx((0 + 0 + 0 + 1 / 4) / 4)
    assert bad.area_R[0] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_rows_that_are_equally_sure_come_in_together_whatever_their_order() -> None:
    tied = ranked(of([0.8] * 4, [False, True, True, True]), ONCE)
    assert tied.area_R[0] == pytest.approx(1 / 4) and len(tied.sure_G) == 1


def test_a_row_that_is_drawn_twice_counts_twice() -> None:
    sureness = of([0.9, 0.8, 0.7, 0.6], [True, True, True, False])
    twice = ranked(of([0.9, 0.8, 0.7, 0.6, 0.6], [True, True, True, False, False]), np.ones((1, 5)))
    drawn = ranked(sureness, np.array([[1.0, 1, 1, 2]]))
    assert drawn.area_R[0] == pytest.approx(twice.area_R[0])
