"""From a measured learning curve to what more rows would bring, how sure that is, and when it cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.evaluation.power_law import FEWEST_SIZES, PowerLaw, fit_power_law
from luthier.language import t

FACTORS = (2, 4, 10)
_LARGEST_ERROR = 0.02
"""Of a score between 0 and 1: a back-test may be wrong by this much before its curve is distrusted."""
_WIDEST = 0.1
"""An interval of the gain by doubling that is wider says nothing that a user could act on."""
_HARDLY = 0.005


@dataclass(frozen=True)
class Point:
    """A score, measured. low, high: its 95 % interval."""

    rows: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Outlook:
    """factor: times the present rows. value: the score then, and its interval. gain: over the present, positive where
    the score becomes better; its interval."""

    factor: int
    rows: int
    value: float
    low: float
    high: float
    gain: float
    gain_low: float
    gain_high: float


@dataclass(frozen=True)
class BackTest:
    """The curve drawn from the sizes up to `known` alone, and what it said of the gain from there to `rows`, the
    largest size. low, high: 95 % interval of predicted minus measured, on the same resamples."""

    known: int
    rows: int
    predicted: float
    measured: float
    low: float
    high: float

    @property
    def error(self) -> float:
        return self.predicted - self.measured

    @property
    def fails(self) -> bool:
        """Wrong beyond chance, and by more than a user would forgive."""
        return (self.low > 0 or self.high < 0) and abs(self.error) > _LARGEST_ERROR

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "error": self.error}


@dataclass(frozen=True)
class Forecast:
    """present: the fitted score at the present rows. law: error = scale · (n / unit)^-exponent + floor, of the curve
    itself. trouble: why nothing can be told; "" where something can."""

    sentence: str
    trouble: str
    present: float
    outlooks: Sequence[Outlook]
    back_tests: Sequence[BackTest]
    law: dict[str, float]
    drawn: Sequence[Point]

    def as_json(self) -> dict[str, Any]:
        return {
            "sentence": self.sentence,
            "told": not self.trouble,
            "trouble": self.trouble,
            "present": self.present,
            "outlooks": [vars(outlook) for outlook in self.outlooks],
            "back_tests": [test.as_json() for test in self.back_tests],
            "law": self.law,
            "drawn": [vars(point) for point in self.drawn],
        }


def forecast(
    metric: str, sizes: Sequence[int], values_S: np.ndarray, resampled_RS: np.ndarray, present: int, *,
    higher_is_better: bool,
) -> Forecast:  # fmt: skip
    """sizes: rows learnt from, ascending. values: the metric at each, resampled: on R resamples. present: the rows
    that there are; at twice as many, and so on, the curve is read off."""
    sizes_S = np.array(sizes, float)
    errors_RS = _errors(np.concatenate([values_S[None], resampled_RS]), higher_is_better)
    variance_S = errors_RS[1:].var(0)
    if len(sizes) < FEWEST_SIZES + 1:
        trouble = t("the rows give {count} sizes only, and {needed} are needed", count=len(sizes),
                    needed=FEWEST_SIZES + 1)  # fmt: skip
        return Forecast(_not_told(trouble), trouble, float(values_S[-1]), (), (), {}, ())
    law = fit_power_law(sizes_S, errors_RS, variance_S)
    tests = [test for share in (4, 2) if (test := _back_test(sizes_S, errors_RS, variance_S, share)) is not None]
    error = abs(tests[-1].error) if tests else 0.0
    outlooks = [_outlook(law, present, factor, error, higher_is_better) for factor in FACTORS]
    trouble = _trouble(sizes, errors_RS, tests[-1] if tests else None, outlooks[0])
    drawn_at = np.geomspace(sizes_S[0], present * FACTORS[-1], 60)
    drawn = [
        Point(round(rows), *_middle(_errors(column, higher_is_better)))
        for rows, column in zip(drawn_at, law(drawn_at).T, strict=True)
    ]
    (now,) = _errors(law(present)[0], higher_is_better)
    numbers = {"scale": law.scale[0], "exponent": law.exponent[0], "floor": law.floor[0], "unit": law.unit}
    sentence = _not_told(trouble) if trouble else _told(metric, present, outlooks[0], higher_is_better)
    return Forecast(sentence, trouble, float(now), outlooks, tests, {k: float(v) for k, v in numbers.items()}, drawn)


def _errors(values: np.ndarray, higher_is_better: bool) -> np.ndarray:
    """A score at most 1 to what it lacks, and back; what is lower the better is an error as it stands."""
    return 1 - values if higher_is_better else values


def _middle(values_R: np.ndarray) -> tuple[float, float, float]:
    """The curve's own value, which stands first, and the interval of the resamples."""
    low, high = np.quantile(values_R[1:], (0.025, 0.975))
    return float(values_R[0]), float(low), float(high)


