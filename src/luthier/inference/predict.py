"""Inputs to predictions. Evaluation, the Predictor and the server all come through here, so they cannot differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from luthier.batching import cut
from luthier.codec import Codec
from luthier.models.first_position import first_position_only
from luthier.runtime import Runtime
from luthier.types import Example, Window


def predict(
    model: nn.Module,
    codec: Codec,
    inputs: Sequence[Any],
    *,
    device: str,
    max_tokens: int,
    done: Callable[[int], None] = lambda count: None,
    begin: Callable[[Sequence[int]], None] = lambda numbers: None,
) -> list[Any]:
    """One prediction an input, in the order of the inputs, in fp32. Leaves the model in evaluation mode.

    max_tokens: of one forward pass, with padding. done: is told how many windows were answered since last told. begin:
    is told the numbers of the windows before each forward pass.
    """
    windows_of = codec.asked(inputs)
    windows = [window for group in windows_of for window in group]
    inferred: dict[int, Any] = {}
    model.eval()
    with torch.inference_mode(), first_position_only(model):
        for numbers in _batches(windows, max_tokens):
            batch = codec.collate([windows[i] for i in numbers]).to(device)
            begin(numbers)
            inferred.update(zip(numbers, codec.task.infer(model, batch), strict=True))
            done(len(numbers))
    predictions: list[Any] = []
    first = 0
    for input, group in zip(inputs, windows_of, strict=True):
        said = [inferred[i] for i in range(first, first + len(group))]
        predictions.append(codec.decode(input, group, said))
        first += len(group)
    return predictions


def _batches(windows: Sequence[Window], max_tokens: int) -> Iterator[Sequence[int]]:
    """Numbers of windows that go through the model together: of one length, or nearly, and with the same arrays."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, window in enumerate(windows):
        alike.setdefault(tuple(window.arrays), []).append(number)
    lengths = [len(window) for window in windows]
    for numbers in alike.values():
        yield from cut(numbers, lengths, max_tokens)


def predict_shared(
    model: nn.Module, codec: Codec, examples: Sequence[Example[Any, Any]], runtime: Runtime, *, max_tokens: int,
    begin: Callable[[Sequence[int]], None] = lambda numbers: None,
) -> Sequence[Any]:  # fmt: skip
    """A prediction an example, to be scored; what is asked is shared out among the processes, and every process gets
    all predictions. begin: as of `predict`, of this process's share."""
    inputs = codec.task.questions(examples)
    mine = predict(
        model, codec, inputs[runtime.rank :: runtime.world], device=runtime.device, max_tokens=max_tokens, begin=begin
    )
    predictions: list[Any] = [None] * len(inputs)
    for rank, share in enumerate(runtime.gather(mine)):
        predictions[rank :: runtime.world] = share
    return codec.task.scored(examples, predictions)
