"""Cross-entropy as a remedy changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.balancing.remedy import Remedy
from luthier.types import IGNORE

if TYPE_CHECKING:
    from torch import Tensor

_LEAST = 1e-7
"""Of 1 - p in the focal factor: at 0 the slope of an exponent below 1 is infinite."""


def cross_entropy(logits_BC: Tensor, targets_B: Tensor, remedy: Remedy, smoothing: float) -> Tensor:
    """The sum over the rows that have a target, float32.

    A row's weight and focal factor multiply its whole loss, what smoothing spreads over the other classes included: a
    rare class's weight is for its own rows, never for the crumbs that other rows leave it.
    """
    from torch.nn import functional as F  # noqa: N812

    if remedy.margins:
        logits_BC = logits_BC + logits_BC.new_tensor(remedy.margins)
    if not remedy.weights and not remedy.focus:
        return F.cross_entropy(logits_BC, targets_B, reduction="sum", ignore_index=IGNORE, label_smoothing=smoothing)
    loss_B = F.cross_entropy(logits_BC, targets_B, reduction="none", ignore_index=IGNORE, label_smoothing=smoothing)
    known_B = targets_B.clamp(min=0)
    if remedy.weights:
        loss_B = loss_B * logits_BC.new_tensor(remedy.weights)[known_B]
    if remedy.focus:
        wrong_B = -logits_BC.log_softmax(-1).gather(1, known_B[:, None])[:, 0].expm1()
        loss_B = loss_B * wrong_B.clamp(min=_LEAST) ** remedy.focus
    return loss_B.sum()


def binary_cross_entropy(logits_BC: Tensor, targets_BC: Tensor, remedy: Remedy) -> Tensor:
    """The sum over rows and labels, float32, where a row may have several labels.

    A label's weight, as a multiple of the least one, is that of the rows that have it: they count as much as if the
    label was as common as the commonest. The focal factor looks at each cell for itself (Lin et al. 2017).
    """
    from torch.nn import functional as F  # noqa: N812

    least = min(remedy.weights, default=1.0)
    positive_C = logits_BC.new_tensor([weight / least for weight in remedy.weights]) if remedy.weights else None
    reduction = "none" if remedy.focus else "sum"
    loss = F.binary_cross_entropy_with_logits(logits_BC, targets_BC, pos_weight=positive_C, reduction=reduction)
    if not remedy.focus:
        return loss
    wrong_BC = ((1 - 2 * targets_BC) * logits_BC).sigmoid()
    return (loss * wrong_BC.clamp(min=_LEAST) ** remedy.focus).sum()


def divergence(logits_BC: Tensor, taught_BC: Tensor, temperature: float) -> Tensor:
    """T² · KL(taught ‖ said), both at temperature T, the sum over rows. T² keeps the gradient's size whatever the
    temperature (Hinton et al. 2015)."""
    from torch.nn import functional as F  # noqa: N812

    told, taught = (logits_BC / temperature).log_softmax(-1), (taught_BC / temperature).log_softmax(-1)
    return F.kl_div(told, taught, reduction="sum", log_target=True) * temperature**2
