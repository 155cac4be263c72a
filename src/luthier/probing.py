"""What the untuned model makes of the data, looked at once: a baseline stands on it, and the head begins with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from luthier.balancing.remedy import Remedy
from luthier.codec import Codec
from luthier.data.split import Split
from luthier.evaluation.baselines import sample
from luthier.evaluation.linear import Rows, Scaling, best_linear
from luthier.inference.frozen import Features, frozen_features, logits_layer
from luthier.language import t
from luthier.models.first_position import find_first_position
from luthier.progress import Progress
from luthier.runtime import Runtime
from luthier.task import AnyTask
from luthier.training.align import align, head_inputs
from luthier.types import Example

_STRENGTHS = (0.03, 0.003, 0.3)
_LEAST_SPREAD = 0.05
"""Of what the head is given (within -1 and 1). A head that hangs on less would be thrown about by the first steps."""
_MOST_STATES = 200_000
"""Tokens whose states are kept to begin the head with: at a hidden size of 384 150 MB."""


@dataclass(frozen=True)
class Frozen:
    """The untuned model's features of training rows (a sample of very many), of validation and of judged rows."""

    train: Sequence[Example[Any, Any]]
    train_features: Features
    validation_features: Features | None
    judged_features: Features


def judged_part(split: Split[Any, Any]) -> str:
    """Where a run is judged: on the test split; on the validation split where the user wanted no test."""
    return "test" if split.test else "validation"


def look(
    model: PreTrainedModel, codec: Codec, split: Split[Any, Any], runtime: Runtime, max_tokens: int, seed: int,
    screen: Progress,
) -> Frozen | None:  # fmt: skip
    """One pass of the untuned model over the data, on the first process alone."""
    if not runtime.is_first:
        return None
    train = sample(split.train, seed)
    rows = len(train) + len(split.validation) + len(split.test)
    keep = find_first_position(model) is not None
    with screen.track(t("looking at the data with the untuned model"), rows) as tracker:

        def features(examples: Sequence[Example[Any, Any]], keep_states: bool) -> Features:
            inputs = [example.input for example in examples]
            return frozen_features(
                model, codec, inputs, runtime, max_tokens=max_tokens, keep_states=keep_states, done=tracker.advance
            )

        learnt = features(train, keep)
        checked = features(split.validation, keep) if split.validation else None
        judged = features(split.test, keep_states=False) if split.test else checked
    assert judged is not None  # without test rows the validation rows are judged
    return Frozen(train, learnt, checked, judged)


def begin_head(
    model: PreTrainedModel, task: AnyTask, split: Split[Any, Any], frozen: Frozen | None, runtime: Runtime,
    how: str, remedy: Remedy, seed: int,
) -> None:  # fmt: skip
    """Starts the head before any weight is tuned, on the first process, and gives the others what came of it.

    how: "align" teaches the head's position to speak for the whole text, then fits the logits' layer to it;
    "probe" only fits; "random" leaves everything. frozen: None on processes that did not look. remedy: as in the
    training that follows; a head that began without it would have to unlearn first.
    """
    if how == "random":
        return
    if frozen is not None:
        _begin_head(model, task, split, frozen, runtime, how, remedy, seed)
    changed = _changed_by_beginning(model)
    values = [parameter.detach().cpu() for parameter in changed] if runtime.is_first else None
    with torch.no_grad():
        for parameter, value in zip(changed, runtime.gather(values)[0] if runtime.world > 1 else (), strict=False):
            parameter.copy_(value)


def _begin_head(
    model: PreTrainedModel, task: AnyTask, split: Split[Any, Any], frozen: Frozen, runtime: Runtime, how: str,
    remedy: Remedy, seed: int,
) -> None:  # fmt: skip
    layer, first = logits_layer(model), find_first_position(model)
    learnt, checked = frozen.train_features, frozen.validation_features
    answers = [example.answer for example in frozen.train]
    given, given_checked = learnt.head_inputs, checked.head_inputs if checked else None
    if how == "align" and first is not None and learnt.states:
        align(first, learnt.states, learnt.vectors, runtime, seed)
        given = head_inputs(first, learnt.states, runtime)
        given_checked = head_inputs(first, checked.states, runtime) if checked else None
    if layer is None or given is None:
        return
    scale = Scaling.of(given, _LEAST_SPREAD)
    validation = None
    if given_checked is not None:
        validation = Rows(scale(given_checked), [example.answer for example in split.validation])
    rows = Rows(scale(given), answers, _row_weights(task, answers, remedy))
    found = task.head_from_linear(best_linear(task, rows, validation, _STRENGTHS, seed))
    if found is not None:
        weights_CK = found[0] / scale.spread
        bias_C = found[1] - weights_CK @ scale.mean
        if remedy.margins:  # the loss adds them to what the fitted layer says
            bias_C = bias_C - np.array(remedy.margins)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weights_CK))
            if layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(np.asarray(bias_C)))


def _row_weights(task: AnyTask, answers: Sequence[Any], remedy: Remedy) -> np.ndarray | None:
    """[N], 1 on average; None where all rows count alike."""
    if not remedy.row_weights:
        return None
    weights_N = np.array(remedy.row_weights)[task.row_classes(answers)]
    return weights_N / weights_N.mean()


def _changed_by_beginning(model: PreTrainedModel) -> list[torch.nn.Parameter]:
    layer, first = logits_layer(model), find_first_position(model)
    changed = list(layer.parameters()) if layer is not None else []
    return [*changed, *first.layer.parameters(), *first.dense.parameters()] if first is not None else changed
