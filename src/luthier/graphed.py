"""What a model says, apart from what is made of it: the first is a graph of tensors that another runtime than torch may
compute, the second needs numpy alone. So evaluation, serving and an exported model make the same of the same numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from luthier.types import Batch

if TYPE_CHECKING:  # torch takes a second to import
    from torch import Tensor


class Graphed(ABC):
    """Of a task whose answers come from one pass of the model. By default from its logits."""

    reads_with_torch: ClassVar[bool] = False
    """Whether torch is needed to read its inputs, too."""

    def outputs(self, model: Any, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """By name what the model says of a batch, float32, [B, …] each or [B, T, …]; traced as it is by an export."""
        return {"logits": model(**tensors).logits.float()}

    @abstractmethod
    def read(self, outputs: Mapping[str, np.ndarray], lengths: Sequence[int]) -> Sequence[Any]:
        """What `infer` gives, one item a window. outputs: as of `outputs`. lengths: real tokens of each window."""

    def infer(self, model: Any, batch: Batch) -> Sequence[Any]:
        said = self.outputs(model, batch.tensors)
        return self.read({name: values.cpu().numpy() for name, values in said.items()}, batch.lengths)


def moved_logits(logits: Any, temperature: float, shifts: Sequence[float]) -> Any:
    """Divided by the temperature, then shifted; arrays or tensors, [..., C]."""
    divided = logits / temperature
    if not shifts:
        return divided
    is_array = isinstance(divided, np.ndarray)
    return divided + (np.array(shifts, divided.dtype) if is_array else divided.new_tensor(shifts))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Over the last axis, in the logits' own precision."""
    grown = np.exp(logits - logits.max(-1, keepdims=True))
    return grown / grown.sum(-1, keepdims=True)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """As `softmax`, the natural logarithm."""
    above = logits - logits.max(-1, keepdims=True)
    return above - np.log(np.exp(above).sum(-1, keepdims=True))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """exp(-|x|) never overflows; in the logits' own precision."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1, small) / (1 + small)
