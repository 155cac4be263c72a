"""The words behind each class, behind each part of the rows, and behind what is most often confused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.evaluation.slices import slice_rows
from luthier.explaining.explanation import Explanation
from luthier.explaining.why import explain
from luthier.inference.artifact import Predictor
from luthier.text.words import core
from luthier.types import Example

_MOST_WORDS = 12
_MOST_CONFUSED = 10
_SHRINK = 2.0
"""Words that add nothing are thought to have been met so often besides: what a rare word adds once is little sure."""
_LEAST = 2
"""Times that a word must be met to be told."""


@dataclass(frozen=True)
class Behind:
    """word: without case and signs. value: what it adds on average. count: how often it was met."""

    word: str
    value: float
    count: int

    def as_json(self) -> dict[str, Any]:
        return {"word": self.word, "value": round(self.value, 4), "count": self.count}


@dataclass(frozen=True)
class Overall:
    """rows: that were explained. how: by which method. answers: by what was said the words that speak most for it and
    against it. parts: of each part of the rows how many there are, how many of them are answered wrong, and the words.
    confused: of each pair of answer and what was said instead the rows and the words that spoke for the wrong one."""

    rows: int
    how: str
    answers: Sequence[Mapping[str, Any]]
    parts: Sequence[Mapping[str, Any]]
    confused: Sequence[Mapping[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return {"rows": self.rows, "method": self.how, "classes": list(self.answers), "slices": list(self.parts),
                "confusions": list(self.confused)}  # fmt: skip


def overall(
    predictor: Predictor, examples: Sequence[Example[Any, Any]], how: str | None = None, *,
    done: Callable[[int], None] = lambda count: None,
) -> Overall:  # fmt: skip
    """examples: labelled rows. Errors: as of `explain`."""
    task = predictor.codec.task
    found = explain(predictor, [example.input for example in examples], how, done=done)
    said = predictor.answers(examples)
    mistakes = [task.mistake(one, example.answer) for one, example in zip(said, examples, strict=True)]
    pairs: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for i, mistake in enumerate(mistakes):
        if mistake is not None:
            pairs[mistake.answer, mistake.said].append(i)
    most = sorted(pairs.items(), key=lambda pair: -len(pair[1]))[:_MOST_CONFUSED]
    return Overall(
        len(found),
        found[0].how if found else "",
        _by_answer(found),
        [
            {"by": by, "value": value, "rows": len(rows), "wrong": sum(mistakes[i] is not None for i in rows),
             **_words([found[i] for i in rows], least=_LEAST)}
            for (by, value), rows in slice_rows(task, examples).items()
        ],
        [
            {"answer": answer, "said": instead, "rows": len(rows),
             "lines": [examples[i].place.line for i in rows], **_words([found[i] for i in rows], least=1)}
            for (answer, instead), rows in most
        ],
    )  # fmt: skip


def _by_answer(found: Sequence[Explanation]) -> list[dict[str, Any]]:
    """By the last word of what was said where it is about a piece of the text, as entities are by their type."""
    groups: defaultdict[str, list[Explanation]] = defaultdict(list)
    for explanation in found:
        for reason in explanation.reasons:
            groups[reason.about.rpartition(" = ")[2]].append(
                Explanation(explanation.input, explanation.texts, explanation.answer, explanation.how, [reason])
            )
    by_size = sorted(groups.items(), key=lambda pair: -len(pair[1]))
    return [{"answer": name, "rows": len(own), **_words(own, least=_LEAST)} for name, own in by_size]


def _words(found: Sequence[Explanation], *, least: int) -> dict[str, Any]:
    values: defaultdict[str, list[float]] = defaultdict(list)
    for explanation in found:
        for reason in explanation.reasons:
            for word, value in zip(reason.words, reason.values, strict=True):
                name = core(explanation.texts[word.text][word.start : word.end])
                if name and word.is_read:
                    values[name].append(value)
    weight = {name: sum(own) / (len(own) + _SHRINK) for name, own in values.items() if len(own) >= least}
    ranked = sorted(weight, key=lambda name: -weight[name])
    told = {name: Behind(name, float(np.mean(values[name])), len(values[name])).as_json() for name in ranked}
    up = [name for name in ranked if weight[name] > 0][:_MOST_WORDS]
    down = [name for name in reversed(ranked) if weight[name] < 0][:_MOST_WORDS]
    return {"for": [told[name] for name in up], "against": [told[name] for name in down]}
