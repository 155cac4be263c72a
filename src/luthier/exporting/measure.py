"""How fast a model answers one text, and how large it is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from luthier.inference.artifact import Predictor

_MOST, _SECONDS = 50, 4.0
_WARM = 3
_WEIGHTS = (".safetensors", ".onnx", ".data", ".gguf")


def latencies(predictors: Sequence[Predictor], input: Any) -> list[float]:
    """Of each the median of the seconds that it takes from a text to its prediction, alone. They are asked in turn, so
    that a busy machine is as busy for each: up to 50 times, for some seconds in all."""
    for predictor in predictors:
        for _ in range(_WARM):
            predictor.raw([input])
    taken: list[list[float]] = [[] for _ in predictors]
    end = time.perf_counter() + _SECONDS
    while len(taken[0]) < _MOST and (not taken[0] or time.perf_counter() < end):
        for predictor, own in zip(predictors, taken, strict=True):
            begin = time.perf_counter()
            predictor.raw([input])
            own.append(time.perf_counter() - begin)
    return [statistics.median(own) for own in taken]


def typical(predictor: Predictor, inputs: Sequence[Any]) -> Any:
    """The input of middle length."""
    lengths = [sum(map(len, windows)) for windows in predictor.codec.encode(inputs)]
    return inputs[sorted(range(len(inputs)), key=lambda i: lengths[i])[len(inputs) // 2]]


def weight_bytes(folder: Path) -> int:
    """Of the files that hold weights."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in _WEIGHTS)
