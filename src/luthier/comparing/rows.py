"""Where two runs differ: classes, slices, and the rows that turned from wrong to right and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.comparing.answers import Answers
from luthier.evaluation.evaluate import higher_is_better, resampled
from luthier.evaluation.intervals import interval, paired_difference
from luthier.evaluation.slices import slice_rows
from luthier.task import AnyTask
from luthier.types import Example

CLASS_RESAMPLES = 200
"""The tables of classes are made anew for each resample; more would take longer than all other tests."""
_SAID = ("label", "generated_text")
"""Under which a task shows an answer that is one text."""


@dataclass(frozen=True)
class Part:
    """by: what the rows were parted by. rows: how many. first, second: the score of either run on them; difference:
    second minus first, positive where the second is better, with its 95 % interval."""

    by: str
    value: str
    rows: int
    score: str
    first: float
    second: float
    difference: float
    low: float
    high: float

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def rights(runs: Sequence[Answers]) -> list[list[bool | None]]:
    """Of each run whether each row is answered right; None for one that is not answered in words. A number, which is
    more or less near, is neither."""
    if any(runs[0].task.format.number(example.answer) is not None for example in runs[0].examples):
        return [[None] * len(run.examples) for run in runs]
    wrong = [
        [run.task.mistake(said, e.answer) is not None for said, e in zip(run.predictions, run.examples, strict=True)]
        for run in runs
    ]
    if any(map(any, wrong)):
        return [[not one for one in own] for own in wrong]
    return [[_same_text(run.task, *pair) for pair in zip(run.predictions, run.examples, strict=True)] for run in runs]


def _same_text(task: AnyTask, prediction: Any, example: Example[Any, Any]) -> bool | None:
    """Of a task that tells no mistakes, such as one that writes."""
    shown, right = task.show(prediction), task.show_answer(example.answer)
    said = next((shown[name] for name in _SAID if name in shown), None) if isinstance(shown, dict) else shown
    if not isinstance(said, str) or not isinstance(right, str) or not right.strip():
        return None
    return said.strip() == right.strip()


def turned(first: Answers, second: Answers, was: Sequence[bool | None], now: Sequence[bool | None]) -> dict[str, Any]:
    """Rows that are right in one run alone, as they stand in the first's data. fixed: right in the second only."""
    fixed = [_row(first, second, i) for i, (a, b) in enumerate(zip(was, now, strict=True)) if a is False and b]
    broken = [_row(first, second, i) for i, (a, b) in enumerate(zip(was, now, strict=True)) if a and b is False]
    return {"fixed": fixed, "broken": broken}


def _row(first: Answers, second: Answers, i: int) -> dict[str, Any]:
    example = first.examples[i]
    return {
        "line": example.place.line,
        "text": first.task.format.plain_text(example.input),
        "answer": first.task.show_answer(example.answer),
        "first": first.task.show(first.predictions[i]),
        "second": second.task.show(second.predictions[i]),
    }


def by_slice(first: Answers, second: Answers, score: str, seed: int) -> list[Part]:
    """By length, language and class, as `luthier evaluate` parts rows; by the score on the rows of a slice alone."""
    made: list[Part] = []
    for (by, value), rows in slice_rows(first.task, first.examples).items():
        found = [
            resampled(run.task, [run.predictions[i] for i in rows], [run.examples[i].answer for i in rows], seed=seed)
            for run in (first, second)
        ]
        if any(np.isnan(each.values.get(score, np.nan)) for each in found):
            continue
        gap = paired_difference(found[1], found[0], score, higher_is_better=higher_is_better(score))
        one, other = (each.values[score] for each in found)
        made.append(Part(by, value, len(rows), score, one, other, gap.value, gap.low, gap.high))
    return made


def by_class(first: Answers, second: Answers, seed: int, done: Callable[[int], None]) -> list[Part]:
    """F1 of each class, for tasks that tell it by class. done: is told of each resample."""
    as_is = range(len(first.examples))
    values = [_f1_by_class(run, as_is) for run in (first, second)]
    names = [name for name in values[0] if name in values[1]]
    if not names:
        return []
    rng = np.random.default_rng(seed)
    moved_RC = np.empty((CLASS_RESAMPLES, len(names)))
    for r in range(CLASS_RESAMPLES):
        drawn = rng.integers(0, len(as_is), len(as_is)).tolist()
        own = [_f1_by_class(run, drawn) for run in (first, second)]
        moved_RC[r] = [own[1].get(name, (np.nan, 0))[0] - own[0].get(name, (np.nan, 0))[0] for name in names]
        done(1)
    made: list[Part] = []
    for c, name in enumerate(names):
        (one, support), (other, _) = values[0][name], values[1][name]
        low, high = interval(moved_RC[:, c])
        made.append(Part("class", name, support, "f1", one, other, other - one, low, high))
    return made


def _f1_by_class(run: Answers, rows: Sequence[int]) -> Mapping[str, tuple[float, int]]:
    """Of each class its F1 and how often it is the answer."""
    details = run.task.details([run.predictions[i] for i in rows], [run.examples[i].answer for i in rows])
    return {row["label"]: (row["f1"], row["support"]) for row in details.get("per_class", ())}
