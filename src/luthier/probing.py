"""What the untuned model makes of the data, looked at once: a baseline stands on it, and the head begins with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel

from luthier.codec import Codec
from luthier.data.split import PARTS, Split
from luthier.evaluation.baselines import sample
from luthier.evaluation.linear import Rows, Scaling, best_linear
from luthier.inference.frozen import Features, frozen_features, last_linear
from luthier.language import t
from luthier.progress import Progress
from luthier.runtime import Runtime
from luthier.task import AnyTask
from luthier.types import Example

_STRENGTHS = (0.03, 0.003, 0.3)


def judged_part(split: Split[Any, Any]) -> str:
    """Where a run is judged: on the test split; on the validation split where the user wanted no test."""
    return "test" if split.test else "validation"


@dataclass(frozen=True)
class Frozen:
    """The untuned model's features of the training rows (a sample of very many), of validation and judged rows."""

    train: Sequence[Example[Any, Any]]
    train_features: Features
    validation_features: Features | None
    judged_features: Features

    @classmethod
    def of(cls, split: Split[Any, Any], look: Callable[[Sequence[Any]], Features], seed: int) -> Frozen:
        """look: inputs to their features."""
        train, judged = sample(split.train, seed), split.part(judged_part(split))
        validation = look([e.input for e in split.validation]) if split.validation else None
        return cls(
            train,
            look([e.input for e in train]),
            validation,
            look([e.input for e in judged]) if split.test else _there(validation),
        )


def look(
    model: PreTrainedModel,
    codec: Codec,
    split: Split[Any, Any],
    runtime: Runtime,
    max_tokens: int,
    seed: int,
    screen: Progress,
) -> Frozen | None:
    """One pass of the untuned model over the data, on the first process alone."""
    if not runtime.is_first:
        return None
    rows = sum(len(split.part(name)) for name in PARTS)
    with screen.track(t("looking at the data with the untuned model"), rows) as tracker:
        return Frozen.of(
            split,
            lambda inputs: frozen_features(model, codec, inputs, runtime, max_tokens=max_tokens, done=tracker.advance),
            seed,
        )


def probe(
    model: PreTrainedModel, task: AnyTask, split: Split[Any, Any], frozen: Frozen, seed: int
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Weights [C, K] and bias [C] for the head's last layer: the best linear reading of what it is given.

    A head that begins so does not first throw the pretrained layers about (Kumar et al. 2022). None where the model
    has no such layer, or what it is given cannot be read off.
    """
    features = frozen.train_features.head_inputs
    if features is None or last_linear(model) is None:
        return None
    scale = Scaling.of(features)
    train = Rows(scale(features), [e.answer for e in frozen.train])
    validation = None
    if frozen.validation_features is not None and frozen.validation_features.head_inputs is not None:
        seen = scale(frozen.validation_features.head_inputs)
        validation = Rows(seen, [e.answer for e in split.validation])
    found = task.head_from_linear(best_linear(task, train, validation, _STRENGTHS, seed))
    if found is None:
        return None
    weights_CK, bias_C = found
    weights_CK = weights_CK / scale.spread
    bias_C = bias_C - weights_CK @ scale.mean
    return torch.from_numpy(weights_CK).float(), torch.from_numpy(bias_C).float()


def begin_head(
    model: PreTrainedModel, task: AnyTask, split: Split[Any, Any], frozen: Frozen | None, runtime: Runtime, seed: int
) -> bool:
    """Puts the probe into the head's last layer, on every process; returns whether there was one.

    frozen: None on processes that did not look.
    """
    found = probe(model, task, split, frozen, seed) if frozen is not None else None
    found = runtime.gather(found)[0]
    layer = last_linear(model)
    if found is None or layer is None:
        return False
    weights_CK, bias_C = found
    with torch.no_grad():
        layer.weight.copy_(weights_CK)
        if layer.bias is not None:
            layer.bias.copy_(bias_C)
    return True


def _there(features: Features | None) -> Features:
    assert features is not None  # without test rows the judged ones are the validation rows
    return features
