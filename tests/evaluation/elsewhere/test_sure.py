"""How right the surest answers are, and from which score on an accuracy can be promised."""

import numpy as np
import pytest

from luthier.evaluation.elsewhere.sure import selective
from luthier.metrics.sureness import Sureness

pytestmark = pytest.mark.slow


def rows(count: int, seed: int = 0) -> Sureness:
    """Rows that are right as often as they are sure."""
    rng = np.random.default_rng(seed)
    sure = rng.uniform(0.5, 1, count)
    return Sureness(sure[:, None], (rng.random(count) < sure)[:, None])


def test_fewer_answers_are_righter_ones() -> None:
    found = selective(rows(2000), seed=0)
    assert found is not None
    accuracies = [point.accuracy.value for point in found.points]
    assert accuracies == sorted(accuracies) and accuracies[-1] - accuracies[0] > 0.08
    assert found.area.low is not None and found.area.low < found.area.value < found.error
    most = next(point for point in found.points if point.coverage == 0.8)
    assert most.accuracy.n == 1600 and f"{most.threshold:.3f}" in found.sentence


def test_a_promised_accuracy_holds_on_other_rows_and_an_impossible_one_is_not_promised() -> None:
    held: list[bool] = []
    for seed in range(6):
        found, others = selective(rows(1500, seed), seed=0, wanted=(0.85, 0.995)), rows(4000, 100 + seed)
        assert found is not None
        first, last = found.guarantees
        assert first.threshold is not None and 0.1 < first.coverage < 0.9
        kept = others.sure_N >= first.threshold
        held.append(bool(others.right_N[kept].mean() >= 0.85))
        assert last.threshold is None and last.coverage == 0
    assert all(held)


def test_a_handful_of_rows_is_not_ranked() -> None:
    assert selective(rows(10), seed=0) is None
