"""Is a model better or worse on a part of the rows than on the rest, by more than chance?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.evaluation.evaluate import evaluate, resampled
from luthier.evaluation.intervals import interval
from luthier.task import AnyTask
from luthier.types import Example

ALPHA = 0.05
_DRAWS = 999
_RESAMPLES = 300
_Z = 1.959964


@dataclass(frozen=True)
class Contrast:
    """metric: the score that is compared. difference: of the part minus the rest, with its 95 % interval. chance: how
    often parts drawn at random differ as much; adjusted: that of all parts that are compared, after Holm."""

    metric: str
    difference: float
    low: float
    high: float
    chance: float
    adjusted: float = 1.0

    @property
    def differs(self) -> bool:
        return self.adjusted < ALPHA

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "differs": self.differs}


def against_rest(
    task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any], seed: int
) -> Callable[[Sequence[int]], Contrast | None]:
    """From the numbers of the rows of a part to how it stands against the others. The score is the accuracy, where the
    task has one, else its main one. None where there is no rest, or no score on one side."""
    answers = [example.answer for example in examples]
    right_N = np.array([task.mistake(said, answer) is None for said, answer in zip(predictions, answers, strict=True)])
    report = evaluate(task, predictions, answers, seed=seed, intervals=False)
    accuracy = next((score.value for score in report.scores if score.name == "accuracy"), None)
    counted = accuracy is not None and np.isclose(accuracy, right_N.mean())

    def compare(rows: Sequence[int]) -> Contrast | None:
        inside_N = np.zeros(len(examples), bool)
        inside_N[list(rows)] = True
        if inside_N.all():
            return None
        if counted:
            return _of_shares(right_N[inside_N], right_N[~inside_N])
        return _of_scores(task, predictions, answers, inside_N, report.main.name, seed)

    return compare


def holm(chances: Sequence[float]) -> list[float]:
    """Adjusted so that among all of them the chance of a single false alarm stays what it is of one (Holm 1979)."""
    order = np.argsort(chances, kind="stable")
    adjusted, least = np.ones(len(chances)), 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, (len(chances) - rank) * chances[i]))
        adjusted[i] = least
    return adjusted.tolist()


def _of_shares(inside: np.ndarray, outside: np.ndarray) -> Contrast:
    """Fisher's exact test; the interval is that of Newcombe 1998 (method 10), which holds on few rows and at 0 and
    1."""
    from scipy.stats import fisher_exact

    sides = [(int(part.sum()), len(part)) for part in (inside, outside)]
    table = [[right, rows - right] for right, rows in sides]
    chance = float(fisher_exact(table)[1])  # pyright: ignore[reportArgumentType]
    (p, low_p, high_p), (q, low_q, high_q) = (_wilson(right, rows) for right, rows in sides)
    low = p - q - float(np.hypot(p - low_p, high_q - q))
    high = p - q + float(np.hypot(high_p - p, q - low_q))
    return Contrast("accuracy", p - q, low, high, chance)


def _wilson(right: int, rows: int) -> tuple[float, float, float]:
    """A share and the ends of its score interval (Wilson 1927)."""
    share = right / rows
    centre = (share + _Z**2 / (2 * rows)) / (1 + _Z**2 / rows)
    half = _Z * np.sqrt(share * (1 - share) / rows + _Z**2 / (4 * rows**2)) / (1 + _Z**2 / rows)
    return share, max(0.0, centre - half), min(1.0, centre + half)


def _of_scores(
    task: AnyTask, predictions: Sequence[Any], answers: Sequence[Any], inside_N: np.ndarray, metric: str, seed: int
) -> Contrast | None:
    """A permutation test of the difference; its interval by resampling both sides."""
    rng = np.random.default_rng(seed)

    def apart(inside_RN: np.ndarray) -> np.ndarray:
        one, other = (task.score(predictions, answers, w.astype(float))[metric] for w in (inside_RN, ~inside_RN))
        return one - other

    (difference,) = apart(inside_N[None])
    if np.isnan(difference):
        return None
    drawn_R = apart(np.stack([rng.permutation(inside_N) for _ in range(_DRAWS)]))
    chance = (1 + int((np.abs(drawn_R) >= abs(difference) - 1e-12).sum())) / (1 + _DRAWS)
    sides: list[np.ndarray] = []
    for number, side_N in enumerate((inside_N, ~inside_N)):
        rows = np.flatnonzero(side_N).tolist()
        found = resampled(
            task, [predictions[i] for i in rows], [answers[i] for i in rows], seed=seed + number, resamples=_RESAMPLES
        )
        sides.append(found.resampled[metric])
    low, high = interval(sides[0] - sides[1])
    return Contrast(metric, float(difference), low, high, chance)
