"""How good predictions are, by what their user would see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from luthier.evaluation.intervals import RESAMPLES, Evaluated, bootstrap, interval
from luthier.task import AnyTask
from luthier.types import Report, Score

LOWER_IS_BETTER = {"loss", "ece", "mae", "rmse", "perplexity", "bits_per_character"}


def evaluate(
    task: AnyTask, predictions: Sequence[Any], answers: Sequence[Any], *, seed: int, intervals: bool = True
) -> Report:
    """The task's scores, with 95 % bootstrap intervals where asked for."""
    found = resampled(task, predictions, answers, seed=seed, resamples=RESAMPLES if intervals else 0)
    return report_of(found, predictions)


def resampled(
    task: AnyTask, predictions: Sequence[Any], answers: Sequence[Any], *, seed: int, resamples: int = RESAMPLES
) -> Evaluated:
    """The task's scores on the examples and on resamples of them."""

    def score(weights_RN: np.ndarray) -> dict[str, np.ndarray]:
        return task.score(predictions, answers, weights_RN)

    found = bootstrap(score, len(answers), seed=seed, resamples=resamples)
    return replace(found, counts=task.counted(predictions))


def report_of(found: Evaluated, predictions: Sequence[Any]) -> Report:
    """Scores with their intervals; one that is not defined on these examples is left out."""
    scores: list[Score] = []
    for name, value in found.values.items():
        low, high = interval(found.resampled[name]) if name in found.resampled else (None, None)
        if not np.isnan(value):
            n = found.counts.get(name, len(predictions))
            scores.append(Score(name, value, n, _defined(low), _defined(high), higher_is_better(name)))
    return Report(tuple(scores), predictions)


def higher_is_better(name: str) -> bool:
    """Whether more is better; of a part's score (intent.loss) by its own name."""
    return name.rpartition(".")[2] not in LOWER_IS_BETTER


def _defined(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else value
