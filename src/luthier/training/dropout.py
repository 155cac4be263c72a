"""Dropout whose masks are a function of (seed, step, window, layer, place), not of the batch a window happens to be in.

So the loss does not depend on how a step is cut into micro-batches or shared out among processes, and a resume needs
no saved generator. It is also cheaper on a CPU: torch draws one Bernoulli number an element, which took a seventh of a
training step of a small encoder. Here a counter is hashed (the finaliser of SplitMix64, Steele et al. 2014; the idea of
counters: Salmon et al. 2011), and one hash of 64 bits decides over four elements. The keep probability is rounded to
1/65536 and the scale fitted to the rounded one, so that the expectation is exact.

Attention is done here only where dropout must reach its weights; everything else stays with torch's kernels.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

_LEVELS = 2**16
_ODD = np.uint64(0x9E3779B97F4A7C15)
"""The golden ratio in 64 bits: multiples of it spread over all of them."""
_FIELD = 20
"""Bits for a place along an axis: a million tokens, or heads."""
_NAME = "luthier_dropout"
_CHECKPOINTING = "_gradient_checkpointing_func"
"""By which transformers' layers compute themselves once more on the way back."""
_CALLS = 16
"""Of the function dropout in one forward, at most."""
_UNUSUAL = ("softcap", "s_aux")
"""Options of attention that are left to transformers."""


class Noise:
    """Random bits for the windows of the present batch, by layer and place."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._windows_B = np.zeros(0, np.uint64)
        self._lengths: tuple[int, ...] = ()
        self._only: slice | None = None

    def begin(self, step: int, windows: Sequence[int]) -> None:
        """Before each forward pass. windows: the numbers of the batch's windows."""
        seed = _mix(np.array([self._seed], np.uint64))
        self._windows_B = _mix(_mix(seed + _numbers([step])) + _numbers(windows))

    @property
    def windows(self) -> np.ndarray:
        """uint64 [B]: a seed for each of the batch's windows."""
        return self._windows_B

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of the windows that stand one after another in one row; empty where each has a row of its own."""
        return self._lengths

    def lay(self, lengths: Sequence[int]) -> None:
        """The windows, of these lengths, stand one after another in one row; no lengths: each in a row of its own."""
        self._lengths = tuple(lengths)

    @contextmanager
    def only(self, first: int, count: int) -> Iterator[None]:
        """Inside the block states are those of `count` windows of the batch, each in a row of its own."""
        self._only = slice(first, first + count)
        try:
            yield
        finally:
            self._only = None

    def kept(self, shape: tuple[int, ...], p: float, layer: int) -> Tensor:
        """True for what stays, of states of a shape [B, …]. layer: a number of its own for each dropout.

        Places are numbered along each axis for itself, so that a padded batch has the bits of an unpadded one, and
        within each window, so that windows in one row, [1, T, …], have those of each alone. Some layers are given all
        tokens of the batch on one axis, [B × T, …].
        """
        windows_B = self._windows_B[self._only or slice(None)]
        if self._lengths and self._only is None:
            inner = shape[1:] if shape[0] > 1 else shape[2:]
            windows = zip(np.split(windows_B, len(self._lengths)), self._lengths, strict=True)
            parts = [self._kept(window, (length, *inner), p, layer) for window, length in windows]
            return torch.cat(parts, 1).view(shape)
        if shape[0] != len(windows_B):
            shape_BT = len(windows_B), shape[0] // len(windows_B), *shape[1:]
            return self._kept(windows_B, shape_BT[1:], p, layer).view(shape)
        return self._kept(windows_B, shape[1:], p, layer)

    @staticmethod
    def _kept(windows_B: np.ndarray, shape: tuple[int, ...], p: float, layer: int) -> Tensor:
        """shape: of each window."""
        *outer, last = shape
        bits = _mix(windows_B + _numbers([layer]))
        for axis, size in enumerate([*outer, -(-last // 4)]):
            bits = bits[..., None] + _numbers(range(0, size << _FIELD * axis, 1 << _FIELD * axis))
        return torch.from_numpy(_mix(bits).view(np.uint16)[..., :last] >= _dropped(p))

    @staticmethod
    def scale(p: float) -> float:
        """What stays is multiplied by it, so that the expectation is kept; 0 where nothing stays."""
        kept = _LEVELS - _dropped(p)
        return _LEVELS / kept if kept else 0.0


def _dropped(p: float) -> int:
    """Of 65536 levels, as many as are zeroed."""
    return min(round(p * _LEVELS), _LEVELS)


def _numbers(values: Sequence[int]) -> np.ndarray:
    """Numbers far from each other in all 64 bits; sums of them stay different."""
    return np.array(values, np.uint64) * _ODD


def _mix(values: np.ndarray) -> np.ndarray:
    """Every bit of the result depends on every bit of the value. Works on a copy."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


