"""What the untuned model makes of the data, looked at once: a baseline stands on it, and the head begins with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from luthier.balancing.remedy import Remedy
from luthier.caching import Cache
from luthier.codec import Codec
from luthier.data.split import Split
from luthier.evaluation.baselines import sample
from luthier.evaluation.linear import Rows, best_linear
from luthier.inference.frozen import frozen_features
from luthier.inference.predict import predict
from luthier.language import t
from luthier.models.first_position import find_first_position
from luthier.models.head import logits_layer
from luthier.progress import Progress
from luthier.runtime import Runtime
from luthier.seen import LEAST_SPREAD, Features, Frozen, Scaling, Seen
from luthier.task import AnyTask
from luthier.training.align import align, head_inputs
from luthier.tuning.parts import Tuned
from luthier.types import Example
from luthier.whole_text import AnyWholeText, WholeText

AnyFrozen = Frozen[Any, Any]


def judged_part(split: Split[Any, Any]) -> str:
    """Where a run is judged: on the test split; on the validation split where the user wanted no test."""
    return "test" if split.test else "validation"


def look(
    model: PreTrainedModel, codec: Codec, split: Split[Any, Any], runtime: Runtime, max_tokens: int, seed: int,
    screen: Progress, *, pretrained: bool = True, cache: Cache | None = None,
) -> AnyFrozen | None:  # fmt: skip
    """One pass of the untuned model over the data, on the first process alone. pretrained: whether it has anything to
    say. cache: where another run's pass over the same data is found."""
    if not runtime.is_first:
        return None
    train = sample(split.train, seed, codec.task.most_seen)
    fits = codec.task.fits_untuned
    judged_rows = split.part(judged_part(split))
    if codec.task.speaks_untuned:
        return _listen(model if pretrained else None, codec, train, judged_rows, runtime, max_tokens, screen)
    asked = [train, split.validation, split.test] if fits else [judged_rows]
    rows = sum(len(codec.task.questions(part)) for part in asked)
    with screen.track(t("looking at the data with the untuned model"), rows) as tracker:

        def seen(examples: Sequence[Example[Any, Any]], keep: bool) -> Seen[Any, Any]:
            features = frozen_features(
                model, codec, codec.task.questions(examples), runtime,
                max_tokens=max_tokens, keep_states=keep, apart=True, done=tracker.advance, cache=cache,
            )  # fmt: skip
            return Seen(examples, features)

        whole = isinstance(codec.task, WholeText)
        if not fits:
            return Frozen(Seen(train, Features((), np.zeros((0, 0)))), None, seen(judged_rows, False))
        keep = not whole or find_first_position(model) is not None
        learnt = seen(train, keep)
        checked = seen(split.validation, keep) if split.validation else None
        judged = seen(split.test, keep and not whole) if split.test else checked
    assert judged is not None  # without test rows the validation rows are judged
    return Frozen(learnt, checked, judged)


def _listen(
    model: PreTrainedModel | None, codec: Codec, train: Sequence[Example[Any, Any]],
    judged: Sequence[Example[Any, Any]], runtime: Runtime, max_tokens: int, screen: Progress,
) -> AnyFrozen:  # fmt: skip
    """What the untuned model itself says to the judged rows. model: None where nobody has trained it."""
    asked, nothing = codec.task.questions(judged), Features((), np.zeros((0, 0)))
    learnt_seen, judged_seen = (
        Seen(part, nothing, codec.encode([codec.task.lesson(e) for e in part]) if codec.task.counts_tokens else ())
        for part in (train, judged)
    )
    if model is None:
        return Frozen(learnt_seen, None, judged_seen)
    with screen.track(t("asking the untuned model"), len(asked)) as tracker:
        said = predict(model, codec, asked, device=runtime.device, max_tokens=max_tokens, done=tracker.advance)
    return Frozen(learnt_seen, None, judged_seen, codec.task.scored(judged, said))


def begin_head(
    model: PreTrainedModel, task: AnyTask, frozen: AnyFrozen | None, runtime: Runtime, how: str, remedy: Remedy,
    seed: int,
) -> None:  # fmt: skip
    """Starts the head before any weight is tuned, on the first process, and gives the others what came of it.

    how: "align" teaches the head's position to speak for the whole text, then fits the logits' layer to it;
    "probe" only fits; "random" leaves everything. frozen: None on processes that did not look. remedy: as in the
    training that follows; a head that began without it would have to unlearn first.
    """
    if how == "random":
        return
    for own_model, own_task, own_frozen in task.heads_alone(model, frozen):
        _begin_one(own_model, own_task, own_frozen, runtime, how, remedy, seed)


