"""The points of a learning curve: cheap models on nested parts of the rows, judged by cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.choosing.features import Vectors, Words
from luthier.choosing.forecast import Forecast, Point, forecast
from luthier.evaluation.baselines import Examples
from luthier.evaluation.evaluate import LOWER_IS_BETTER
from luthier.evaluation.folds import deal, in_turn, nested_order
from luthier.evaluation.intervals import resample_weights
from luthier.evaluation.linear import best_strength
from luthier.language import t
from luthier.progress import SILENT, Progress
from luthier.whole_text import AnyWholeText

FOLDS = 5
_LEAST_SIZE = 12
"""Rows of the smallest part, and at least two a class."""
_STEP = 2**0.5
_MOST_SIZES = 9
_ENOUGH_JUDGED = 4000
"""Small data are dealt into folds several times, until about so many rows were judged: which rows happen to be learnt
from matters most where there are few."""
_MOST_DEALS = 4
_RESAMPLES = 400


@dataclass(frozen=True)
class ClassGain:
    """What the last doubling of the rows did for one class. rows: it has in training. before, after: share of its rows
    that is found (recall) with half of the rows and with all of them. low, high: 95 % interval of the gain."""

    label: str
    rows: int
    before: float
    after: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        return self.after - self.before

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "gain": self.gain}


@dataclass(frozen=True)
class Measured:
    """sizes: rows learnt from, ascending. values: the task's main score at each; resampled: [R, S]."""

    metric: str
    sizes: Sequence[int]
    values_S: np.ndarray
    resampled_RS: np.ndarray
    classes: Sequence[ClassGain]

    @property
    def higher_is_better(self) -> bool:
        return self.metric not in LOWER_IS_BETTER

    def points(self) -> list[Point]:
        ends = np.quantile(self.resampled_RS, (0.025, 0.975), axis=0)
        values = zip(self.sizes, self.values_S.tolist(), *ends.tolist(), strict=True)
        return [Point(*numbers) for numbers in values]

    def forecast(self, present: int) -> Forecast:
        """present: the training rows that there are."""
        return forecast(
            self.metric, self.sizes, self.values_S, self.resampled_RS, present, higher_is_better=self.higher_is_better
        )


@dataclass(frozen=True)
class _Judged:
    """One way to deal the rows into folds. said: of each size the predictions for all rows."""

    fold_N: np.ndarray
    said: Sequence[Sequence[Any]]


