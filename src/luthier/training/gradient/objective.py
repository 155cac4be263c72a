"""The gradient of one step, from its micro-batches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from luthier.objective import Joint, Loss
from luthier.training.gradient.cached import backward_jointly
from luthier.training.gradient.passes import Pass
from luthier.types import LabelledBatch


def backward(objective: Loss | Joint, batches: Sequence[LabelledBatch], how: Pass) -> Tensor:
    """Adds the step's gradient, times how.factor. Returns the loss, a sum in float64; over all processes the returned
    values add up to the loss of the step."""
    if isinstance(objective, Joint):
        return backward_jointly(objective, batches, how)
    total = torch.zeros((), dtype=torch.float64, device=how.runtime.device)
    for batch in batches:
        how.begin(batch.numbers)
        moved = batch.to(how.runtime.device)
        with how.runtime.autocast():
            loss = objective(how.model, moved)
        (loss * how.factor).backward()
        total += loss.detach()
    return total
