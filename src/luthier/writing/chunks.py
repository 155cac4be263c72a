"""A sum over many rows, and its gradient, in chunks of which none outlives its turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

_NUMBERS = 2**24
"""Logits at once: 64 MiB of float32."""

ChunkLoss = Callable[[Tensor, slice], Tensor]
"""From some of the rows, and which they are, to their loss, a sum."""


def rows_at_once(width: int, size: int) -> int:
    """Rows whose logits are made together. width: of the vocabulary. size: of a state.

    At least `size`: then the logits take no more room than the output layer's weights do, and adding up the weights'
    gradient, once a chunk, costs less than the chunk's own multiplications.
    """
    return max(1, size, _NUMBERS // width)


def summed_in_chunks(
    loss: ChunkLoss, states_ND: Tensor, parameters: Sequence[tuple[Tensor, Tensor]], size: int
) -> Tensor:
    """The loss over all rows, float32. parameters: what else it depends on, and what stands for it in `loss`: itself,
    or a copy without a past. size: rows of a chunk."""
    learns = torch.is_grad_enabled() and (states_ND.requires_grad or len(parameters) > 0)
    if learns:
        total = _InChunks.apply(
            states_ND, loss, size, [copy for _, copy in parameters], *(own for own, _ in parameters)
        )
        assert isinstance(total, Tensor)
        return total
    total = torch.zeros((), device=states_ND.device)
    for piece in _pieces(len(states_ND), size):
        total += loss(states_ND[piece], piece)
    return total


class _InChunks(torch.autograd.Function):
    """The gradient is worked out together with the loss; the way back only multiplies it."""

    @staticmethod
    def forward(
        ctx: Any, states_ND: Tensor, loss: ChunkLoss, size: int, parameters: list[Tensor], *_: Tensor
    ) -> Tensor:  # fmt: skip
        states_ND = states_ND.detach().requires_grad_(ctx.needs_input_grad[0])
        total = torch.zeros((), device=states_ND.device)
        by_states = torch.zeros_like(states_ND) if states_ND.requires_grad else None
        by_parameters: list[Tensor | None] = [None for _ in parameters]
        for piece in _pieces(len(states_ND), size):
            rows = states_ND[piece].detach().requires_grad_(by_states is not None)
            wanted = [*([rows] if by_states is not None else []), *parameters]
            with torch.enable_grad():
                some = loss(rows, piece)
            with torch.autocast(states_ND.device.type, enabled=False):  # as on every other way back
                found = list(torch.autograd.grad(some, wanted, allow_unused=True))
            if by_states is not None:
                by_states[piece] = found.pop(0)
            by_parameters = [_added(*each) for each in zip(by_parameters, found, strict=True)]
            total += some.detach()
        ctx.by_states = by_states
        ctx.by_parameters = [
            torch.zeros_like(p) if g is None else g.to(p.dtype) for g, p in zip(by_parameters, parameters, strict=True)
        ]
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        factor = gradients[0]
        by_states, by_parameters = ctx.by_states, ctx.by_parameters
        del ctx.by_states, ctx.by_parameters  # multiplied in place: there is no second time
        by_states = None if by_states is None else by_states.mul_(factor)
        return by_states, None, None, None, *(gradient.mul_(factor) for gradient in by_parameters)


def _added(sum_: Tensor | None, gradient: Tensor | None) -> Tensor | None:
    """In float32, in place where there is a sum."""
    if sum_ is None or gradient is None:
        return sum_ if gradient is None else gradient.float()
    return sum_.add_(gradient)


def _pieces(count: int, size: int) -> list[slice]:
    return [slice(begin, min(begin + size, count)) for begin in range(0, count, size)]