def _outlook(law: PowerLaw, present: int, factor: int, error: float, higher_is_better: bool) -> Outlook:
    """error: of the back-test over one doubling; every interval is widened by it on both sides, because resamples show
    the noise of the points and not whether the form of the curve is right."""
    now_R, then_R = law([present, present * factor]).T
    gain, low, high = _middle(now_R - then_R)
    value, value_low, value_high = _middle(_errors(then_R, higher_is_better))
    return Outlook(
        factor, present * factor, value, value_low - error, value_high + error, gain, low - error, high + error
    )


def _back_test(sizes_S: np.ndarray, errors_RS: np.ndarray, variance_S: np.ndarray, share: int) -> BackTest | None:
    """The curve as it would have been drawn from a half or a quarter of the rows; None where too few sizes are left."""
    known = sizes_S <= sizes_S[-1] / share * 1.01
    if known.sum() < FEWEST_SIZES:
        return None
    law = fit_power_law(sizes_S[known], errors_RS[:, known], variance_S[known])
    last = sizes_S[known][-1]
    before_R, after_R = law([last, sizes_S[-1]]).T
    predicted_R = before_R - after_R
    measured_R = errors_RS[:, known][:, -1] - errors_RS[:, -1]
    _, low, high = _middle(predicted_R - measured_R)
    return BackTest(int(last), int(sizes_S[-1]), float(predicted_R[0]), float(measured_R[0]), low, high)


def _trouble(sizes: Sequence[int], errors_RS: np.ndarray, test: BackTest | None, twice: Outlook) -> str:
    rise = errors_RS[1:, 0] - errors_RS[1:, -1]
    if np.quantile(rise, 0.025) <= 0:
        return t("from {few} to {many} rows the score does not rise beyond chance", few=sizes[0], many=sizes[-1])
    if test is None:
        return t("the rows are too few to test the forecast on themselves")
    if test.fails:
        return t("tested on itself the forecast fails: from {known} to {rows} rows it promised {said:+.3f}, "
                 "measured were {measured:+.3f}", known=test.known, rows=test.rows, said=test.predicted,
                 measured=test.measured)  # fmt: skip
    if twice.gain_high - twice.gain_low > _WIDEST:
        return t("the interval of what doubling brings is too wide ({low:+.3f} to {high:+.3f})",
                 low=twice.gain_low, high=twice.gain_high)  # fmt: skip
    return ""


def _not_told(trouble: str) -> str:
    return t("What more data would bring cannot be told: {trouble}.", trouble=trouble)


def _told(metric: str, present: int, twice: Outlook, higher_is_better: bool) -> str:
    facts: dict[str, Any] = {
        "metric": metric, "gain": twice.gain, "low": twice.gain_low, "high": twice.gain_high,
        "rows": present, "more": twice.rows,
    }  # fmt: skip
    if twice.gain_high < _HARDLY:
        return t("More data of this kind would hardly help: doubling the {rows:,} training rows would change {metric} "
                 "by {gain:.3f} [{low:.3f}, {high:.3f}].", **facts)  # fmt: skip
    if not higher_is_better:
        return t("Doubling the {rows:,} training rows would lower {metric} by {gain:.3f} [{low:.3f}, {high:.3f}].",
                 **facts)  # fmt: skip
    return t("Doubling the {rows:,} training rows would raise {metric} by {gain:.3f} [{low:.3f}, {high:.3f}].",
             **facts)  # fmt: skip
