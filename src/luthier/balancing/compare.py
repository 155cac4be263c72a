"""Which remedy helps on the data at hand: each trains a linear head on the untuned model's features, by its own loss
and on the rows that it would show, and is judged by cross-validation on rows that its head did not see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from luthier import catalog
from luthier.balancing.heads import HeadRows, LinearHead, answers_of, fit_head
from luthier.balancing.remedy import Remedy
from luthier.balancing.sampling import Sampling
from luthier.codec import Codec
from luthier.evaluation.evaluate import evaluate, report_of, resampled
from luthier.evaluation.folds import in_turn
from luthier.evaluation.intervals import Evaluated, paired_difference
from luthier.language import t
from luthier.seen import Scaling
from luthier.task import AnyTask
from luthier.types import Score

FOLDS = 5
_MOST_ROWS, _MOST_CELLS = 4000, 200_000_000
"""Rows, and rows × features × classes, that are compared on: more would take minutes (28 classes, 384 features, 4,000
rows: 20 s on one core)."""
_STRENGTHS, _FEW_ROWS = (0.01, 0.1, 1.0), 1000
"""Inverse regularisation; the last is for few rows, where the others hold a head back to the commonest class."""
_RESAMPLES = 500
_SURE = 0.9
"""Share of the resamples in which the best remedy must be ahead. Of 0.975, the usual interval, the thinned tickets (160
rows) had taken none at +0.126, where training then gave +0.05 to +0.10 with every remedy that weighs classes."""
_SHOWN = 2
"""Scores of a remedy that are kept: the main one and the next."""


@dataclass(frozen=True)
class Plan:
    """What the training would be. counts: training rows of each class. epochs, seed: its own. validation: how many
    rows decisions would be moved on; 0 leaves such remedies out."""

    counts: Sequence[int]
    epochs: int
    seed: int
    validation: int


@dataclass(frozen=True)
class Candidate:
    """A remedy's scores on rows that its head did not see, the main one first. difference, low, high: of the main
    score against no remedy, on the same rows, positive where the remedy is better. ahead: the share of bootstrap
    resamples in which it is."""

    name: str
    scores: Sequence[Score]
    difference: float
    low: float
    high: float
    ahead: float

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "scores": [score.as_json() for score in self.scores]}


@dataclass(frozen=True)
class Comparison:
    """candidates: the best first. rows: how many were compared on. reason: of the choice, in words."""

    candidates: Sequence[Candidate]
    rows: int
    chosen: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "candidates": [candidate.as_json() for candidate in self.candidates]}


def compare_remedies(
    codec: Codec, features_NK: np.ndarray, answers: Sequence[Any], plan: Plan,
    done: Callable[[str], None] = lambda name: None,
) -> Comparison:  # fmt: skip
    """All remedies with their default options. features: of training and validation rows. done: is told each one's
    name."""
    rng = np.random.default_rng((plan.seed, 2))
    most = min(_MOST_ROWS, _MOST_CELLS // (features_NK.shape[1] * len(plan.counts)))
    known = np.flatnonzero(codec.task.row_classes(answers) >= 0)
    kept = np.sort(rng.permutation(known)[:most])
    answers = [answers[i] for i in kept]
    rows = HeadRows.of(codec, Scaling.of(features_NK[kept])(features_NK[kept]), answers)
    classes_N = codec.task.row_classes(answers)
    folds_N = _folds(classes_N, rng)
    said: dict[Remedy, list[list[Any]]] = {}
    found: dict[str, Evaluated] = {}
    for name in candidate_names(moving=plan.validation > 0):
        remedy = catalog.remedy(name)(plan.counts)
        trained = replace(remedy, moves_decisions=False)
        if trained not in said:
            said[trained] = _out_of_fold(codec.task, rows, classes_N, folds_N, trained, plan)
        tries = said[trained]
        if remedy.moves_decisions:
            tries = [_moved(codec.task, each, answers, folds_N, plan) for each in tries]
        best = max(tries, key=lambda each: _main(codec.task, each, answers))
        found[name] = resampled(codec.task, best, answers, seed=plan.seed, resamples=_RESAMPLES)
        done(name)
    return _judged(found, answers)


def candidate_names(*, moving: bool) -> list[str]:
    """No remedy first. moving: whether there are rows to move decisions on."""
    names = ["none", *(name for name in catalog.remedy_names() if name != "none")]
    return [name for name in names if moving or not catalog.remedy(name)((1, 1)).moves_decisions]


def _folds(classes_N: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A fold for each row, every class dealt out evenly."""
    shuffled = rng.permutation(len(classes_N))
    by_class = shuffled[np.argsort(classes_N[shuffled], kind="stable")]
    folds_N = np.empty(len(classes_N), np.int64)
    folds_N[by_class] = np.arange(len(classes_N)) % FOLDS
    return folds_N


