"""Dropout whose masks are a function of (seed, step, window), not of the batch a window happens to be in.

So the loss does not depend on how a step is cut into micro-batches or shared out among processes, and a resume needs
no saved generator. It is also cheaper on a CPU: torch draws one Bernoulli number an element, which took a seventh of a
training step of a small encoder; sixteen random bits decide as well, and one 64-bit draw holds four of them. The keep
probability is rounded to 1/65536 and the scale fitted to the rounded one, so that the expectation is exact.

Attention is done here only where dropout must reach its weights; everything else stays with torch's kernels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

_LEVELS = 2**16
_NAME = "luthier_dropout"


class Noise:
    """One stream of random bits for each window of the present batch. Layers draw from it in the order they run."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._streams: list[np.random.SFC64] = []
        self._lengths: Sequence[int] = ()

    def begin(self, step: int, windows: Sequence[int], lengths: Sequence[int]) -> None:
        """Before each forward pass. windows: the numbers of the batch's windows. lengths: their real tokens."""
        self._streams = [np.random.SFC64(np.random.SeedSequence((self._seed, step, w))) for w in windows]
        self._lengths = lengths

    def mask(self, states: Tensor, p: float, per_token: tuple[int, ...]) -> Tensor:
        """0 or 1 / (keep probability), in the type and shape of `states` [B, …].

        per_token: which axes run over the tokens. Of a window shorter than the batch only its real tokens draw, so
        that padding does not shift the stream.
        """
        dropped = min(round(p * _LEVELS), _LEVELS)
        if dropped == _LEVELS:
            return torch.zeros_like(states)
        kept = np.zeros(tuple(states.shape), np.bool_)
        for row, stream, length in zip(kept, self._streams, self._lengths, strict=True):
            inner = tuple(
                slice(min(length, size)) if axis in per_token else slice(None) for axis, size in enumerate(row.shape, 1)
            )
            part = row[inner]
            bits = stream.random_raw((part.size + 3) // 4).view(np.uint16)[: part.size]
            np.greater_equal(bits.reshape(part.shape), dropped, out=part)
        return torch.from_numpy(kept).to(states.dtype).mul_(1 / (1 - dropped / _LEVELS))


class CheapDropout(nn.Module):
    """As nn.Dropout (Srivastava et al. 2014) for states [B, T, …] or [B, …]. p: probability of a zero."""

    def __init__(self, p: float, noise: Noise) -> None:
        super().__init__()
        self.p = p
        self._noise = noise

    def forward(self, states: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return states
        return _scaled(states, self._noise.mask(states, self.p, (1,) if states.ndim > 2 else ()))


class _Scaled(torch.autograd.Function):
    """states * mask, keeping the mask alone for the way back."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, mask: Tensor) -> Tensor:
        ctx.save_for_backward(mask)
        return states * mask

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return gradients[0] * mask, None


def _scaled(states: Tensor, mask: Tensor) -> Tensor:
    result = _Scaled.apply(states, mask)
    assert isinstance(result, Tensor)
    return result


@contextmanager
def cheap_dropout(model: nn.Module, seed: int) -> Iterator[Noise]:
    """Inside the block every nn.Dropout of the model, and the dropout of its attention, draws from the Noise."""
    noise = Noise(seed)
    changed: list[tuple[nn.Module, str, nn.Module]] = []
    for part in list(model.modules()):
        for name, child in list(part.named_children()):
            if type(child) is nn.Dropout:
                changed.append((part, name, child))
                setattr(part, name, CheapDropout(child.p, noise))
    config: Any = getattr(model, "config", None)
    attention = getattr(config, "_attn_implementation", None)
    if attention == "sdpa":
        AttentionInterface.register(_NAME, _attention(noise))
        AttentionMaskInterface.register(_NAME, sdpa_mask)
        config._attn_implementation = _NAME
    try:
        yield noise
    finally:
        for part, name, child in changed:
            child.train(getattr(part, name).training)
            setattr(part, name, child)
        if attention == "sdpa":
            config._attn_implementation = attention


def _attention(noise: Noise) -> Any:
    def attend(
        module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
        dropout: float = 0.0, scaling: float | None = None, **options: Any,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """Scaled dot-product attention as transformers calls it: query, key, value [B, heads, T, d]; mask True
        where a key may be seen. Returns [B, T, heads, d]."""
        unusual = getattr(module, "is_causal", False) or options.get("position_bias") is not None
        if dropout == 0 or unusual or key.shape[1] != query.shape[1]:
            plain = ALL_ATTENTION_FUNCTIONS["sdpa"]
            return plain(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options)
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        scores = (query @ key.transpose(-1, -2)).float() * scale
        if attention_mask is not None:
            scores = scores.masked_fill(~attention_mask, torch.finfo(scores.dtype).min)
        weights = scores.softmax(-1)
        weights = _scaled(weights, noise.mask(weights, dropout, (2, 3)))
        return (weights.to(value.dtype) @ value).transpose(1, 2).contiguous(), None

    return attend
