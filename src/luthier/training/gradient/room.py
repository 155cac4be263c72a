"""What a step does when its micro-batches do not fit into the memory: it begins again with smaller ones.

The step's rows, its loss and the dropout of each window stay the same, so the result does, to rounding.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from luthier.errors import Place, Problem, StoppedError
from luthier.language import t
from luthier.types import LabelledBatch

Collate = Callable[[int, Sequence[int]], LabelledBatch]
"""From a step's number and the numbers of some of its windows their micro-batch."""
Attempt = Callable[[Sequence[LabelledBatch]], Tensor]


@dataclass
class Room:
    """most: tokens of a micro-batch, padding included; known once one did not fit."""

    collate: Collate
    warn: Callable[[str], None]
    most: float = math.inf

    def fitted(self, step: int, batches: Sequence[LabelledBatch]) -> list[LabelledBatch]:
        """The step's micro-batches, those that are too large cut in halves until they are not."""
        return [part for batch in batches for part in self._parts(step, batch)]

    def shrink(self, step: int, batches: Sequence[LabelledBatch]) -> list[LabelledBatch]:
        """The same windows in micro-batches of half the size, from here on.

        Errors: StoppedError where each is but one window already.
        """
        largest = max((batch.inputs.padded for batch in batches if len(batch.numbers) > 1), default=0)
        if not largest:
            longest = max(batch.inputs.padded for batch in batches)
            what = t("one text of {tokens:,} tokens does not fit into the memory", tokens=longest)
            fix = t("set a smaller train.max_length, train.gradient_checkpointing=true or tuning.method=lora, then "
                    "begin again")  # fmt: skip
            raise StoppedError(Problem(Place(f"step {step + 1}"), what, fix, "out-of-memory"))
        self.most = largest // 2
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self.warn(t("step {step}: out of memory with {tokens:,} tokens at once; from here on at most {most:,}, "
                    "with the same result", step=step + 1, tokens=largest, most=self.most))  # fmt: skip
        return self.fitted(step, batches)

    def _parts(self, step: int, batch: LabelledBatch) -> list[LabelledBatch]:
        count = len(batch.numbers)
        if batch.inputs.padded <= self.most or count < 2:
            return [batch]
        halves = batch.numbers[: count // 2], batch.numbers[count // 2 :]
        return [part for half in halves for part in self._parts(step, self.collate(step, half))]


def in_room(
    room: Room | None, step: int, batches: Sequence[LabelledBatch], attempt: Attempt, undo: Callable[[], None]
) -> tuple[Tensor, Sequence[LabelledBatch]]:
    """What the attempt gives, and the micro-batches with which it came to its end. undo: what an attempt that ran out
    of memory has left. Without a room that error is the caller's. Errors: as of `Room.shrink`."""
    while True:
        try:
            return attempt(batches), batches
        except (RuntimeError, MemoryError) as error:
            if room is None or not is_out_of_memory(error):
                raise
        undo()  # out here the error, and with it the graph, is gone
        batches = room.shrink(step, batches)


def is_out_of_memory(error: BaseException) -> bool:
    """On a CPU torch has no class of its own for it."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )
