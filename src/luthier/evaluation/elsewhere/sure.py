"""What the model's own sureness is worth: how well it is calibrated, and how right the surest answers are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from luthier.evaluation.intervals import Difference, Evaluated, bootstrap, interval, paired_difference
from luthier.language import t
from luthier.metrics.sureness import Sureness, calibration_error, ranked, reliability
from luthier.task import AnyTask
from luthier.types import Score

COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
WANTED = (0.9, 0.95, 0.99)
"""Accuracies for which a threshold is named."""
_DELTA = 0.05
"""How often a guaranteed accuracy may fail to hold."""
_LEAST_N = 20


@dataclass(frozen=True)
class Point:
    """The surest `coverage` of the rows: those with a score from `threshold` on."""

    coverage: float
    threshold: float
    accuracy: Score


@dataclass(frozen=True)
class Guarantee:
    """From `threshold` on answers are right as often as wanted on rows like these, with a probability of 95 %
    (Geifman & El-Yaniv 2017, "selection with guaranteed risk"). None where no threshold gives that. coverage, accuracy:
    on these rows."""

    wanted: float
    threshold: float | None
    coverage: float
    accuracy: float | None


@dataclass(frozen=True)
class Selective:
    """area: under the risk–coverage curve. error: the area of a sureness that tells nothing. curve: (coverage, risk),
    thinned."""

    area: Score
    error: float
    points: Sequence[Point]
    guarantees: Sequence[Guarantee]
    curve: Sequence[tuple[float, float]] = field(repr=False, default=())

    def as_json(self) -> dict[str, Any]:
        return {
            "aurc": self.area.as_json(),
            "error": self.error,
            "points": [{"coverage": p.coverage, "threshold": p.threshold, **_ends(p.accuracy)} for p in self.points],
            "thresholds": [dict(vars(one)) for one in self.guarantees],
            "curve": [list(pair) for pair in self.curve],
            "sentence": self.sentence,
        }

    @property
    def sentence(self) -> str:
        every, most = self.points[0], next(p for p in self.points if p.coverage == 0.8)
        return t("answer the surest 80 %: accuracy {value:.3f} [{low:.3f}, {high:.3f}] instead of {all:.3f}; the "
                 "others have a score below {threshold:.3f}",
                 value=most.accuracy.value, low=most.accuracy.low, high=most.accuracy.high, all=every.accuracy.value,
                 threshold=most.threshold)  # fmt: skip


def _ends(score: Score) -> dict[str, Any]:
    return {"accuracy": score.value, "low": score.low, "high": score.high, "n": score.n}


def selective(sureness: Sureness, *, seed: int, wanted: Sequence[float] = WANTED) -> Selective | None:
    """None for too few rows to rank."""
    rows = len(sureness.sure_N)
    if rows < _LEAST_N:
        return None

    def score(weights_RN: np.ndarray) -> dict[str, np.ndarray]:
        found = ranked(sureness, weights_RN)
        at = {f"{c:g}": _accuracy_at(found.coverage_RG, found.risk_RG, c) for c in COVERAGES}
        return {"aurc": found.area_R, **at}

    measured = bootstrap(score, rows, seed=seed)
    once = ranked(sureness, np.ones((1, rows)))
    coverage_G, risk_G = once.coverage_RG[0], once.risk_RG[0]
    points: list[Point] = []
    for coverage in COVERAGES:
        name = f"{coverage:g}"
        last = _reached(coverage_G[None], coverage)[0]
        count = round(float(coverage_G[last]) * rows)
        accuracy = Score("accuracy", measured.values[name], count, *interval(measured.resampled[name]))
        points.append(Point(coverage, float(once.sure_G[last]), accuracy))
    area = Score("aurc", measured.values["aurc"], rows, *interval(measured.resampled["aurc"]), higher_is_better=False)
    guarantees = [_guarantee(sureness, once.sure_G, target) for target in wanted]
    step = max(1, len(coverage_G) // 200)
    thinned = [*range(0, len(coverage_G) - 1, step), len(coverage_G) - 1]
    curve = [(float(coverage_G[g]), float(risk_G[g])) for g in thinned]
    return Selective(area, float(risk_G[-1]), points, guarantees, curve)


def _reached(coverage_RG: np.ndarray, coverage: float) -> np.ndarray:
    """[R]: the first step of the ranking at which so many rows are answered."""
    return (coverage_RG >= coverage - 1e-9).argmax(1)


def _accuracy_at(coverage_RG: np.ndarray, risk_RG: np.ndarray, coverage: float) -> np.ndarray:
    last_R = _reached(coverage_RG, coverage)
    return 1 - risk_RG[np.arange(len(risk_RG)), last_R]


def _guarantee(sureness: Sureness, sure_G: np.ndarray, wanted: float) -> Guarantee:
    """Binary search for the lowest threshold whose bound on the risk holds; every step pays its part of delta."""
    sure_N, right_N = sureness.sure_N, sureness.right_N
    delta = _DELTA / math.ceil(math.log2(len(sure_N) + 1))
    low, high, best = 0, len(sure_G) - 1, None
    while low <= high:
        middle = (low + high) // 2
        kept_N = sure_N >= sure_G[middle]
        if _most_risk(int((~right_N[kept_N]).sum()), int(kept_N.sum()), delta) <= 1 - wanted:
            best, low = middle, middle + 1
        else:
            high = middle - 1
    if best is None:
        return Guarantee(wanted, None, 0.0, None)
    kept_N = sure_N >= sure_G[best]
    return Guarantee(wanted, float(sure_G[best]), float(kept_N.mean()), float(right_N[kept_N].mean()))


def _most_risk(wrong: int, rows: int, delta: float) -> float:
    """The highest error rate that so few wrong answers leave possible (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    return 1.0 if wrong >= rows else float(betaincinv(wrong + 1, rows - wrong, 1 - delta))


@dataclass(frozen=True)
class Calibrated:
    """ece: of what the model says. before: of what it would say with its temperature taken out, and change: how much
    smaller the error got; None where nothing was divided. bins, bins_before: (confidence, share right, decisions)."""

    ece: Score
    bins: Sequence[tuple[float, float, int]]
    before: Score | None = None
    change: Difference | None = None
    bins_before: Sequence[tuple[float, float, int]] = ()

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"ece": self.ece.as_json(), "bins": _bins_json(self.bins)}
        if self.before is not None and self.change is not None:
            found |= {"ece_before": self.before.as_json(), "bins_before": _bins_json(self.bins_before)}
            found["change"] = {"value": self.change.value, "low": self.change.low, "high": self.change.high}
        return found