class CheapDropout(nn.Module):
    """As nn.Dropout (Srivastava et al. 2014) for states [B, …]. p: probability of a zero. layer: its number."""

    def __init__(self, p: float, noise: Noise, layer: int) -> None:
        super().__init__()
        self.p, self.layer = p, layer
        self._noise = noise

    def forward(self, states: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return states
        return _drop(states, self._noise.kept(tuple(states.shape), self.p, self.layer), self._noise.scale(self.p))


class _Drop(torch.autograd.Function):
    """What is kept, scaled; a bit an element is all that the way back needs."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return (states * kept).mul_(scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (kept,) = ctx.saved_tensors
        return (gradients[0] * kept).mul_(ctx.scale), None, None


def _drop(states: Tensor, kept: Tensor, scale: float) -> Tensor:
    result = _Drop.apply(states, kept, scale)
    assert isinstance(result, Tensor)
    return result


@contextmanager
def cheap_dropout(model: nn.Module, seed: int) -> Iterator[Noise]:
    """Inside the block every dropout of the model draws from the Noise: its nn.Dropout, that of its attention, and
    torch's function where a part calls it by itself. Gradient checkpointing is to be switched on before."""
    noise = Noise(seed)
    changed: list[tuple[nn.Module, str, nn.Dropout]] = []
    parts = list(model.modules())
    for part in parts:
        for name, child in list(part.named_children()):
            if type(child) is nn.Dropout:
                changed.append((part, name, child))
    layers: dict[nn.Module, int] = {}
    for layer, (part, name, child) in enumerate(changed):
        setattr(part, name, CheapDropout(child.p, noise, layer))
        layers.setdefault(part, layer)  # an attention does not call its own dropout: its number is free
    for layer, part in enumerate(parts, len(changed)):
        layers.setdefault(part, layer)
    configs = _with_sdpa(parts)
    if configs:
        AttentionInterface.register(_NAME, _attention(noise, layers))
        AttentionMaskInterface.register(_NAME, sdpa_mask)
    for config in configs:
        config._attn_implementation = _NAME
    try:
        with _function_draws(parts, noise, len(changed) + len(parts)):
            yield noise
    finally:
        for part, name, child in changed:
            child.train(getattr(part, name).training)
            setattr(part, name, child)
        for config in configs:
            config._attn_implementation = "sdpa"


@contextmanager
def _function_draws(parts: Sequence[nn.Module], noise: Noise, first: int) -> Iterator[None]:
    """Inside the block torch's function draws from the Noise where the forward of one of the parts calls it. first:
    number that is free for the first of them."""
    calling = [part for part in parts if _calls_dropout(type(part))]
    checkpointing = [getattr(part, _CHECKPOINTING, None) for part in calling]
    for k, (part, checkpoint) in enumerate(zip(calling, checkpointing, strict=True)):
        drawing = partial(_drawing, noise=noise, first=first + k * _CALLS)
        part.forward = drawing(part.forward)
        if checkpoint is not None:  # what is computed once more is not the part's forward but what is handed over here
            setattr(part, _CHECKPOINTING, partial(_checkpointed, checkpoint, drawing))
    try:
        yield
    finally:
        for part, checkpoint in zip(calling, checkpointing, strict=True):
            del part.forward
            if checkpoint is not None:
                setattr(part, _CHECKPOINTING, checkpoint)


@cache
def _calls_dropout(kind: type[nn.Module]) -> bool:
    """Whether its forward calls torch's function itself, as BART's layers do."""
    try:
        return kind.__module__.partition(".")[0] != "torch" and "functional.dropout(" in inspect.getsource(kind.forward)
    except (OSError, TypeError):
        return False


def _drawing(forward: Any, noise: Noise, first: int) -> Any:
    """The same forward, with torch's function dropout numbered from `first` by its calls. Each time from there: where
    activations are computed once more on the way back, the masks are the same."""

    def wrapped(*args: Any, **options: Any) -> Any:
        layers = iter(range(first, first + _CALLS))

        def dropout(states: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
            if not training or p == 0:
                return states
            return _drop(states, noise.kept(tuple(states.shape), p, next(layers)), noise.scale(p))

        outer, F.dropout = F.dropout, dropout
        try:
            return forward(*args, **options)
        finally:
            F.dropout = outer

    return wrapped


def _checkpointed(checkpoint: Any, drawing: Any, forward: Any, *args: Any, **options: Any) -> Any:
    return checkpoint(drawing(forward), *args, **options)


def _with_sdpa(parts: Sequence[nn.Module]) -> list[Any]:
    """Configurations of the parts whose attention is torch's, each once: an encoder and a decoder have their own."""
    configs = {id(config): config for part in parts if (config := getattr(part, "config", None)) is not None}
    return [config for config in configs.values() if getattr(config, "_attn_implementation", None) == "sdpa"]


def _attention(noise: Noise, layers: Mapping[nn.Module, int]) -> Any:
    """layers: of each part of the model the number of its dropout."""

    def attend(
        module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
        dropout: float = 0.0, scaling: float | None = None, **options: Any,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """Scaled dot-product attention as transformers calls it: query [B, heads, T, d], key and value with as many
        heads or fewer; mask True where a key may be seen, or added. Returns [B, T, heads, d]."""
        if dropout == 0 or any(options.get(name) is not None for name in _UNUSUAL):
            plain = ALL_ATTENTION_FUNCTIONS["sdpa"]
            return plain(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options)
        groups = query.shape[1] // key.shape[1]
        if groups > 1:
            key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        scores = (query * scale) @ key.transpose(-1, -2)
        if options.get("position_bias") is not None:
            scores = scores + options["position_bias"]
        mask = _causal(module, scores, options.get("is_causal")) if attention_mask is None else attention_mask
        if mask is not None and mask.dtype == torch.bool:
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        elif mask is not None:
            scores = scores + mask
        weights = torch.softmax(scores, -1, dtype=torch.float32).to(value.dtype)
        weights = _drop(weights, noise.kept(tuple(weights.shape), dropout, layers[module]), noise.scale(dropout))
        return (weights @ value).transpose(1, 2).contiguous(), None

    return attend


def _causal(module: nn.Module, scores: Tensor, asked: bool | None) -> Tensor | None:
    """Without a mask of its own a decoder's attention sees what came before; a single query sees all."""
    causal = getattr(module, "is_causal", False) if asked is None else asked
    queries, keys = scores.shape[-2:]
    if not causal or queries == 1:
        return None
    return torch.ones(queries, keys, dtype=torch.bool, device=scores.device).tril(keys - queries)
