"""Noise on the input embeddings while a model is tuned (NEFTune, Jain et al. 2023): answers come out less parroted.

To each number of a token's embedding comes a uniform one of ±α/√(T·D), for T real tokens of the window and D numbers
of an embedding, so that the noise of a window has one expected length whatever its text. It is a function of
(seed, step, window, place), as dropout's masks are here: neither a resume nor another cut into micro-batches changes
it, on any device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from luthier.training.dropout import Noise

_STREAM = 0x5851F42D4C957F2D
"""That no dropout has the same bits."""
_ODD = 0x9E3779B97F4A7C15 - 2**64
"""The golden ratio in 64 bits, as a signed number."""
_FIELD = 24
"""Bits for a place within an embedding."""


@contextmanager
def noisy_embeddings(model: nn.Module, noise: Noise, alpha: float) -> Iterator[None]:
    """Inside the block the embeddings of the model's input_ids are noisy in training mode, where a token is real; an
    encoder-decoder's are those of its source. alpha: 0 leaves the model as it is. noise: whose windows are the batch's.
    """
    if alpha == 0:
        yield
        return
    given: dict[str, Any] = {}

    def remember(_: nn.Module, __: Any, options: dict[str, Any]) -> None:
        given.update(ids=options.get("input_ids"), mask=options.get("attention_mask"))

    def disturb(part: nn.Module, asked: tuple[Tensor, ...], states_BTD: Tensor) -> Tensor | None:
        ids_BT = given.get("ids")
        if not model.training or ids_BT is None or not _is_same(asked[0], ids_BT):
            return None
        mask_BT = given["mask"] if given["mask"] is not None else torch.ones_like(ids_BT)
        drawn = embedding_noise(noise.windows, noise.lengths, mask_BT, states_BTD.shape[-1], alpha)
        return states_BTD + drawn.to(states_BTD.dtype)

    table = model.get_input_embeddings().weight  # pyright: ignore[reportCallIssue]
    lookups = [part for part in model.modules() if getattr(part, "weight", None) is table and not _is_output(part)]
    hooks = [model.register_forward_pre_hook(remember, with_kwargs=True)]
    hooks += [part.register_forward_hook(disturb) for part in lookups]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def embedding_noise(windows_B: np.ndarray, lengths: Sequence[int], mask_BT: Tensor, size: int, alpha: float) -> Tensor:
    """[B, T, D] float32. windows: the seeds of the batch's windows, uint64. lengths: of windows that stand one after
    another in one row, [1, T]; empty where each has a row of its own. mask: 1 at real tokens, which are numbered from
    their window's first, so that neither padding nor neighbours change anything."""
    device = mask_BT.device
    seeds = torch.from_numpy(windows_B.view(np.int64)).to(device)
    if lengths:
        counts = torch.tensor(lengths, device=device)
        seeds_BT, counts_BT = seeds.repeat_interleave(counts)[None], counts.repeat_interleave(counts)[None]
        places_BT = torch.cat([torch.arange(length, device=device) for length in lengths])[None]
        real_BT = torch.ones_like(places_BT, dtype=torch.bool)
    else:
        real_BT = mask_BT != 0
        seeds_BT, counts_BT = seeds[:, None], real_BT.sum(1, keepdim=True).clamp_min(1)
        places_BT = (real_BT.cumsum(1) - 1).clamp_min(0)
    bits = _mix(seeds_BT + _STREAM) + (places_BT << _FIELD) * _ODD
    bits = _mix(bits[..., None] + torch.arange(-(-size // 4), device=device) * _ODD)
    levels = bits.view(torch.int16)[..., :size]  # four of 16 bits each
    bound_BT = alpha / (counts_BT * size).float().sqrt() * real_BT
    return (levels.float() + 0.5) / 2**15 * bound_BT[..., None]


def _mix(bits: Tensor) -> Tensor:
    """The finaliser of SplitMix64 (Steele et al. 2014) on signed numbers, whose products wrap around alike."""
    bits = bits ^ _shifted(bits, 30)
    bits = bits * (0xBF58476D1CE4E5B9 - 2**64)
    bits = bits ^ _shifted(bits, 27)
    bits = bits * (0x94D049BB133111EB - 2**64)
    return bits ^ _shifted(bits, 31)


def _shifted(bits: Tensor, by: int) -> Tensor:
    """To the right, with zeros coming in from the left."""
    return (bits >> by) & (2 ** (64 - by) - 1)


def _is_same(one: Tensor, other: Tensor) -> bool:
    """Whether these are the same numbers in memory, under whatever shape."""
    return one.data_ptr() == other.data_ptr() and one.numel() == other.numel()


def _is_output(part: nn.Module) -> bool:
    return isinstance(part, nn.Linear)
