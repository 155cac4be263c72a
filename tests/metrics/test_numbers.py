"""Scores of numbers are scipy's and scikit-learn's, and a weight is a repeat."""

import numpy as np
import pytest
from scipy import stats

from luthier.evaluation.intervals import bootstrap
from luthier.metrics.numbers import number_scores


def scores(said: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    weights_RN = np.ones((1, len(said))) if weights is None else weights[None].astype(float)
    return {name: float(value[0]) for name, value in number_scores(said, right, 2.0, weights_RN).items()}


@pytest.mark.parametrize("step", [0.0, 0.5], ids=["all different", "many ties"])
def test_correlations_and_errors_are_the_usual_ones(step: float) -> None:
    rng = np.random.default_rng(0)
    right = rng.normal(size=80)
    said = right + rng.normal(size=80)
    if step:
        right, said = np.round(right / step) * step, np.round(said / step) * step
    found = scores(said, right)
    assert next(iter(found)) == "spearman"
    assert found["spearman"] == pytest.approx(stats.spearmanr(said, right)[0], abs=1e-12)
    assert found["pearson"] == pytest.approx(stats.pearsonr(said, right)[0], abs=1e-12)
    assert found["mae"] == pytest.approx(np.abs(said - right).mean())
    assert found["rmse"] == pytest.approx(np.sqrt(np.square(said - right).mean()))
    assert found["loss"] == pytest.approx(found["rmse"] ** 2 / 4)


def test_a_weight_is_a_repeat() -> None:
    rng = np.random.default_rng(1)
    right, times = rng.integers(0, 6, 40).astype(float), rng.integers(0, 4, 40)
    said = right + rng.integers(-2, 3, 40)
    assert scores(said, right, times) == pytest.approx(scores(np.repeat(said, times), np.repeat(right, times)))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1])
def test_a_constant_knows_nothing_of_the_order(value: float) -> None:
    found = scores(np.full(30, value), np.arange(30.0))
    assert found["spearman"] == found["pearson"] == 0.0
    assert scores(np.array([1.0]), np.array([2.0]))["spearman"] == 0.0


def test_numbers_far_from_zero_are_correlated_as_others_are() -> None:
    rng = np.random.default_rng(2)
    right = rng.normal(size=50)
    said = right + rng.normal(size=50)
    far = scores(said + 1e8, right + 1e8)
    assert far["pearson"] == pytest.approx(scores(said, right)["pearson"], abs=1e-5)


def test_resamples_of_a_large_set_take_no_time() -> None:
    import time

    rng = np.random.default_rng(3)
    right = rng.normal(size=2000)
    begin = time.process_time()
    found = bootstrap(lambda weights: number_scores(right + 1, right, 1.0, weights), 2000, seed=0, resamples=200)
    assert time.process_time() - begin < 2
    assert found.resampled["spearman"] == pytest.approx(np.ones(200))