def measure(
    task: AnyWholeText, train: Examples, checked: int, features: Words | Vectors, seed: int, screen: Progress = SILENT
) -> Measured:  # fmt: skip
    """checked: how many validation rows stand behind the training rows among the features."""
    sizes = _sizes(train, task)
    deals = int(np.clip(_ENOUGH_JUDGED // len(train), 1, _MOST_DEALS))
    learner = _Learner(task, features, range(len(train), len(train) + checked), seed)
    judged: list[_Judged] = []
    with (
        screen.track(t("learning from growing parts of the rows"), deals * FOLDS * sum(sizes)) as tracker,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # that a small part has nearly as many classes as rows is what is measured
        for number in range(seed, seed + deals):
            fold_N = deal(train, task.format.stratum, FOLDS, number)
            said: list[list[Any]] = [[None] * len(train) for _ in sizes]
            for _, others, held in in_turn(fold_N):
                asked = held.tolist()
                order = others[nested_order([task.format.stratum(train[i].answer) for i in others.tolist()], number)]
                for size, row in zip(sizes, said, strict=True):
                    for i, one in zip(asked, learner.answers(order[:size].tolist(), asked), strict=True):
                        row[i] = one
                    tracker.advance(size, t("{count} rows", count=size))
            judged.append(_Judged(fold_N, said))
    name, values_S, resampled_RS = _scores(task, train, judged, seed)
    return Measured(name, sizes, values_S, resampled_RS, _class_gains(task, train, judged, sizes))


class _Learner:
    """Linear models on the features. How strongly they are regularised is chosen on the validation rows when a size
    is met for the first time, and kept for it."""

    def __init__(self, task: AnyWholeText, features: Words | Vectors, validation: Sequence[int], seed: int) -> None:
        self._task, self._features, self._validation, self._seed = task, features, validation, seed
        self._strengths: dict[int, float] = {}

    def answers(self, learnt: Sequence[int], asked: Sequence[int]) -> list[Any]:
        """Predictions for the rows with the numbers `asked` of a model that saw the rows `learnt`."""
        task, size = self._task, len(learnt)
        train, judged, checked = self._features.rows(learnt, asked, self._validation)
        if len(set(train.answers)) < 2:
            return [task.constant(train.answers)] * len(asked)
        if size not in self._strengths:
            validation = checked if checked.answers else None
            self._strengths[size], model = best_strength(task, train, validation, self._features.strengths, self._seed)
        else:
            model = task.linear(train.features, train.answers, self._strengths[size], self._seed)
        return task.read_linear(model, judged.features)


def _sizes(train: Examples, task: AnyWholeText) -> list[int]:
    """Ascending, each √2 times the one before it; the largest is what is left when one fold is judged."""
    largest = len(train) - -(-len(train) // FOLDS)
    classes = {task.format.stratum(example.answer) for example in train}
    least = max(_LEAST_SIZE, 2 * len(classes))
    sizes = [round(largest / _STEP**i) for i in range(_MOST_SIZES)]
    return [size for size in reversed(sizes) if size >= min(least, sizes[4])]


def _scores(
    task: AnyWholeText, train: Examples, judged: Sequence[_Judged], seed: int
) -> tuple[str, np.ndarray, np.ndarray]:
    """The main score's name, its value at each size [S], and on resamples [R, S].

    A resample draws rows, the same for every size and dealing, and models: the folds of a dealing are models that
    learnt from different rows, so drawing them too shows how much that matters.
    """
    answers = [example.answer for example in train] * len(judged)
    models, rng = FOLDS * len(judged), np.random.default_rng(seed)
    places = np.concatenate([deal.fold_N + FOLDS * k for k, deal in enumerate(judged)])
    weights: list[np.ndarray] = []
    for rows_RN in resample_weights(len(train), _RESAMPLES, seed):
        drawn_RM = rng.multinomial(models, [1 / models] * models, size=len(rows_RN))
        weights.append(np.tile(rows_RN, len(judged)) * drawn_RM[:, places])
    weights_RN = np.concatenate([np.ones((1, len(answers))), *weights])
    columns: list[np.ndarray] = []
    name = ""
    for s in range(len(judged[0].said)):
        scores = task.score([one for deal in judged for one in deal.said[s]], answers, weights_RN)
        name, column = next(iter(scores.items()))
        columns.append(column)
    table_RS = np.stack(columns, 1)
    defined_RS = table_RS[1:][~np.isnan(table_RS[1:]).any(1)]
    return name, table_RS[0], defined_RS


def _class_gains(
    task: AnyWholeText, train: Examples, judged: Sequence[_Judged], sizes: Sequence[int]
) -> list[ClassGain]:
    """By how much each class is found more often with the largest size than with half of it; the largest gain first.

    Only rows whose verdict changed carry information, as in McNemar's test. Several dealings judge a row several
    times: the interval counts rows, not judgements. Empty for a task whose predictions are no labels.
    """
    half = min(range(len(sizes)), key=lambda s: abs(sizes[s] - sizes[-1] / 2))
    found: dict[str, list[tuple[int, int]]] = {}
    for i, example in enumerate(train):
        answer = task.show_answer(example.answer)
        shown = [[task.show(deal.said[s][i]) for deal in judged] for s in (half, len(sizes) - 1)]
        if not (isinstance(shown[0][0], dict) and "label" in shown[0][0]):
            return []
        before, after = ([int(one["label"] == answer) for one in row] for row in shown)
        found.setdefault(str(answer), []).extend(zip(before, after, strict=True))
    gains: list[ClassGain] = []
    for label, pairs in found.items():
        before_N, after_N = np.array(pairs).T
        rows, gain = len(pairs) // len(judged), float((after_N - before_N).mean())
        spread = 1.96 * float(np.sqrt(((after_N - before_N) ** 2).mean() / rows))
        gains.append(
            ClassGain(label, rows, float(before_N.mean()), float(after_N.mean()), gain - spread, gain + spread)
        )
    return sorted(gains, key=lambda one: (-one.gain, one.label))
