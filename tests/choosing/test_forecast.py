"""A forecast holds the truth where the curve goes on as it began, and says so where nothing can be told."""

import numpy as np
import pytest

from luthier.choosing.forecast import forecast

pytestmark = pytest.mark.slow


SIZES = [25, 35, 50, 71, 100, 141, 200, 283, 400]


def curve(score, noise: float = 0.004, seed: int = 0, common: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    """A measured curve and resamples of it. common: noise that all sizes share, as that of the judged rows is."""
    rng = np.random.default_rng(seed)
    values = score(np.array(SIZES, float)) + rng.normal(0, noise / 2, len(SIZES))
    shared = rng.normal(0, common, (300, 1))
    return values, values + shared + rng.normal(0, noise, (300, len(SIZES)))


def test_what_doubling_brings_is_within_its_interval() -> None:
    def score(n):
        return 0.9 - 1.5 * n**-0.5

    held = 0
    for seed in range(10):
        found = forecast("accuracy", SIZES, *curve(score, seed=seed), 500, higher_is_better=True)
        assert found.sentence.startswith("Doubling the 500 training rows would raise accuracy by 0.0")
        twice = found.outlooks[0]
        assert (twice.factor, twice.rows) == (2, 1000) and not found.trouble
        assert twice.gain_low <= twice.gain <= twice.gain_high
        held += twice.gain_low <= score(1000) - score(500) <= twice.gain_high
    assert held >= 9


def test_ten_times_the_rows_are_less_sure_than_twice() -> None:
    found = forecast("accuracy", SIZES, *curve(lambda n: 0.9 - 1.5 * n**-0.5), 500, higher_is_better=True)
    widths = [outlook.gain_high - outlook.gain_low for outlook in found.outlooks]
    assert [outlook.factor for outlook in found.outlooks] == [2, 4, 10] and widths == sorted(widths)


def test_a_score_that_is_lower_the_better_falls() -> None:
    found = forecast("mae", SIZES, *curve(lambda n: 0.2 + 2 * n**-0.5), 500, higher_is_better=False)
    twice = found.outlooks[0]
    assert twice.value < found.present and twice.gain > 0
    assert "lower mae by" in found.sentence


def test_a_flat_curve_tells_nothing_or_says_that_more_data_hardly_help() -> None:
    found = forecast("accuracy", SIZES, *curve(lambda n: 0.5 + 0 * n), 500, higher_is_better=True)
    assert "does not rise beyond chance" in found.trouble and "cannot be told" in found.sentence
    full = forecast("accuracy", SIZES, *curve(lambda n: 0.9 - 30 * n**-1.6, noise=0.0005), 2000, higher_is_better=True)
    assert full.sentence.startswith("More data of this kind would hardly help")


def test_a_curve_that_breaks_off_fails_the_test_on_itself() -> None:
    def score(n):
        return np.where(n <= 200, 0.4 + 0.05 * np.log2(n / 25), 0.3 + 0 * n)

    found = forecast("accuracy", SIZES, *curve(score, noise=0.002), 500, higher_is_better=True)
    assert found.back_tests[-1].fails and found.trouble


def test_the_error_of_the_test_on_itself_widens_the_interval() -> None:
    found = forecast("accuracy", SIZES, *curve(lambda n: 0.9 - 1.5 * n**-0.5), 500, higher_is_better=True)
    test = found.back_tests[-1]
    assert (test.known, test.rows) == (200, 400)
    assert found.outlooks[0].gain_high - found.outlooks[0].gain_low >= 2 * abs(test.error)


def test_too_few_sizes_are_said_and_not_drawn_on() -> None:
    values, resampled = curve(lambda n: 0.9 - 1.5 * n**-0.5)
    found = forecast("accuracy", SIZES[:3], values[:3], resampled[:, :3], 60, higher_is_better=True)
    assert "sizes only" in found.sentence and found.outlooks == ()


def test_a_wide_interval_is_no_answer() -> None:
    found = forecast("accuracy", SIZES, *curve(lambda n: 0.9 - 1.5 * n**-0.5, noise=0.06), 500, higher_is_better=True)
    assert found.trouble and found.as_json()["told"] is False


@pytest.mark.parametrize("key", ["sentence", "told", "outlooks", "back_tests", "law", "drawn"])
def test_all_of_it_is_told_to_programs(key: str) -> None:
    found = forecast("accuracy", SIZES, *curve(lambda n: 0.9 - 1.5 * n**-0.5), 500, higher_is_better=True)
    assert key in found.as_json()
