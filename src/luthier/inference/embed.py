"""Texts to vectors: the mean of the body's last hidden states over the real tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from luthier.batching import cut
from luthier.codec import Codec
from luthier.runtime import Runtime


def embed(
    model: PreTrainedModel,
    codec: Codec,
    inputs: Sequence[Any],
    runtime: Runtime,
    *,
    max_tokens: int,
    done: Callable[[int], None] = lambda count: None,
) -> np.ndarray:
    """float32 [N, D], in the runtime's precision. Of an input of several windows the first counts.

    done: is told how many inputs were embedded since last told.
    """
    windows = [group[0] for group in codec.encode(inputs)]
    vectors: dict[int, np.ndarray] = {}
    model.eval()
    with torch.inference_mode(), runtime.autocast():
        for numbers in cut(range(len(windows)), [len(w) for w in windows], max_tokens):
            batch = codec.collate([windows[i] for i in numbers]).to(runtime.device)
            states_BTD = model.base_model(**batch.tensors).last_hidden_state.float()
            mask_BT1 = batch.tensors["attention_mask"][..., None]
            means_BD = (states_BTD * mask_BT1).sum(1) / mask_BT1.sum(1)
            vectors.update(zip(numbers, means_BD.cpu().numpy(), strict=True))
            done(len(numbers))
    return np.stack([vectors[i] for i in range(len(windows))])
