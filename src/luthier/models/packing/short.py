"""Attention over short windows on a CPU in bf16, as matrix multiplications and a softmax.

torch's own kernel spares the matrix of weights, which pays for long windows; for short ones its way back takes three
times as long as these few calls (measured on an AVX-512 BF16 processor, 6 heads of 64: 28 against 83 ms for 32 windows
of 94 tokens, 60 against 97 for 15 of 200, level near 500; in fp32 torch's kernel is the faster one everywhere). Scores
and their softmax are fp32, as in that kernel.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

LONGEST = 400
"""Tokens of a window up to which this is faster."""


def fits(query: Tensor, length: int) -> bool:
    """Whether windows of this length are read faster here."""
    if query.device.type != "cpu" or length > LONGEST:
        return False
    mixed = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return mixed or query.dtype == torch.bfloat16


def attend(query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None, scale: float) -> Tensor:
    """[B, heads, T, d] in bf16. key, value: [B, heads or a divisor of them, T, d]. hidden: float32 [T, T], what is
    added to the scores, -inf where a key is not to be seen."""
    heads = query.shape[1]
    key, value = (s if s.shape[1] == heads else s.repeat_interleave(heads // s.shape[1], 1) for s in (key, value))
    flat = (states.reshape(-1, *states.shape[2:]) for states in (query, key, value))
    said = _Attention.apply(*flat, hidden, scale)
    assert isinstance(said, Tensor)
    return said.view(*query.shape[:3], value.shape[-1])


class _Attention(torch.autograd.Function):
    """query, key, value [N, T, d]."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None, scale: float) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            wide = (query.float(), key.float().transpose(1, 2))
            scores = torch.bmm(*wide).mul_(scale) if hidden is None else torch.baddbmm(hidden, *wide, alpha=scale)
            weights = torch.softmax(scores, -1).bfloat16()
            narrow = query.bfloat16(), key.bfloat16(), value.bfloat16()
            ctx.save_for_backward(*narrow, weights)
            ctx.scale, ctx.dtypes = scale, (query.dtype, key.dtype, value.dtype)
            return torch.bmm(weights, narrow[2])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        with torch.autocast("cpu", enabled=False):
            query, key, value, weights = ctx.saved_tensors
            given = gradients[0].bfloat16()
            by_value = torch.bmm(weights.transpose(1, 2), given)
            by_weights = torch.bmm(given, value.transpose(1, 2))
            by_scores = torch.ops.aten._softmax_backward_data(by_weights, weights, -1, weights.dtype)
            by_query = torch.bmm(by_scores, key).mul_(ctx.scale)
            by_key = torch.bmm(by_scores.transpose(1, 2), query).mul_(ctx.scale)
            found = (by_query, by_key, by_value)
        return *(g.to(dtype) for g, dtype in zip(found, ctx.dtypes, strict=True)), None, None
