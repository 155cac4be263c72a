"""Forward passes side by side: each core has a batch of its own, instead of all cores sharing each batch.

Nobody waits for the other after every matrix: two threads of one core each answer 1.2 times what one batch on two cores
does on a quiet machine, and far more on a busy one, where whoever is interrupted keeps the other waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

import torch
from torch import nn

from luthier.graphed import Graphed
from luthier.models.packing.attention import configs_of

PartT = TypeVar("PartT")
SaidT = TypeVar("SaidT")
_CHANGING = ("dynamic", "longrope")
"""Rotary embeddings that a forward pass changes for the next one."""


def cores_of(model: nn.Module, task: Any, device: str) -> int:
    """How many forward passes of the model may run at once: as many as this thread may use cores, where a pass leaves
    nothing behind; else 1."""
    if device != "cpu" or not isinstance(task, Graphed) or task.reads_with_torch:
        return 1
    ropes = [str(rope) for _, rope in configs_of(model, "rope_parameters")]
    return 1 if any(name in rope for rope in ropes for name in _CHANGING) else torch.get_num_threads()


def use_cores(count: int) -> None:
    """From now on, for what this thread computes."""
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


def side_by_side(work: Callable[[PartT], SaidT], parts: Sequence[PartT], cores: int) -> Iterator[tuple[PartT, SaidT]]:
    """Each part with what came of it, in the order of the parts. Errors: the first that the work raises."""
    if cores == 1 or len(parts) == 1:
        yield from ((part, work(part)) for part in parts)
        return
    rest = iter(parts)
    with ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            waiting = [(part, pool.submit(work, part)) for part in islice(rest, 2 * cores)]
            while waiting:
                part, future = waiting.pop(0)
                yield part, future.result()
                waiting += [(part, pool.submit(work, part)) for part in islice(rest, 1)]
        finally:
            torch.set_num_threads(cores)  # what torch remembers for threads to come is of the last that said it
