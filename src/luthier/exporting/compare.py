"""Does an exported model say what the original says: its numbers, its answers, its score?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from luthier.evaluation.evaluate import evaluate, resampled
from luthier.evaluation.intervals import Difference, paired_difference
from luthier.exporting.original import Original
from luthier.graphed import Graphed
from luthier.inference.artifact import Predictor
from luthier.inference.graph import Graph
from luthier.inference.predict import batches
from luthier.types import Window

Outputs = Callable[[Sequence[Window]], Mapping[str, np.ndarray]]
"""From windows that go through a model together to what it says of them: [B, …] each or [B, T, …]."""
_NEAR = 1e-3
"""Of numbers that are answers themselves: nearer than this, of the larger, they are the same."""
_SEED = 42
_NEXT = 3
"""Dimensions of outputs that say something of each token."""


@dataclass(frozen=True)
class Apart:
    """furthest: the largest difference of two numbers. largest: of the original's numbers."""

    furthest: float
    largest: float

    def within(self, bound: float) -> bool:
        """bound: of the largest number, or of 1 where all are smaller. False for what is no number."""
        return self.furthest <= bound * max(1.0, self.largest)


def outputs_of(predictor: Predictor) -> Outputs:
    """What the predictor's model says. Of a model that writes: the logits of the next token."""
    model, codec = predictor.model, predictor.codec
    if isinstance(model, Graph):
        return lambda windows: model(codec.arrays(windows))
    import torch

    def say(windows: Sequence[Window]) -> dict[str, np.ndarray]:
        tensors = codec.collate(windows).to(predictor.device).tensors
        with torch.inference_mode():
            if isinstance(codec.task, Graphed):
                said = codec.task.outputs(model, tensors)
            else:
                said = {"logits": _next_logits(model, tensors)}
        return {name: values.cpu().numpy() for name, values in said.items()}

    return say


def _next_logits(model: Any, tensors: Mapping[str, Any]) -> Any:
    """float32 [B, T, V]; of an encoder with a decoder [B, 1, V], of its first token."""
    if not model.config.is_encoder_decoder or "decoder_input_ids" in tensors:
        return model(**tensors).logits.float()
    begin = tensors["input_ids"].new_full((len(tensors["input_ids"]), 1), model.config.decoder_start_token_id)
    return model(**tensors, decoder_input_ids=begin).logits.float()


def apart(original: Original, other: Outputs, done: Callable[[int], None]) -> tuple[Apart, float]:
    """How far the two models' numbers are apart on all that is asked about the rows, padded in the same batches; and of
    how many texts, or tokens where something is said of each, the largest number is in the same place.

    done: is told how many windows were compared since it was last told.
    """
    predictor, say = original.predictor, outputs_of(original.predictor)
    windows = [window for group in predictor.codec.encode(original.inputs) for window in group]
    found, same, places = Apart(0.0, 0.0), 0, 0
    for numbers in batches(windows, predictor.max_tokens):
        few = [windows[i] for i in numbers]
        said, again = say(few), other(few)
        for row, window in enumerate(few):
            one, two = (_real(outputs, row, len(window)) for outputs in (said, again))
            found = _farther(found, one, two)
            for name, values in one.items():
                same += int((values.argmax(-1) == two[name].argmax(-1)).sum())
                places += values[..., 0].size
        done(len(few))
    return found, same / max(1, places)


def _real(outputs: Mapping[str, np.ndarray], row: int, length: int) -> dict[str, np.ndarray]:
    """Of one window what is no padding."""
    return {name: v[row][:length] if v.ndim >= _NEXT else v[row] for name, v in outputs.items()}


def _farther(found: Apart, one: Mapping[str, np.ndarray], two: Mapping[str, np.ndarray]) -> Apart:
    furthest, largest = found.furthest, found.largest
    for name, values in one.items():
        difference = float(np.abs(values - two[name]).max(initial=0.0))
        furthest = max(furthest, difference) if np.isfinite(difference) else float("inf")
        largest = max(largest, float(np.abs(values).max(initial=0.0)))
    return replace(found, furthest=furthest, largest=largest)


def share_alike(task: Any, first: Sequence[Any], second: Sequence[Any]) -> float:
    """Of how many rows both say the same: the same labels, entities, pieces of text, ranks; how sure the two are may
    differ. Where answers are numbers: numbers next to each other."""
    same = [alike(task.show(one), task.show(two)) for one, two in zip(first, second, strict=True)]
    return sum(same) / max(1, len(same))


def alike(one: Any, two: Any) -> bool:
    """Of answers as they are shown. Scores beside words are left out."""
    words, others = _words(one), _words(two)
    if words or others:
        return words == others
    numbers, more = np.array(_numbers(one), float), np.array(_numbers(two), float)
    return numbers.shape == more.shape and bool(np.allclose(numbers, more, rtol=_NEAR, atol=_NEAR))


def _words(value: Any) -> list[Any]:
    """All that is said but fractions, in order."""
    if isinstance(value, Mapping):
        return [word for inner in value.values() for word in _words(inner)]
    if isinstance(value, (list, tuple)):
        return [word for inner in value for word in _words(inner)]
    return [] if isinstance(value, float) else [value]


def _numbers(value: Any) -> list[float]:
    if isinstance(value, Mapping):
        return [number for inner in value.values() for number in _numbers(inner)]
    if isinstance(value, (list, tuple)):
        return [number for inner in value for number in _numbers(inner)]
    return [value] if isinstance(value, float) else []


@dataclass(frozen=True)
class Loss:
    """metric: the task's main score. before, after: of the original and of the export. lost: positive where the
    original is better, with the 95 % interval of the paired bootstrap."""

    metric: str
    before: float
    after: float
    lost: Difference


def loss_of(original: Original, predictions: Sequence[Any]) -> Loss:
    task, answers = original.predictor.codec.task, [example.answer for example in original.examples]
    main = evaluate(task, original.predictions, answers, seed=_SEED, intervals=False).main
    first, second = (resampled(task, said, answers, seed=_SEED) for said in (original.predictions, predictions))
    lost = paired_difference(first, second, main.name, higher_is_better=main.higher_is_better)
    return Loss(main.name, first.values[main.name], second.values[main.name], lost)
