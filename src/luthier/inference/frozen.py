"""What the pretrained model sees before any tuning: one pass, used by a baseline and to start the head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from luthier.batching import cut
from luthier.codec import Codec
from luthier.runtime import Runtime


@dataclass(frozen=True)
class Features:
    """vectors: [N, D], the mean of the last hidden states over the real tokens. head_inputs: [N, K], what the
    head's last linear layer is given; None where the model has no such layer."""

    vectors: np.ndarray
    head_inputs: np.ndarray | None


def frozen_features(
    model: PreTrainedModel,
    codec: Codec,
    inputs: Sequence[Any],
    runtime: Runtime,
    *,
    max_tokens: int,
    done: Callable[[int], None] = lambda count: None,
) -> Features:
    """float32, computed in the runtime's precision. Of an input of several windows the first counts.

    done: is told how many inputs were seen since last told.
    """
    windows = [group[0] for group in codec.encode(inputs)]
    vectors: dict[int, np.ndarray] = {}
    given: dict[int, np.ndarray] = {}
    seen: list[Tensor] = []
    head = last_linear(model)
    hook = head.register_forward_pre_hook(lambda _, args: seen.append(args[0])) if head is not None else None
    model.eval()
    try:
        with torch.inference_mode(), runtime.autocast():
            for numbers in cut(range(len(windows)), [len(w) for w in windows], max_tokens):
                batch = codec.collate([windows[i] for i in numbers]).to(runtime.device)
                said = model(**batch.tensors, output_hidden_states=True)
                states_BTD = said.hidden_states[-1].float()
                mask_BT1 = batch.tensors["attention_mask"][..., None]
                means_BD = (states_BTD * mask_BT1).sum(1) / mask_BT1.sum(1)
                vectors.update(zip(numbers, means_BD.cpu().numpy(), strict=True))
                if seen and seen[-1].ndim == 2:
                    given.update(zip(numbers, seen[-1].float().cpu().numpy(), strict=True))
                seen.clear()
                done(len(numbers))
    finally:
        if hook is not None:
            hook.remove()
    order = range(len(windows))
    return Features(
        np.stack([vectors[i] for i in order]),
        np.stack([given[i] for i in order]) if len(given) == len(windows) else None,
    )


def last_linear(model: PreTrainedModel) -> nn.Linear | None:
    """The layer outside the body that makes the logits, one for each label; None where there is no such layer."""
    body = f"{model.base_model_prefix}."
    count = getattr(model.config, "num_labels", None)
    found = [
        part
        for name, part in model.named_modules()
        if isinstance(part, nn.Linear) and not name.startswith(body) and part.out_features == count
    ]
    return found[-1] if found else None
