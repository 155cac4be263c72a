"""Whether a model reads several windows in a row as it reads each alone. Nothing here is about one architecture: the
model itself is tried."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from luthier.language import t
from luthier.models.packing.attention import FLASH, body_of, configs_of, packed_attention, position_ids

_WINDOWS = (7, 3, 3, 11)
"""Tokens of the windows that a model is tried on."""
_CLOSE = {torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}
"""How far what a model says may move, as a share of its own spread: rounding, and far less than a window that sees
another moves it."""


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
    """How far the states of windows in a row lie from those of each alone, in units of what rounding may do."""
    embedding = body.get_input_embeddings()
    device, generator = embedding.weight.device, torch.Generator().manual_seed(0)
    count = min(embedding.weight.shape[0], body.config.get_text_config().vocab_size)
    ids_1T = torch.randint(count, (1, sum(_WINDOWS)), generator=generator).to(device)
    with torch.no_grad(), ExitStack() as stack:
        if autocast is not None:
            stack.enter_context(autocast())
        alone = [body(input_ids=ids).last_hidden_state for ids in ids_1T.split(_WINDOWS, dim=1)]
        with packed_attention(body):
            together = body(input_ids=ids_1T, position_ids=position_ids(_WINDOWS).to(device)).last_hidden_state
        exact = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else None
    states = torch.cat(alone, 1).float()
    close = _CLOSE[exact or embedding.weight.dtype]
    return ((together.float() - states).abs().max() / (close * states.std().clamp_min(1e-9))).nan_to_num(9.0).item()
