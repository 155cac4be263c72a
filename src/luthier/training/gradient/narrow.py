"""Frozen weights kept in the precision in which they are multiplied: a third of the memory, and no cast at every pass.

Where matrices are multiplied in half precision autocast casts the weights of a linear layer at every pass, and keeps
the copies of frozen ones for the way back: four bytes a weight and two more. Many models lie in their files in that
very precision. Then the cast loses nothing, and is made once; other weights are left as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from luthier.tuning.parts import layers_of


class Narrow(nn.Linear):
    """Outside autocast as with the wide weights: widening them again is exact."""

    def forward(self, input: Tensor) -> Tensor:
        is_cast = torch.is_autocast_enabled(input.device.type)
        return functional.linear(input, self.weight if is_cast else self.weight.to(input.dtype), self.bias)


@contextmanager
def narrow_frozen(model: nn.Module, kind: torch.dtype) -> Iterator[int]:
    """Inside the block frozen weights of the linear layers in the model's stack are kept in `kind`, where no number
    changes by that. Yields how many."""
    changed = [part for part in _frozen(model) if _narrowed(part, kind)]
    try:
        yield len(changed)
    finally:
        for part in changed:
            part.weight.data = part.weight.data.float()
            part.__class__ = nn.Linear


def spared_bytes(model: nn.Module) -> int:
    """That the weights take less now, inside the block."""
    return sum(2 * part.weight.numel() for part in model.modules() if isinstance(part, Narrow))


def _frozen(model: nn.Module) -> list[nn.Linear]:
    holders = Counter(id(p) for part in model.modules() for p in part.parameters(recurse=False))
    inside = [part for layer in layers_of(model) for part in layer.modules()]
    parts = [part for part in inside if type(part) is nn.Linear and not part.weight.requires_grad]
    return [part for part in parts if part.weight.dtype == torch.float32 and holders[id(part.weight)] == 1]


def _narrowed(part: nn.Linear, kind: torch.dtype) -> bool:
    narrow = part.weight.data.to(kind)
    if not torch.equal(narrow.float(), part.weight.data):
        return False
    part.weight.data = narrow
    part.__class__ = Narrow
    return True
