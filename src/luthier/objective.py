"""What a training step makes less: a sum over its batches, or one loss over all of its windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luthier.types import Batch, LabelledBatch

if TYPE_CHECKING:  # torch takes a second to import
    from torch import Tensor

Loss = Callable[[Any, LabelledBatch], "Tensor"]
"""From a model and a batch to the SUM of the loss over its targets."""


@dataclass(frozen=True)
class Part:
    """What goes through the model at once for a joint loss. numbers: of each of its B rows, no two alike within a
    step. facts: what the loss must know of the rows, small."""

    inputs: Batch
    numbers: tuple[int, ...]
    facts: Any


@dataclass(frozen=True)
class Joint:
    """A loss in which all windows of a step are held against each other, so that it is no sum over batches.

    parts: of a batch. embed: from a model and a part to [B, D] float32, each row by itself. loss: from the rows
    [M, D] of all parts of the step, and the parts' facts in the same order, to the SUM over the step's targets.
    """

    parts: Callable[[LabelledBatch], Sequence[Part]]
    embed: Callable[[Any, Part], Tensor]
    loss: Callable[[Tensor, Sequence[Any]], Tensor]
