"""What belongs together is never pushed apart, and everything else in the step is."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from luthier.models.own.contrast import (
    NEGATIVE,
    POSITIVE,
    QUERY,
    Texts,
    at_each_length,
    multiple_negatives,
    ordered_cosines,
)


def texts(kind: int, key: list[int], topic: list[int] | None = None, score: list[float] | None = None) -> Texts:
    n = len(key)
    return Texts(kind, np.arange(n), np.array(key), np.array(topic or [0] * n), np.array(score or [0.0] * n))


def vectors(count: int, seed: int = 0) -> Tensor:
    made = torch.randn(count, 8, generator=torch.Generator().manual_seed(seed))
    return at_each_length(made, ())[0].requires_grad_()


def loss(unit: Tensor, *parts: Texts, symmetric: bool = False) -> Tensor:
    return multiple_negatives(unit, parts, 0.1, symmetric=symmetric)


def test_without_repeats_it_is_cross_entropy_over_the_step() -> None:
    unit = vectors(9)
    logits = unit[:3] @ unit[3:].T / 0.1
    expected = F.cross_entropy(logits, torch.arange(3), reduction="sum")
    parts = texts(QUERY, [1, 2, 3]), texts(POSITIVE, [4, 5, 6]), texts(NEGATIVE, [7, 8, 9])
    torch.testing.assert_close(loss(unit, *parts), expected)


def test_symmetric_is_half_from_the_documents_to_the_queries() -> None:
    unit = vectors(6)
    logits = unit[:3] @ unit[3:].T / 0.1
    sides = [F.cross_entropy(side, torch.arange(3), reduction="sum") for side in (logits, logits.T)]
    parts = texts(QUERY, [1, 2, 3]), texts(POSITIVE, [4, 5, 6])
    torch.testing.assert_close(loss(unit, *parts, symmetric=True), (sides[0] + sides[1]) / 2)


@pytest.mark.parametrize(
    "parts",
    [
        (texts(QUERY, [1, 2]), texts(POSITIVE, [9, 9])),  # the same answer to both
        (texts(QUERY, [1, 1]), texts(POSITIVE, [8, 9])),  # the same query twice
        (texts(QUERY, [1, 2], [5, 5]), texts(POSITIVE, [8, 9])),  # the same topic
        (texts(QUERY, [1, 2]), texts(POSITIVE, [2, 1])),  # each answer is the other query itself
    ],
    ids=["positive", "query", "topic", "itself"],
)
def test_what_is_known_to_be_right_is_no_negative(parts: tuple[Texts, Texts]) -> None:
    unit = vectors(4)
    total = loss(unit, *parts)
    total.backward()
    assert total.item() == pytest.approx(0, abs=1e-6)
    assert unit.grad is not None and unit.grad.isfinite().all() and unit.grad.abs().max() < 1e-5


def test_of_the_same_texts_unknown_to_belong_together_each_is_a_negative() -> None:
    assert loss(vectors(4), texts(QUERY, [1, 2]), texts(POSITIVE, [8, 9])).item() > 0.1


def test_the_order_of_the_scores_decides_over_cosines() -> None:
    angles = torch.tensor([0.1, 0.5, 1.0])
    unit = torch.cat([torch.tensor([[1.0, 0.0]] * 3), torch.stack([angles.cos(), angles.sin()], 1)])
    right, wrong = (
        ordered_cosines(unit, [texts(QUERY, [1, 2, 3], score=s), texts(POSITIVE, [4, 5, 6])], 0.05).item()
        for s in ([3.0, 2.0, 1.0], [1.0, 2.0, 3.0])
    )
    assert right < 0.5 < wrong


def test_shorter_vectors_are_unit_vectors_of_the_first_numbers() -> None:
    made = torch.randn(3, 8)
    whole, short = at_each_length(made, (4,))
    torch.testing.assert_close(short, F.normalize(made[:, :4], dim=1))
    torch.testing.assert_close(whole.norm(dim=1), torch.ones(3))
