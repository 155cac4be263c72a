"""Which words made a model say what it said?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from luthier.claims import Claim
from luthier.errors import ConfigError, did_you_mean, shown
from luthier.explaining.asking import all_hidden, blank_id, numbers, taken
from luthier.explaining.explanation import Explanation, Reason
from luthier.explaining.words import Word, texts_of, words_of
from luthier.extras import require
from luthier.inference.artifact import Predictor
from luthier.language import t

GRADIENT, INTEGRATED, OCCLUSION = "gradient", "integrated", "occlusion"
METHODS = (GRADIENT, INTEGRATED, OCCLUSION)
_STEPS, _MOST_STEPS = 32, 512
"""Of integrated gradients: doubled until the values add up."""
_ADDS_UP = 0.01
"""Share of what the words changed that integrated gradients may miss before their steps are doubled."""


def explain(
    predictor: Predictor, inputs: Sequence[Any], how: str | None = None, *,
    done: Callable[[int], None] = lambda count: None,
) -> list[Explanation]:  # fmt: skip
    """An explanation for each input, in order.

    inputs: what the task asks, such as texts. how: gradient (gradient × input; fast, and what None takes), integrated
    (gradients along the way from the hidden text, whose values add up) or occlusion (each word taken out for itself;
    asks the model only for its answers, and so is what None takes for an exported graph). done: is told of inputs.
    Errors: DataError for an input of another kind; ConfigError for a way that is not known and for a task that says
    nothing of which words could be the reason; ModelError for gradients of an exported graph; LuthierError where captum
    is missing.
    """
    method = checked_way(predictor, how)
    task = predictor.codec.task
    asked = [task.as_input(value) for value in inputs]
    read = [predictor.codec.cleaned(input) for input in asked]
    said = predictor.raw(read)
    found: list[Explanation] = []
    for input, seen, prediction in zip(asked, read, said, strict=True):
        claims = task.claims(seen, prediction, predictor.codec.text)
        reasons = [reason_of(predictor, claim, input, method) for claim in claims]
        answer = task.show(prediction if seen == input else task.relocated(prediction, seen, input))
        found.append(Explanation(input, texts_of(predictor.codec, input), answer, method, reasons))
        done(1)
    return found


def checked_way(predictor: Predictor, how: str | None) -> str:
    """The way by which to explain. Errors: as of `explain`."""
    task = predictor.codec.task
    if not task.can_claim():
        what = t("what a model of {task} says cannot be traced to single words", task=task.name)
        fix = t("explain a run of classification, multilabel, regression, ner, question_answering, sft or seq2seq")
        raise ConfigError.at(predictor.name, what, fix, code="no-explanation")
    method = how or (OCCLUSION if predictor.is_graph else GRADIENT)
    if method not in METHODS:
        raise ConfigError.at("how", t("is {value}", value=shown(method)), did_you_mean(method, METHODS),
                             code="unknown-choice")  # fmt: skip
    if method != OCCLUSION:
        _ = predictor.weights
    if method == INTEGRATED:
        require("captum")
    return method


def reason_of(predictor: Predictor, claim: Claim, input: Any, how: str) -> Reason:
    """input: as the user wrote it."""
    codec = predictor.codec
    words = words_of(codec, input, codec.cleaned(input), claim.windows)
    blank = blank_id(codec)
    base_windows = all_hidden(claim, words, blank)
    if how == OCCLUSION:
        return _by_occlusion(predictor, claim, input, words, blank)
    value, base = numbers(predictor, claim, [claim.windows, base_windows]).tolist()
    values_W = _by_slopes(predictor, claim, words, blank, how, value - base)
    return Reason(claim.name, claim.unit, value, base, words, values_W.tolist(), float(values_W.sum() - value + base))


def _by_slopes(
    predictor: Predictor, claim: Claim, words: Sequence[Word], blank: int, how: str, changed: float
) -> np.ndarray:  # fmt: skip
    """changed: what the words change of the claim's number altogether."""
    from luthier.explaining.gradients import by_gradient, by_integration

    asked = (predictor.weights, predictor.codec, claim, words, blank, predictor.device)
    if how == GRADIENT:
        return by_gradient(*asked)
    steps = _STEPS
    while True:
        values_W = by_integration(*asked, steps=steps, max_tokens=predictor.max_tokens)
        steps *= 2
        if steps > _MOST_STEPS or abs(values_W.sum() - changed) <= _ADDS_UP * max(abs(changed), _ADDS_UP):
            return values_W


def _by_occlusion(predictor: Predictor, claim: Claim, input: Any, words: Sequence[Word], blank: int) -> Reason:
    """Each word taken out for itself."""
    read = [word for word in words if word.is_read]
    variants = [claim.windows, *(taken(predictor, claim, input, [word], blank) for word in read)]
    value, *without = numbers(predictor, claim, variants).tolist()
    lost = dict(zip(map(id, read), (value - number for number in without), strict=True))
    values_W = np.array([lost.get(id(word), 0.0) for word in words])
    return Reason(claim.name, claim.unit, value, None, words, values_W.tolist(), None)
