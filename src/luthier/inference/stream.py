"""Answers to inputs without end: some are held at a time, one bad input fails alone, order is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from luthier.errors import Problem
from luthier.inference.artifact import Predictor
from luthier.task import AnyTask
from luthier.writer import Writer

_HELD = 4096
"""Enough to sort by length, little enough to bound the memory."""
_HELD_TEXTS = 64
"""Where each answer is written: enough for some batches, and what an interruption costs."""


def held(task: AnyTask) -> int:
    """Inputs that are answered before the first of their answers is told."""
    return _HELD_TEXTS if isinstance(task, Writer) and task.writes else _HELD


def answer(
    predictor: Predictor, inputs: Iterable[Any], done: Callable[[int], None] = lambda count: None
) -> Iterator[tuple[Any, Any]]:
    """For each input the pair of it and the task's prediction; for a Problem in its place, it and None."""
    source = iter(inputs)
    while chunk := list(islice(source, held(predictor.codec.task))):
        predictions = iter(predictor.raw([item for item in chunk if not isinstance(item, Problem)], done))
        for item in chunk:
            yield item, None if isinstance(item, Problem) else next(predictions)
