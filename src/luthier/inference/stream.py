"""Answers to inputs without end: some are held at a time, one bad input fails alone, order is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from luthier.errors import Problem
from luthier.inference.artifact import Predictor


def answer(
    predictor: Predictor, inputs: Iterable[Any], done: Callable[[int], None] = lambda count: None
) -> Iterator[tuple[Any, Any]]:
    """For each input the pair of it and the task's prediction; for a Problem in its place, it and None."""
    source = iter(inputs)
    while chunk := list(islice(source, predictor.codec.task.most_held)):
        predictions = iter(predictor.raw([item for item in chunk if not isinstance(item, Problem)], done))
        for item in chunk:
            yield item, None if isinstance(item, Problem) else next(predictions)
