"""Inputs to predictions. Evaluation, the Predictor and the server all come through here, so they cannot differ. Nothing
at the top needs torch: an exported model answers without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from luthier.batching import cut
from luthier.codec import Codec
from luthier.types import Example, Window

if TYPE_CHECKING:  # torch takes seconds to import
    from torch import nn

    from luthier.runtime import Runtime

Infer = Callable[[Sequence[Window]], Sequence[Any]]
"""From windows that go through a model together to what it says of each."""
Begin = Callable[[Sequence[int]], None]
"""Is told the numbers of the windows before each forward pass."""
_SHARE, _LEAST_SHARE = 1024, 128
"""Tokens of a batch where several cores have one each: what lies between two matrices stays near the processor. Fewer
than the least are not worth a core of their own."""


def answered(
    codec: Codec, inputs: Sequence[Any], infer: Infer, *, max_tokens: int,
    done: Callable[[int], None] = lambda count: None, begin: Begin | None = None, cores: int = 1,
) -> list[Any]:  # fmt: skip
    """One prediction an input, in the order of the inputs, whatever computes it.

    max_tokens: of one forward pass, with padding. done: is told how many windows were answered since last told. cores:
    how many forward passes of torch may run at once.
    """
    windows_of = codec.asked(inputs)
    windows = [window for group in windows_of for window in group]
    inferred: dict[int, Any] = {}
    for numbers, said in _inferred(windows, infer, max_tokens, begin, cores):
        inferred.update(zip(numbers, said, strict=True))
        done(len(numbers))
    predictions: list[Any] = []
    first = 0
    for input, group in zip(inputs, windows_of, strict=True):
        said = [inferred[i] for i in range(first, first + len(group))]
        predictions.append(codec.decode(input, group, said))
        first += len(group)
    return predictions


def predict(
    model: nn.Module,
    codec: Codec,
    inputs: Sequence[Any],
    *,
    device: str,
    max_tokens: int,
    done: Callable[[int], None] = lambda count: None,
    begin: Begin | None = None,
) -> list[Any]:
    """As `answered`, by a torch model in fp32. Leaves the model in evaluation mode."""
    import torch

    from luthier.models.first_position import first_position_only
    from luthier.models.quick.side_by_side import cores_of

    def infer(windows: Sequence[Window]) -> Sequence[Any]:
        with torch.inference_mode():  # which each thread is in or not
            return codec.task.infer(model, codec.collate(windows).to(device))

    model.eval()
    cores = 1 if begin is not None else cores_of(model, codec.task, device)
    with first_position_only(model):
        return answered(codec, inputs, infer, max_tokens=max_tokens, done=done, begin=begin, cores=cores)


def _inferred(
    windows: Sequence[Window], infer: Infer, max_tokens: int, begin: Begin | None, cores: int
) -> Iterator[tuple[Sequence[int], Sequence[Any]]]:
    """Numbers of windows that went through the model together, and what it said of each."""

    def work(numbers: Sequence[int]) -> Sequence[Any]:
        if begin is not None:
            begin(numbers)
        return infer([windows[i] for i in numbers])

    if cores == 1:
        yield from ((numbers, work(numbers)) for numbers in batches(windows, max_tokens))
        return
    from luthier.models.quick.side_by_side import side_by_side

    share = -(-sum(map(len, windows)) // cores)
    parts = list(batches(windows, min(max_tokens, max(_LEAST_SHARE, min(_SHARE, share)))))
    yield from side_by_side(work, parts[::-1], cores)  # the long ones first: those that end it are small


def batches(windows: Sequence[Window], max_tokens: int) -> Iterator[Sequence[int]]:
    """Numbers of windows that go through the model together: of one length, or nearly, and with the same arrays."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, window in enumerate(windows):
        alike.setdefault(tuple(window.arrays), []).append(number)
    lengths = [len(window) for window in windows]
    for numbers in alike.values():
        yield from cut(numbers, lengths, max_tokens)


def predict_shared(
    model: nn.Module, codec: Codec, examples: Sequence[Example[Any, Any]], runtime: Runtime, *, max_tokens: int,
    begin: Begin | None = None,
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
