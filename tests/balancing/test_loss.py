"""The loss under each remedy, held against sums written out by hand."""

import math

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from luthier.balancing.loss import cross_entropy
from luthier.balancing.remedy import Remedy
from luthier.types import IGNORE

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.0, 1.5], [0.0, 3.0, 1.0]], dtype=torch.float64)
TARGETS = torch.tensor([0, 1, IGNORE])
WEIGHTS = (0.5, 4.0, 1.0)


def loss(remedy: Remedy = Remedy(), smoothing: float = 0.0) -> float:  # noqa: B008
    return cross_entropy(LOGITS, TARGETS, remedy, smoothing).item()


def row(i: int, margins: tuple[float, ...] = (0.0, 0.0, 0.0)) -> float:
    """The cross-entropy of a row by the definition."""
    logits = [z + m for z, m in zip(LOGITS[i].tolist(), margins, strict=True)]
    return math.log(sum(map(math.exp, logits))) - logits[int(TARGETS[i])]


def test_without_a_remedy_it_is_the_plain_sum_and_rows_without_target_do_not_count() -> None:
    assert loss() == pytest.approx(row(0) + row(1))


def test_each_row_is_multiplied_by_the_weight_of_its_class() -> None:
    assert loss(Remedy(weights=WEIGHTS)) == pytest.approx(0.5 * row(0) + 4.0 * row(1))


def test_the_focal_factor_is_the_missing_probability_to_the_power_of_gamma() -> None:
    expected = sum((1 - math.exp(-row(i))) ** 2 * row(i) for i in (0, 1))
    assert loss(Remedy(focus=2.0)) == pytest.approx(expected)


def test_margins_are_added_to_the_logits() -> None:
    margins = (-0.1, -2.0, -3.0)
    assert loss(Remedy(margins=margins)) == pytest.approx(row(0, margins) + row(1, margins))


@pytest.mark.parametrize("remedy", [Remedy(weights=WEIGHTS), Remedy(focus=2.0)])
def test_softened_targets_are_multiplied_with_their_row(remedy: Remedy) -> None:
    smooth = F.cross_entropy(LOGITS[:2], TARGETS[:2], reduction="none", label_smoothing=0.3)
    factors = [4.0 * 0 + w for w in (0.5, 4.0)] if remedy.weights else [(1 - math.exp(-row(i))) ** 2 for i in (0, 1)]
    assert loss(remedy, 0.3) == pytest.approx(sum(f * s.item() for f, s in zip(factors, smooth, strict=True)))


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_the_focal_gradient_is_that_of_the_formula_and_finite_where_the_model_is_sure(gamma: float) -> None:
    z = torch.tensor([[0.3, -0.2]], dtype=torch.float64, requires_grad=True)
    cross_entropy(z, torch.tensor([0]), Remedy(focus=gamma), 0.0).backward()
    p = 1 / (1 + math.exp(-0.5))
    slope = gamma * p * (1 - p) ** gamma * math.log(p) - (1 - p) ** (gamma + 1)  # of (1 - p)^γ · -log p, p(1 - p) apart
    assert z.grad is not None and z.grad[0].tolist() == pytest.approx([slope, -slope])
    sure = torch.tensor([[90.0, -90.0]], requires_grad=True)
    cross_entropy(sure, torch.tensor([0]), Remedy(focus=gamma), 0.0).backward()
    assert sure.grad is not None and sure.grad.isfinite().all()


def test_with_weights_an_undone_smoothing_would_have_raised_rare_classes_everywhere() -> None:
    """torch's own weighting of softened targets: a row that is right and sure still pays the rare class's weight."""
    sure = torch.tensor([[20.0, 0.0, 0.0]], dtype=torch.float64)
    weights = (0.1, 50.0, 1.0)
    ours = cross_entropy(sure, torch.tensor([0]), Remedy(weights=weights), 0.1).item()
    theirs = F.cross_entropy(sure, torch.tensor([0]), torch.tensor(weights).double(), label_smoothing=0.1,
                             reduction="sum").item()  # fmt: skip
    assert ours < theirs / 50
