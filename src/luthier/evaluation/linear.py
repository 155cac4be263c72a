"""A linear model over feature rows, as regularised as the validation split likes it best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.evaluation.evaluate import evaluate
from luthier.whole_text import AnyWholeText


@dataclass(frozen=True)
class Rows:
    """features: [N, F], dense or sparse. answers: one a row. weights: [N], how much each counts; None for all alike."""

    features: Any
    answers: Sequence[Any]
    weights: np.ndarray | None = None


def best_linear(task: AnyWholeText, train: Rows, validation: Rows | None, strengths: Sequence[float], seed: int) -> Any:
    """The task's linear model with the best main score on validation; with the first strength without one. Its
    decisions are not placed yet, but each strength is judged with those that suit it.

    strengths: inverse regularisation, tried in order.
    """
    return best_strength(task, train, validation, strengths, seed)[1]


def decided_linear(
    task: AnyWholeText, train: Rows, validation: Rows | None, strengths: Sequence[float], seed: int
) -> Any:
    """`best_linear` with its decisions placed on validation, where there is one."""
    model = best_linear(task, train, validation, strengths, seed)
    return model if validation is None else task.decide_linear(model, validation.features, validation.answers, seed)


def best_strength(
    task: AnyWholeText, train: Rows, validation: Rows | None, strengths: Sequence[float], seed: int
) -> tuple[float, Any]:
    """The strength that `best_linear` settles on, and its model."""
    if validation is None:
        return strengths[0], task.linear(train.features, train.answers, strengths[0], seed, train.weights)
    models = [task.linear(train.features, train.answers, strength, seed, train.weights) for strength in strengths]
    features, answers = validation.features, validation.answers
    decided = [task.decide_linear(model, features, answers, seed) for model in models]
    scores = [
        evaluate(task, task.read_linear(model, features), answers, seed=seed, intervals=False).main.goodness
        for model in decided
    ]
    best = int(np.argmax(scores))
    return strengths[best], models[best]
