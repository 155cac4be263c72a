"""How good predictions are, by what their user would see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier.evaluation.intervals import Scorer, bootstrap, interval
from luthier.task import AnyTask
from luthier.types import Report, Score

LOWER_IS_BETTER = {"loss", "ece", "mae", "rmse", "perplexity"}


def scorer(task: AnyTask, predictions: Sequence[Any], answers: Sequence[Any]) -> Scorer:
    """The task's scores as a function of how often each example counts."""
    return lambda weights_RN: task.score(predictions, answers, weights_RN)


def evaluate(
    task: AnyTask, predictions: Sequence[Any], answers: Sequence[Any], *, seed: int, intervals: bool = True
) -> Report:
    """The task's scores, with 95 % bootstrap intervals where asked for."""
    n = len(answers)
    score = scorer(task, predictions, answers)
    points = {name: float(values[0]) for name, values in score(np.ones((1, n))).items()}
    spread = bootstrap(score, n, seed=seed) if intervals else {}
    scores: list[Score] = []
    for name, value in points.items():
        low, high = interval(spread[name]) if name in spread else (None, None)
        scores.append(Score(name, value, n, _defined(low), _defined(high), name not in LOWER_IS_BETTER))
    return Report(tuple(score for score in scores if not np.isnan(score.value)), predictions)


def _defined(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else value
