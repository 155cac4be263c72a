"""What the pretrained model sees before any tuning: one pass, used by a baseline and to start the head."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from luthier.types import Window
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
    embedding: Any = model.get_input_embeddings()
    needed = 2 * int(embedding.weight.shape[-1]) * sum(map(len, windows))
    kept = _Kept(keep_states and needed <= _MOST_BYTES)
    model.eval()
    with torch.inference_mode(), runtime.autocast(), _head_inputs(model) as given:
        for numbers in cut(range(len(windows)), [len(w) for w in windows], max_tokens):
            batch = codec.collate([windows[i] for i in numbers]).to(runtime.device)
            said = model(**batch.tensors, output_hidden_states=True)
            pooled_BD = codec.task.pooled(said.hidden_states[-1].float(), batch.tensors["attention_mask"])
            kept.vectors.update(zip(numbers, pooled_BD.cpu().numpy(), strict=True))
            kept.keep(numbers, batch.lengths, said, given.pop() if given else None)
            done(len(numbers))
    parts = _parts(model, codec, inputs, runtime, max_tokens) if apart else ()
    return kept.features(windows, codec.task.more_features(inputs), parts)


@contextmanager
def _head_inputs(model: PreTrainedModel) -> Iterator[list[Tensor]]:
    """What the layer that makes the logits was last given; empty where there is none."""
    head, given = logits_layer(model), []
    hook = head.register_forward_pre_hook(lambda _, args: given.append(args[0])) if head is not None else None
    try:
        yield given
    finally:
        if hook is not None:
            hook.remove()


class _Kept:
    """By the numbers of inputs what is kept of them. large: whether what needs much memory is, too."""

    def __init__(self, large: bool) -> None:
        self.vectors: dict[int, np.ndarray] = {}
        self._large = large
        self._given: dict[int, np.ndarray] = {}
        self._tokens: dict[int, np.ndarray] = {}
        self._states: dict[int, Tensor] = {}

    def keep(self, numbers: Sequence[int], lengths: Sequence[int], said: Any, given: Tensor | None) -> None:
        """given: what the head was given, [B, K] or [B, T, K]."""
        if given is not None and given.ndim == 3 and getattr(said, "logits", given).ndim == 2:
            last_B = torch.tensor(lengths, device=given.device) - 1  # where a decoder answers
            given = given[torch.arange(len(last_B), device=given.device), last_B]
        if given is not None and given.ndim == 2:
            self._given.update(zip(numbers, given.float().cpu().numpy(), strict=True))
        if not self._large:
            return
        if given is not None and given.ndim == 3:
            for row, i, length in zip(given.half().cpu().numpy(), numbers, lengths, strict=True):
                self._tokens[i] = row[:length].copy()
        else:
            below_BTD = said.hidden_states[-2].to("cpu", torch.bfloat16)
            for row, i, length in zip(below_BTD, numbers, lengths, strict=True):
                self._states[i] = row[:length].clone()

    def features(self, windows: Sequence[Window], more_NE: np.ndarray | None, parts: Sequence[np.ndarray]) -> Features:
        order = range(len(windows))
        vectors_ND = np.stack([self.vectors[i] for i in order])
        return Features(
            windows,
            vectors_ND if more_NE is None else np.concatenate([vectors_ND, more_NE], 1),
            np.stack([self._given[i] for i in order]) if len(self._given) == len(windows) else None,
            [self._tokens[i] for i in order] if self._tokens else (),
            [self._states[i] for i in order] if self._states else (),
            parts,
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
