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
from luthier.seen import Features
from luthier.whole_text import WholeText

_MOST_BYTES = 2**30


def frozen_features(
    model: PreTrainedModel,
    codec: Codec,
    inputs: Sequence[Any],
    runtime: Runtime,
    *,
    max_tokens: int,
    keep_states: bool,
    apart: bool = False,
    done: Callable[[int], None] = lambda count: None,
) -> Features:
    """Computed in the runtime's precision. keep_states: what needs much memory as well, token_inputs where the head
    answers at every token, else states; nothing of it where it were more than a gibibyte. apart: of pairs each text
    alone, too.

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
    tokens_in_all = sum(map(len, windows))
    embedding: Any = model.get_input_embeddings()
    bytes_a_token = 2 * int(embedding.weight.shape[-1])
    keep_states = keep_states and bytes_a_token * tokens_in_all <= _MOST_BYTES
    model.eval()
    try:
        with torch.inference_mode(), runtime.autocast():
            for numbers in cut(range(len(windows)), [len(w) for w in windows], max_tokens):
                batch = codec.collate([windows[i] for i in numbers]).to(runtime.device)
                said = model(**batch.tensors, output_hidden_states=True)
                last_BTD = said.hidden_states[-1].float()
                pooled_BD = codec.task.pooled(last_BTD, batch.tensors["attention_mask"])
                vectors.update(zip(numbers, pooled_BD.cpu().numpy(), strict=True))
                if seen and seen[-1].ndim == 3 and getattr(said, "logits", seen[-1]).ndim == 2:
                    last_B = torch.tensor(batch.lengths, device=runtime.device) - 1  # where a decoder answers
                    seen[-1] = seen[-1][torch.arange(len(last_B), device=runtime.device), last_B]
                if seen and seen[-1].ndim == 2:
                    given.update(zip(numbers, seen[-1].float().cpu().numpy(), strict=True))
                at_tokens = bool(seen) and seen[-1].ndim == 3
                if at_tokens and keep_states:
                    for row, i, length in zip(seen[-1].half().cpu().numpy(), numbers, batch.lengths, strict=True):
                        tokens[i] = row[:length].copy()
                seen.clear()
                if keep_states and not at_tokens:
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
        [states[i] for i in order] if states else (),
        _parts(model, codec, inputs, runtime, max_tokens) if apart else (),
    )


def _parts(
    model: PreTrainedModel, codec: Codec, inputs: Sequence[Any], runtime: Runtime, max_tokens: int
) -> Sequence[np.ndarray]:
    """Of pairs the vectors of the first texts and of the second ones; nothing of anything else."""
    task = codec.task
    parts = [task.parts(value) for value in inputs] if isinstance(task, WholeText) else []
    if not parts or any(len(texts) != 2 for texts in parts):
        return ()
    sides = [list(side) for side in zip(*parts, strict=True)]
    return [
        frozen_features(model, codec, side, runtime, max_tokens=max_tokens, keep_states=False).vectors
        for side in sides
    ]  # fmt: skip