def _out_of_fold(
    task: AnyTask, rows: HeadRows, classes_N: np.ndarray, folds_N: np.ndarray, remedy: Remedy, plan: Plan
) -> list[list[Any]]:
    """For each strength of regularisation a prediction for every row, by the head of the other folds."""
    strengths = _STRENGTHS if len(rows) < _FEW_ROWS else _STRENGTHS[:-1]
    predictions: list[list[Any]] = [[None] * len(rows) for _ in strengths]
    for _, inside, outside in in_turn(folds_N):
        shown, weights = _shown(classes_N[inside], remedy, plan)
        learning = task.remedied(replace(remedy, rates=(), weights=weights))
        total = float(np.array(weights)[classes_N[inside][shown]].sum()) if weights else len(shown)
        head: LinearHead | None = None
        for strength, filled in zip(strengths, predictions, strict=True):
            head = fit_head(learning, rows.take(inside[shown]), strength, len(inside) / total, head)
            for i, said in zip(outside, answers_of(task, head, rows.take(outside)), strict=True):
                filled[i] = said
    return predictions


def _shown(classes_N: np.ndarray, remedy: Remedy, plan: Plan) -> tuple[np.ndarray, tuple[float, ...]]:
    """Which rows the epochs of the training would show, and each class's weight: how often they would."""
    if not remedy.rates:
        return np.arange(len(classes_N)), remedy.weights
    sampling = Sampling(classes_N, remedy.rates)
    times_N = np.zeros(len(classes_N))
    for epoch in range(plan.epochs):
        np.add.at(times_N, sampling.epoch(plan.seed, epoch) % len(classes_N), 1)
    shown = np.flatnonzero(times_N)
    times_C, rows_C = (np.bincount(classes_N[shown], w, len(remedy.rates)) for w in (times_N[shown], None))
    own = remedy.weights or (1.0,) * len(remedy.rates)
    return shown, tuple((times_C / np.maximum(rows_C, 1) * own).tolist())


def _moved(
    task: AnyTask, predictions: Sequence[Any], answers: Sequence[Any], folds_N: np.ndarray, plan: Plan
) -> list[Any]:
    """The predictions with decisions moved as as many rows of the other folds say as there will be for validation."""
    moved: list[Any] = list(predictions)
    for fold, others, held in in_turn(folds_N):
        outside = held.tolist()
        seen = np.random.default_rng((plan.seed, fold)).permutation(others)[: plan.validation].tolist()
        shifts_C = task.best_shifts([predictions[i] for i in seen], [answers[i] for i in seen], plan.counts, plan.seed)
        for i, said in zip(outside, task.shifted([predictions[i] for i in outside], shifts_C), strict=True):
            moved[i] = said
    return moved


def _main(task: AnyTask, predictions: Sequence[Any], answers: Sequence[Any]) -> float:
    return evaluate(task, predictions, answers, seed=0, intervals=False).main.goodness


def _judged(found: Mapping[str, Evaluated], answers: Sequence[Any]) -> Comparison:
    candidates: list[Candidate] = []
    for name, each in found.items():
        scores = report_of(each, answers).scores[:_SHOWN]
        main, better = scores[0].name, scores[0].higher_is_better
        apart = paired_difference(each, found["none"], main, higher_is_better=better)
        gains_R = (each.resampled[main] - found["none"].resampled[main]) * (1 if better else -1)
        candidates.append(Candidate(name, scores, apart.value, apart.low, apart.high, float((gains_R > 0).mean())))
    candidates.sort(key=lambda candidate: -candidate.difference)
    best = candidates[0]
    facts = t(
        "{metric} {difference:+.3f} against none, ahead in {ahead:.0%} of the resamples",
        metric=best.scores[0].name, difference=best.difference, ahead=best.ahead,
    )  # fmt: skip
    if best.ahead >= _SURE:
        return Comparison(candidates, len(answers), best.name, t("the best of all, {facts}", facts=facts))
    if best.name == "none":
        return Comparison(candidates, len(answers), "none", t("no remedy is better"))
    reason = t("no remedy is surely better; the best, {name}: {facts}", name=best.name, facts=facts)
    return Comparison(candidates, len(answers), "none", reason)
