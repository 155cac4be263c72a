"""Intervals cover what they should, and a comparison is made on the same resamples."""

import numpy as np
import pytest

from luthier.evaluation.intervals import Evaluated, bootstrap, interval, paired_difference, resample_weights


def mean_of(values: np.ndarray):
    return lambda weights_RN: {"mean": weights_RN @ values / weights_RN.sum(1)}


def test_each_resample_draws_as_many_rows_as_there_are() -> None:
    for weights in resample_weights(37, 50, seed=0):
        assert (weights.sum(1) == 37).all()
        assert (weights == weights.astype(int)).all()


def test_resamples_are_the_same_for_the_same_seed_and_differ_for_another() -> None:
    first, again, other = (np.concatenate(list(resample_weights(20, 10, seed))) for seed in (1, 1, 2))
    assert (first == again).all() and not (first == other).all()


def test_resamples_in_chunks_are_as_many_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.evaluation.intervals._CHUNK_CELLS", 100)
    assert sum(len(weights) for weights in resample_weights(30, 25, seed=0)) == 25


def test_about_95_of_100_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        found = bootstrap(mean_of(rng.random(80) < 0.7), 80, seed=trial, resamples=400)
        low, high = interval(found.resampled["mean"])
        covered += low <= 0.7 <= high
    assert 180 <= covered <= 199


def test_a_paired_interval_is_narrow_where_both_fail_on_the_same_rows() -> None:
    rng = np.random.default_rng(0)
    hard = rng.random(400) < 0.5
    first, second = (~hard).astype(float), (~hard).astype(float)
    second[:8] = 0
    a, b = (bootstrap(mean_of(values), 400, seed=3) for values in (first, second))
    difference = paired_difference(a, b, "mean", higher_is_better=True)
    alone = interval(a.resampled["mean"])
    assert difference.high - difference.low < (alone[1] - alone[0]) / 3
    assert difference.low <= difference.value <= difference.high


def test_a_score_where_less_is_better_is_turned_round() -> None:
    a = Evaluated({"loss": 0.2}, {"loss": np.full(10, 0.2)})
    b = Evaluated({"loss": 0.5}, {"loss": np.full(10, 0.5)})
    assert paired_difference(a, b, "loss", higher_is_better=False).value == pytest.approx(0.3)


def test_resamples_without_a_value_are_left_out() -> None:
    low, high = interval(np.array([np.nan, 1.0, 1.0, np.nan]))
    assert (low, high) == (1.0, 1.0)
    assert all(np.isnan(interval(np.array([np.nan]))))
