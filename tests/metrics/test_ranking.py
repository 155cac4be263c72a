"""What stands among the first documents, counted as the field counts it."""

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from luthier.metrics.ranking import NAMES, first_places, mean_figures, query_figures, top


def figures(right: list[int], relevant: int) -> dict[str, float]:
    return dict(zip(NAMES, query_figures(np.array(right, bool), relevant), strict=True))


def test_a_hit_at_the_third_place() -> None:
    found = figures([0, 0, 1, 0, 0, 0, 0, 0, 0, 0], 2)
    assert found["mrr@10"] == pytest.approx(1 / 3)
    assert (found["recall@1"], found["recall@5"], found["recall@10"]) == (0, 0.5, 0.5)
    assert found["ndcg@10"] == pytest.approx((1 / np.log2(4)) / (1 + 1 / np.log2(3)))


def test_ndcg_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        likeness, right = rng.permutation(30).astype(float), rng.random(30) < 0.3
        order = top(likeness, 10)
        expected = ndcg_score(right[None].astype(int), likeness[None], k=10)
        assert figures(right[order].tolist(), int(right.sum()))["ndcg@10"] == pytest.approx(expected)


def test_of_equally_alike_ones_the_earlier_comes_first() -> None:
    assert top(np.array([1.0, 2, 2, 1, 2]), 2).tolist() == [1, 2]
    assert top(np.array([1.0, 2, 2]), 9).tolist() == [1, 2, 0]


def test_a_querys_own_text_is_passed_over() -> None:
    likeness = np.array([[3.0, 2, 1], [1, 2, 3]])
    found = [numbers.tolist() for numbers, _ in first_places(lambda rows: likeness[rows], 2, 3, [0, None])]
    assert found == [[1, 2], [2, 1, 0]]


def test_weights_count_queries_as_often_as_they_are_drawn() -> None:
    means = mean_figures(np.array([[0.0], [1.0]]), np.array([[1.0, 1.0], [0.0, 2.0]]))
    assert means[:, 0].tolist() == [0.5, 1.0]
