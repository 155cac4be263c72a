"""How much a candidate knows of the answers before it is tuned: cross-validated where something has to be fitted."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier.evaluation.baselines import Examples, cheap_ways
from luthier.evaluation.evaluate import resampled
from luthier.evaluation.folds import deal, in_turn
from luthier.evaluation.intervals import Evaluated, bootstrap
from luthier.language import t
from luthier.progress import SILENT, Progress
from luthier.seen import Features, Frozen, Seen
from luthier.task import AnyTask

FOLDS = 5
FEWEST_ROWS = 20
PROBE, WORDS = "embeddings", "tfidf"
"""The names under which tasks have a linear model on the untuned model's features, and one that needs no model."""
BITS = "bits_per_character"


def crossed(
    task: AnyTask, examples: Examples, checked: Examples, features: Features | None, way: str, seed: int,
    screen: Progress = SILENT,
) -> list[Any] | None:  # fmt: skip
    """Of each example the prediction of a cheap model that did not learn from it. features: of the examples, then of
    the validation rows by which the cheap models are regularised; None for a way that counts words. None where the task
    has no such way, or a fold would learn from one answer alone.

    A task to whose untuned model nothing is fitted is asked once, about all examples together.
    """
    seen = _Looked(examples, checked, features)
    if not task.fits_untuned:
        ways = cheap_ways(task, Frozen(seen.rows([]), None, seen.everything()), seed)
        return list(ways[way]()) if way in ways else None
    validation = seen.validation()
    found: list[Any] = [None] * len(examples)
    title = t("counted words (TF-IDF)") if features is None else t("a linear model on the features")
    with screen.track(title, FOLDS) as tracker, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a fold has few rows of a class is what is measured
        for _, others, held in in_turn(deal(examples, task.format.stratum, FOLDS, seed)):
            if len({examples[i].answer for i in others.tolist()}) < 2:
                return None
            frozen = Frozen(seen.rows(others.tolist()), validation, seen.rows(held.tolist()))
            ways = cheap_ways(task, frozen, seed)
            if way not in ways:
                return None
            for i, said in zip(held.tolist(), ways[way](), strict=True):
                found[i] = said
            tracker.advance()
    return found


def scored(task: AnyTask, examples: Examples, said: Sequence[Any], seed: int) -> Evaluated:
    """The task's scores and their resamples, the main one first."""
    return resampled(task, said, [example.answer for example in examples], seed=seed)


def bits(task: AnyTask, examples: Examples, said: Sequence[Any], seed: int) -> Evaluated | None:
    """Of what a model that writes says of the right answers: bits a character, which compares models whose tokens
    differ. None for a task whose answers are no texts, or hide a part of the tokens."""
    own = scored(task, examples, said, seed)
    if BITS in own.values:
        return Evaluated({BITS: own.values[BITS]}, {BITS: own.resampled[BITS]})
    characters_N = np.array([len(task.format.answer_text(example.answer)) for example in examples], float)
    if not characters_N.any():
        return None
    nats_N = np.array([one.nll for one in said], float)

    def score(weights_RN: np.ndarray) -> dict[str, np.ndarray]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return {BITS: (weights_RN @ nats_N) / (weights_RN @ characters_N) / math.log(2)}

    return bootstrap(score, len(examples), seed=seed)


class _Looked:
    """Examples and, behind them, validation rows, with what the untuned model makes of them."""

    def __init__(self, examples: Examples, checked: Examples, features: Features | None) -> None:
        self._examples, self._checked = examples, checked
        self._features = features or Features((), np.zeros((len(examples) + len(checked), 0)))

    def rows(self, numbers: Sequence[int]) -> Seen[Any, Any]:
        return Seen([self._examples[i] for i in numbers], self._features.rows(numbers))

    def everything(self) -> Seen[Any, Any]:
        """With the features of all that the task asks about them, which may be more than one a row."""
        return Seen(self._examples, self._features)

    def validation(self) -> Seen[Any, Any] | None:
        first = len(self._examples)
        numbers = range(first, first + len(self._checked))
        return Seen(self._checked, self._features.rows(numbers)) if self._checked else None
