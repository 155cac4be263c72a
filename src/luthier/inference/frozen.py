"""What the pretrained model sees before any tuning: one pass, used by a baseline and to start the head."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from luthier.batching import cut
from luthier.caching import Cache
from luthier.codec import Codec
from luthier.inference.kept import features_key, find_features, keep_features
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
    cache: Cache | None = None,
) -> Features:
    """Computed in the runtime's precision. keep_states: what needs much memory as well, token_inputs where the head
    answers at every token, else states; nothing of it where it were more than a gibibyte. apart: of pairs each text
    alone, too.

    done: is told how many inputs were seen since last told. cache: where what is seen is kept for whoever looks again.
    """
    windows = [group[0] for group in codec.encode(inputs)]
    key, found = "", None
    if cache is not None:
        facts = {"pools": _pooling(codec), "max_tokens": max_tokens, "states": keep_states}
        key = features_key(model, windows, runtime, facts)
        found = find_features(cache, key, windows)
    if found is not None:
        done(len(windows))
    else:
        found = _looked(model, codec, windows, runtime, max_tokens, keep_states, done)
        if cache is not None:
            keep_features(cache, key, found)
    more_NE = codec.task.more_features(inputs)
    vectors_ND = found.vectors if more_NE is None else np.concatenate([found.vectors, more_NE], 1)
    parts = _parts(model, codec, inputs, runtime, max_tokens, cache) if apart else ()
    return replace(found, vectors=vectors_ND, parts=parts)


def pooled_alone(model: PreTrainedModel, codec: Codec, inputs: Sequence[Any], device: str) -> np.ndarray:
    """float32 [N, D], the vectors of `frozen_features` for a few inputs, of a model that another thread asks meanwhile:
    nothing is hung on it."""
    windows = [group[0] for group in codec.encode(inputs)]
    found: list[np.ndarray] = []
    with torch.inference_mode():
        for window in windows:  # each alone, for a small step of the machine at a time
            batch = codec.collate([window]).to(device)
            states_BTD = model(**batch.tensors, output_hidden_states=True).hidden_states[-1].float()
            found.append(codec.task.pooled(states_BTD, batch.tensors["attention_mask"]).cpu().numpy()[0])
    return np.stack(found)


def _pooling(codec: Codec) -> list[float]:
    """How the task pools, told by what it makes of a few numbers."""
    pooled_BD = codec.task.pooled(torch.arange(12.0).view(1, 4, 3), torch.tensor([[1, 1, 1, 0]]))
    return pooled_BD.flatten().tolist()


def _looked(
    model: PreTrainedModel, codec: Codec, windows: Sequence[Window], runtime: Runtime, max_tokens: int,
    keep_states: bool, done: Callable[[int], None],
) -> Features:  # fmt: skip
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
    return kept.features(windows)


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

    def features(self, windows: Sequence[Window]) -> Features:
        order = range(len(windows))
        return Features(
            windows,
            np.stack([self.vectors[i] for i in order]),
            np.stack([self._given[i] for i in order]) if len(self._given) == len(windows) else None,
            [self._tokens[i] for i in order] if self._tokens else (),
            [self._states[i] for i in order] if self._states else (),
        )


def _parts(
    model: PreTrainedModel, codec: Codec, inputs: Sequence[Any], runtime: Runtime, max_tokens: int,
    cache: Cache | None,
) -> Sequence[np.ndarray]:  # fmt: skip
    """Of pairs the vectors of the first texts and of the second ones; nothing of anything else."""
    task = codec.task
    parts = [task.parts(value) for value in inputs] if isinstance(task, WholeText) else []
    if not parts or any(len(texts) != 2 for texts in parts):
        return ()
    sides = [list(side) for side in zip(*parts, strict=True)]
    return [
        frozen_features(model, codec, side, runtime, max_tokens=max_tokens, keep_states=False, cache=cache).vectors
        for side in sides
    ]  # fmt: skip