def _bins_json(bins: Sequence[tuple[float, float, int]]) -> list[dict[str, float]]:
    return [{"confidence": confidence, "accuracy": accuracy, "n": n} for confidence, accuracy, n in bins]


def calibrated(sureness: Sureness, before: Sureness | None, *, seed: int) -> Calibrated:
    """Both on the same resamples of the rows. before: None where there is nothing to compare with."""
    after = _errors(sureness, seed)
    score = _score(after, sureness)
    if before is None:
        return Calibrated(score, reliability(sureness))
    raw = _errors(before, seed)
    change = paired_difference(after, raw, "ece", higher_is_better=False)
    return Calibrated(score, reliability(sureness), _score(raw, before), change, reliability(before))


def _errors(sureness: Sureness, seed: int) -> Evaluated:
    return bootstrap(
        lambda weights_RN: {"ece": calibration_error(sureness, weights_RN)}, len(sureness.sure_N), seed=seed
    )


def _score(found: Evaluated, sureness: Sureness) -> Score:
    low, high = interval(found.resampled["ece"])
    return Score("ece", found.values["ece"], len(sureness.sure_N), low, high, higher_is_better=False)


@dataclass(frozen=True)
class Trust:
    """What can be told of the model's own sureness on some rows."""

    calibrated: Calibrated
    selective: Selective | None

    def as_json(self) -> dict[str, Any]:
        return {
            "calibration": self.calibrated.as_json(),
            "selective": self.selective.as_json() if self.selective else None,
        }


def trust(
    task: AnyTask, predictions: Sequence[Any], answers: Sequence[Any], *, seed: int, temperature: float = 1.0,
    shifts_C: np.ndarray | None = None, wanted: Sequence[float] = WANTED,
) -> Trust | None:  # fmt: skip
    """temperature, shifts: what the model's logits were divided by and what was then added to them, so that what it
    said before can be told. None for a task that says no probabilities."""
    sureness = task.sureness(predictions, answers)
    if sureness is None:
        return None
    ranking = selective(sureness, seed=seed, wanted=wanted)
    if temperature == 1:
        return Trust(calibrated(sureness, None, seed=seed), ranking)
    plain = task.tempered(predictions, 1.0)
    if shifts_C is not None and shifts_C.any():  # moved decisions are meant to be off: only the division is judged
        plain = task.shifted(plain, -shifts_C)
    after, before = task.sureness(plain, answers), task.sureness(task.tempered(plain, 1 / temperature), answers)
    assert after is not None
    return Trust(calibrated(after, before, seed=seed), ranking)
