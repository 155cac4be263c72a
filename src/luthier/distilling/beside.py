"""The teacher beside its student, on the rows that a run is judged on: what was lost, and what was won for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier.evaluation.evaluate import report_of, resampled
from luthier.evaluation.intervals import paired_difference
from luthier.inference.artifact import Predictor
from luthier.language import t
from luthier.progress import Progress
from luthier.types import Example

_TIMED, _TIMES = 256, 3
"""Rows by which speed is measured, and how often in turn; the best time counts: a busy neighbour takes some of it."""


def teacher_beside(
    teacher: Predictor, student: Predictor, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any],
    seed: int, screen: Progress,
) -> dict[str, Any]:  # fmt: skip
    """predictions: the student's, of the examples. JSON-able."""
    task, answers = student.codec.task, [example.answer for example in examples]
    with screen.track(t("testing the teacher"), len(examples)) as tracker:
        said = teacher.answers(examples, tracker.advance)
    first, second = (resampled(task, told, answers, seed=seed) for told in (predictions, said))
    report = report_of(second, said)
    metric, higher = report.main.name, report.main.higher_is_better
    apart = paired_difference(first, second, metric, higher_is_better=higher)
    kept = first.values[metric] / second.values[metric] if higher and second.values[metric] > 0 else None
    speeds = _speeds([teacher, student], [example.input for example in examples])
    sizes = [sum(p.numel() for p in one.model.parameters()) for one in (teacher, student)]
    sentence = t(
        "{metric} {value:.3f} against the teacher's {other:.3f}, difference {difference:+.3f} (95 % interval "
        "{low:+.3f} to {high:+.3f}); {times:.1f} times as fast, with {share:.0%} of the parameters.",
        metric=metric, value=first.values[metric], other=second.values[metric], difference=apart.value, low=apart.low,
        high=apart.high, times=speeds[1] / speeds[0], share=sizes[1] / sizes[0],
    )  # fmt: skip
    if kept is not None:
        sentence = t("The student keeps {kept:.1%} of the teacher: {facts}", kept=kept, facts=sentence)
    return {
        "teacher": teacher.name, "scores": [score.as_json() for score in report.scores], "metric": metric,
        "difference": {"value": apart.value, "low": apart.low, "high": apart.high}, "kept": kept,
        "texts_per_second": dict(zip(("teacher", "student"), speeds, strict=True)),
        "parameters": dict(zip(("teacher", "student"), sizes, strict=True)), "sentence": sentence,
    }  # fmt: skip


def _speeds(models: Sequence[Predictor], inputs: Sequence[Any]) -> list[float]:
    """Texts a second of each, on the same texts, in turn."""
    asked = list(inputs[:_TIMED])
    best = np.full(len(models), np.inf)
    for _ in range(_TIMES):
        for number, one in enumerate(models):
            begin = time.perf_counter()
            one.raw(asked)
            best[number] = min(best[number], time.perf_counter() - begin)
    return (len(asked) / best).tolist()