def with_head_last(
    tuned: Tuned, codec: Codec, examples: Sequence[Example[Any, Any]], runtime: Runtime, remedy: Remedy,
    max_tokens: int, seed: int,
) -> Tuned:  # fmt: skip
    """Where a method tunes vectors, and not what is said of them: the head is fitted to the vectors of the training
    rows whenever the model is to be judged. Other methods' models stay as they are."""
    task = codec.task
    model: Any = tuned.model
    if not tuned.paired_steps or not isinstance(task, WholeText):
        return tuned
    asked, answers = task.questions(examples), [example.answer for example in examples]

    def settle() -> None:
        given = frozen_features(model, codec, asked, runtime, max_tokens=max_tokens, keep_states=False).head_inputs
        assert given is not None  # else the method had refused the model
        found = _fitted_layer(task, Rows(given, answers), None, remedy, seed)
        if found is not None:
            _set(logits_layer(model), *found)

    return replace(tuned, settle=settle)


def _begin_one(
    model: PreTrainedModel, task: AnyTask, frozen: AnyFrozen | None, runtime: Runtime, how: str, remedy: Remedy,
    seed: int,
) -> None:  # fmt: skip
    if frozen is not None:
        found = _first_head(model, task, frozen, runtime, how, remedy, seed)
        if found is not None:
            _set(logits_layer(model), *found)
    changed = _changed_by_beginning(model)
    values = [parameter.detach().cpu() for parameter in changed] if runtime.is_first else None
    with torch.no_grad():
        for parameter, value in zip(changed, runtime.gather(values)[0] if runtime.world > 1 else (), strict=False):
            parameter.copy_(value)


def _first_head(
    model: PreTrainedModel, task: AnyTask, frozen: AnyFrozen, runtime: Runtime, how: str, remedy: Remedy, seed: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Weights [C, K] and bias [C] of the layer that makes the logits; None where it is to begin at random."""
    if logits_layer(model) is None:
        return None
    if not isinstance(task, WholeText):
        return task.first_head(frozen, seed)
    first, answers = find_first_position(model), frozen.train.answers
    learnt, checked = frozen.train.features, frozen.validation.features if frozen.validation else None
    given, given_checked = learnt.head_inputs, checked.head_inputs if checked else None
    if how == "align" and first is not None and learnt.states:
        align(first, learnt.states, learnt.vectors, runtime, seed)
        given = head_inputs(first, learnt.states, runtime)
        given_checked = head_inputs(first, checked.states, runtime) if checked else None
    if given is None:
        return None
    validation = None
    if given_checked is not None and frozen.validation is not None:
        validation = Rows(given_checked, frozen.validation.answers)
    return _fitted_layer(task, Rows(given, answers), validation, remedy, seed)


def _fitted_layer(
    task: AnyWholeText, learnt: Rows, validation: Rows | None, remedy: Remedy, seed: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Weights [C, K] and bias [C] of a layer that is given such features; None where the task makes none of them."""
    scale = Scaling.of(learnt.features, LEAST_SPREAD)
    if validation is not None:
        validation = Rows(scale(validation.features), validation.answers)
    rows = Rows(scale(learnt.features), learnt.answers, task.row_weights(learnt.answers, remedy))
    found = task.head_from_linear(best_linear(task, rows, validation, task.head_strengths, seed))
    if found is None:
        return None
    weights_CK, bias_C = scale.unscaled(*found)
    if remedy.margins:  # the loss adds them to what the fitted layer says
        bias_C = bias_C - np.array(remedy.margins)
    return weights_CK, np.asarray(bias_C)


def _set(layer: torch.nn.Linear | None, weights_CK: np.ndarray, bias_C: np.ndarray) -> None:
    assert layer is not None
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights_CK))
        if layer.bias is not None:
            layer.bias.copy_(torch.from_numpy(bias_C))


def _changed_by_beginning(model: PreTrainedModel) -> list[torch.nn.Parameter]:
    layer, first = logits_layer(model), find_first_position(model)
    changed = list(layer.parameters()) if layer is not None else []
    return [*changed, *first.layer.parameters(), *first.dense.parameters()] if first is not None else changed
