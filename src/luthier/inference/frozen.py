"""What the pretrained model sees before any tuning: one pass, used by a baseline and to start the head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from luthier.batching import cut
from luthier.codec import Codec
from luthier.models.head import logits_layer
from luthier.runtime import Runtime
from luthier.types import Features


def frozen_features(
    model: PreTrainedModel,
    codec: Codec,
    inputs: Sequence[Any],
    runtime: Runtime,
    *,
    max_tokens: int,
    keep_states: bool,
    done: Callable[[int], None] = lambda count: None,
) -> Features:
    """Computed in the runtime's precision. keep_states: what would need much memory, states and token_inputs, as well.

    done: is told how many inputs were seen since last told.
    """
    windows = [group[0] for group in codec.encode(inputs)]
    vectors: dict[int, np.ndarray] = {}
    given: dict[int, np.ndarray] = {}
    tokens: dict[int, np.ndarray] = {}
    states: dict[int, Tensor] = {}
    seen: list[Tensor] = []
    head = logits_layer(model)
    hook = head.register_forward_pre_hook(lambda _, args: seen.append(args[0])) if head is not None else None
    model.eval()
    try:
        with torch.inference_mode(), runtime.autocast():
            for numbers in cut(range(len(windows)), [len(w) for w in windows], max_tokens):
                batch = codec.collate([windows[i] for i in numbers]).to(runtime.device)
                said = model(**batch.tensors, output_hidden_states=True)
                last_BTD = said.hidden_states[-1].float()
                mask_BT1 = batch.tensors["attention_mask"][..., None]
                means_BD = (last_BTD * mask_BT1).sum(1) / mask_BT1.sum(1)
                vectors.update(zip(numbers, means_BD.cpu().numpy(), strict=True))
                if seen and seen[-1].ndim == 2:
                    given.update(zip(numbers, seen[-1].float().cpu().numpy(), strict=True))
                elif seen and keep_states:
                    for row, i, length in zip(seen[-1].half().cpu().numpy(), numbers, batch.lengths, strict=True):
                        tokens[i] = row[:length].copy()
                seen.clear()
                if keep_states:
                    below_BTD = said.hidden_states[-2].to("cpu", torch.bfloat16)
                    for row, i, length in zip(below_BTD, numbers, batch.lengths, strict=True):
                        states[i] = row[:length].clone()
                done(len(numbers))
    finally:
        if hook is not None:
            hook.remove()
    order = range(len(windows))
    more_NE = codec.task.more_features(inputs)
    vectors_ND = np.stack([vectors[i] for i in order])
    return Features(
        windows,
        vectors_ND if more_NE is None else np.concatenate([vectors_ND, more_NE], 1),
        np.stack([given[i] for i in order]) if len(given) == len(windows) else None,
        [tokens[i] for i in order] if tokens else (),
        [states[i] for i in order] if keep_states else (),
    )
