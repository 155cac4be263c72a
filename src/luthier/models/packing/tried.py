"""Whether a model reads several windows in a row as it reads each alone. Nothing here is about one architecture: the
model itself is tried."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from luthier.language import t
from luthier.models.packing.attention import FLASH, body_of, configs_of, packed_attention, position_ids

_WINDOWS = (7, 3, 3, 11)
"""Tokens of the windows that a model is tried on."""
_CLOSE = {torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}
"""How far the state of a token in a row may lie from that of the same token alone, as a share of its length: what is
multiplied in matrices of another shape is rounded otherwise."""
_SAME = {torch.float32: 5e-6, torch.bfloat16: 5e-2, torch.float16: 1e-2}
"""How far it may move when all other windows of the row are others: next to nothing, the shapes being the same."""


def why_not_packed(model: nn.Module, autocast: Callable[[], Any] | None = None) -> str:
    """Why the model cannot read several windows in a row, in words; "" where it can. It is tried: four short windows
    in a row and alone, in evaluation, must give the same states to rounding; in the precision of training, too.

    autocast: opens the precision of training.
    """
    kinds = {str(name) for _, name in configs_of(model, "_attn_implementation")}
    if kinds - {"sdpa", "luthier_dropout"} and not all(name.startswith(FLASH) for name in kinds):
        return t("its attention is {kind}, which cannot be told where a text begins", kind=", ".join(sorted(kinds)))
    body = body_of(model)
    if "position_ids" not in inspect.signature(body.forward).parameters:
        return t("{model} does not take position_ids", model=type(body).__name__)
    was_training = model.training
    model.eval()
    try:
        moved = max(_moved(body), _moved(body, autocast) if autocast else 0.0)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        return t("{model} does not read such a row: {error}", model=type(body).__name__, error=str(error)[:200])
    finally:
        model.train(was_training)
    if moved <= 1:
        return ""
    return t("{model} does not read several texts in a row as it reads each alone", model=type(body).__name__)


def _moved(body: Any, autocast: Callable[[], Any] | None = None) -> float:
    """How far the states of windows in a row lie from those of each alone, and from those in a row with others before
    them, in units of what rounding may do."""
    embedding = body.get_input_embeddings()
    device, generator = embedding.weight.device, torch.Generator().manual_seed(0)
    count = min(embedding.weight.shape[0], body.config.get_text_config().vocab_size)
    ids_2T = torch.randint(count, (2, sum(_WINDOWS)), generator=generator).to(device)
    ids_2T[1, -_WINDOWS[-1] :] = ids_2T[0, -_WINDOWS[-1] :]
    with torch.no_grad(), ExitStack() as stack:
        if autocast is not None:
            stack.enter_context(autocast())
        alone_1TD = torch.cat([body(input_ids=ids).last_hidden_state for ids in ids_2T[:1].split(_WINDOWS, dim=1)], 1)
        with packed_attention(body):
            where = position_ids(_WINDOWS).to(device)
            row, other = (body(input_ids=ids, position_ids=where).last_hidden_state for ids in ids_2T.split(1))
        exact = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else None
    kind = exact or embedding.weight.dtype
    apart = _distance(row, alone_1TD, kind) / _CLOSE[kind]
    return max(apart, _distance(row[:, -_WINDOWS[-1] :], other[:, -_WINDOWS[-1] :], kind) / _SAME[kind])


def _distance(states_1TD: Tensor, others_1TD: Tensor, kind: torch.dtype) -> float:
    """Relative to the length of each state: in fp32 of the token that moved most; else of the middle one, because
    rounding may send a token to another expert."""
    moved_T = (states_1TD - others_1TD)[0].float().norm(dim=-1) / others_1TD[0].float().norm(dim=-1).clamp_min(1e-9)
    far = moved_T.max() if kind == torch.float32 else moved_T.median()
    return far.nan_to_num(torch.inf).item()
