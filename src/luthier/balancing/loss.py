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
