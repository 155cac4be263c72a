"""The power law is found where there is one, and stays within its bounds where there is none."""

import numpy as np
import pytest

from luthier.evaluation.power_law import fit_power_law

SIZES = np.array([25, 50, 100, 200, 400, 800], float)
EVEN = np.full(len(SIZES), 1e-4)


def test_it_finds_the_law_that_made_the_points_and_goes_on_with_it() -> None:
    errors = 1.5 * SIZES**-0.6 + 0.1
    law = fit_power_law(SIZES, errors[None], EVEN)
    assert law.exponent[0] == pytest.approx(0.6, rel=0.05) and law.floor[0] == pytest.approx(0.1, abs=0.01)
    assert law(8000)[0, 0] == pytest.approx(1.5 * 8000**-0.6 + 0.1, abs=0.005)


def test_many_curves_at_once_are_fitted_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    errors = 0.8 * SIZES**-0.3 + rng.normal(0, 0.01, (5, len(SIZES)))
    together = fit_power_law(SIZES, errors, EVEN)(3000)
    alone = [fit_power_law(SIZES, errors[i : i + 1], EVEN)(3000)[0] for i in range(5)]
    np.testing.assert_allclose(together, alone)


def test_an_error_that_does_not_fall_is_drawn_on_flat() -> None:
    for errors in (np.full(len(SIZES), 0.3), np.linspace(0.2, 0.3, len(SIZES))):
        law = fit_power_law(SIZES, errors[None], EVEN)
        assert law(100)[0, 0] == pytest.approx(law(100_000)[0, 0])


def test_neither_part_of_the_error_is_below_zero() -> None:
    rng = np.random.default_rng(1)
    law = fit_power_law(SIZES, rng.random((200, len(SIZES))), EVEN)
    assert (law.scale >= 0).all() and (law.floor >= 0).all()
    assert (np.diff(law(np.geomspace(10, 1e6, 30)), axis=1) <= 1e-12).all()


def test_surer_points_count_more() -> None:
    errors = SIZES**-0.5
    errors[0] += 0.5
    trusting = fit_power_law(SIZES, errors[None], EVEN)(3200)
    wary = fit_power_law(SIZES, errors[None], np.array([1.0, *EVEN[1:]]))(3200)
    truth = 3200**-0.5
    assert abs(wary - truth) < abs(trusting - truth)


def test_three_sizes_are_too_few() -> None:
    with pytest.raises(ValueError, match="too few"):
        fit_power_law(SIZES[:3], np.ones((1, 3)), EVEN[:3])
