"""Why the worst mistakes of a run were made: a few, for its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from luthier.explaining.why import explain
from luthier.inference.artifact import Predictor
from luthier.types import Example

_MOST = 5
_LONGEST = 1000
"""Characters of a text that is explained: a report is no place for a book."""


def explained_mistakes(
    predictor: Predictor, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any]
) -> list[dict[str, Any]]:
    """Of the worst: line, answer, what was said instead, and why, as Explanation.as_json tells it, by gradient × input.
    None for a task whose answers cannot be traced to words."""
    task = predictor.codec.task
    if not task.can_claim() or predictor.is_graph:
        return []
    told = ((task.mistake(said, example.answer), example) for said, example in zip(predictions, examples, strict=True))
    wrong = [
        (mistake, example)
        for mistake, example in told
        if mistake is not None and len(task.format.plain_text(example.input)) <= _LONGEST
    ]
    worst = sorted(wrong, key=lambda pair: -pair[0].weight)[:_MOST]
    found = explain(predictor, [example.input for _, example in worst])
    return [
        {"line": example.place.line, "right": mistake.answer, "said": mistake.said, **why.as_json()}
        for (mistake, example), why in zip(worst, found, strict=True)
        if why.reasons
    ]
