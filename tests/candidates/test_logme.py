"""LogME is the largest evidence that any two precisions give, found by its fixed point instead of by searching."""

import math

import numpy as np
import pytest

from luthier.candidates.logme import logme, targets_of


def searched(features_ND: np.ndarray, target_N: np.ndarray) -> float:
    """The largest log density of the target, a row, over a grid of precisions that grows finer: y ~ N(0, I / beta +
    F Fᵀ / alpha), with whole matrices."""
    rows = len(target_N)

    def density(log_alpha: float, log_beta: float) -> float:
        cover_NN = np.eye(rows) / math.exp(log_beta) + features_ND @ features_ND.T / math.exp(log_alpha)
        _, log_size = np.linalg.slogdet(cover_NN)
        return -(rows * math.log(2 * math.pi) + log_size + target_N @ np.linalg.solve(cover_NN, target_N)) / 2

    best, step = (0.0, 0.0), 2.0
    value = density(*best)
    while step > 1e-4:
        around = [(best[0] + i * step, best[1] + j * step) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        found = max(around, key=lambda place: density(*place))
        step, best, value = (step / 2, best, value) if found == best else (step, found, density(*found))
    return value / rows


@pytest.mark.parametrize(("rows", "width"), [(40, 5), (12, 30), (20, 20)])
def test_it_is_the_largest_evidence(rows: int, width: int) -> None:
    rng = np.random.default_rng(rows)
    features = rng.normal(size=(rows, width))
    target = features @ rng.normal(size=width) * 0.5 + rng.normal(size=rows)
    assert logme(features, target[:, None]) == pytest.approx(searched(features, target), abs=1e-4)


def test_several_columns_are_averaged_and_one_that_never_varies_is_left_out() -> None:
    rng = np.random.default_rng(1)
    features, targets = rng.normal(size=(50, 4)), rng.normal(size=(50, 2))
    alone = [logme(features, targets[:, [k]]) for k in (0, 1)]
    assert logme(features, targets) == pytest.approx(sum(alone) / 2)
    assert logme(features, np.column_stack([targets, np.ones(50)])) == pytest.approx(sum(alone) / 2)
    assert math.isnan(logme(features, np.ones((50, 1))))


def test_features_that_know_the_answer_have_more_evidence_and_their_scale_does_not_count() -> None:
    rng = np.random.default_rng(2)
    target = rng.normal(size=(80, 1))
    informed = np.column_stack([target + 0.3 * rng.normal(size=(80, 1)), rng.normal(size=(80, 7))])
    blind = rng.normal(size=(80, 8))
    assert logme(informed, target) > logme(blind, target) + 0.5
    assert logme(1000 * informed, target) == pytest.approx(logme(informed, target), abs=1e-4)


def test_features_without_a_direction_of_their_own_are_no_trouble() -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(30, 3))
    target = rng.normal(size=(30, 1))
    twice = np.column_stack([features, features])
    assert math.isfinite(logme(twice, target)) and math.isfinite(logme(np.zeros((30, 4)), target))
    assert math.isfinite(logme(features, features[:, :1]))  # the answer itself


def test_targets_are_a_column_a_class_or_the_numbers_themselves() -> None:
    none = lambda answer: None  # noqa: E731
    cases = [
        (targets_of(["b", "a", "b"], lambda a: a, none), [[0, 1], [1, 0], [0, 1]]),
        (targets_of([frozenset("ab"), frozenset()], lambda a: a, none), [[1, 1], [0, 0]]),
        (targets_of([1.5, 2.0], none, lambda a: a), [[1.5], [2.0]]),
    ]
    for found, expected in cases:
        assert found is not None and found.tolist() == expected
    assert targets_of(["x", "y"], none, none) is None
