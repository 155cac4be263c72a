"""How an error falls with the rows learnt from: a power law with an asymptote, error(n) = a · n^-b + c.

The form is that of Cortes et al. 1993 ("Learning curves: asymptotic values and rate of convergence"); fitting it by
weighted least squares, the surer points counting more, is how Figueroa et al. 2012 predict sample sizes. For a given b
the best a and c ≥ 0 have a closed form, so b is simply tried on a grid: no starting point, no local optimum, and
hundreds of resampled curves are fitted at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_EXPONENTS = np.geomspace(0.05, 2.0, 75)
FEWEST_SIZES = 4
"""Three numbers are fitted: on fewer sizes than four nothing would be left to show that they fit."""


@dataclass(frozen=True)
class PowerLaw:
    """R curves. scale, exponent, floor: [R] each; scale is the part of the error that more rows remove, at `unit`
    rows; floor is what no number of rows removes."""

    scale: np.ndarray
    exponent: np.ndarray
    floor: np.ndarray
    unit: float

    def __call__(self, rows: float | Sequence[float] | np.ndarray) -> np.ndarray:
        """The errors at S sizes, [R, S]."""
        ratio_S = np.atleast_1d(np.asarray(rows, float)) / self.unit
        return self.scale[:, None] * ratio_S ** -self.exponent[:, None] + self.floor[:, None]


def fit_power_law(rows_S: np.ndarray, errors_RS: np.ndarray, variance_S: np.ndarray) -> PowerLaw:
    """Each curve's own fit, with scale and floor at least 0 and the exponent from 0.05 to 2.

    variance: of the error at each size. Errors: ValueError for fewer sizes than FEWEST_SIZES.
    """
    if len(rows_S) < FEWEST_SIZES:
        raise ValueError("too few sizes")
    unit = float(np.exp(np.log(rows_S).mean()))
    weights_S = 1 / np.maximum(variance_S, 1e-3 * variance_S.max() + 1e-12)
    weights_S = weights_S / weights_S.sum()
    best = np.full((4, len(errors_RS)), np.inf)  # squared error, scale, exponent, floor
    for exponent in _EXPONENTS:
        x_S = (rows_S / unit) ** -exponent
        scale_R, floor_R = _line(x_S, errors_RS, weights_S)
        misfit_R = ((scale_R[:, None] * x_S + floor_R[:, None] - errors_RS) ** 2 * weights_S).sum(1)
        better = misfit_R < best[0]
        tried = np.stack([misfit_R, scale_R, np.full_like(misfit_R, exponent), floor_R])
        best[:, better] = tried[:, better]
    return PowerLaw(best[1], best[2], best[3], unit)


def _line(x_S: np.ndarray, y_RS: np.ndarray, weights_S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted least squares of y = slope · x + start with neither below 0. weights: summing to 1."""
    mean_x, mean_R = weights_S @ x_S, y_RS @ weights_S
    slope_R = ((y_RS - mean_R[:, None]) * (x_S - mean_x)) @ weights_S / (weights_S @ (x_S - mean_x) ** 2)
    start_R = mean_R - slope_R * mean_x
    through_zero_R = (y_RS * x_S) @ weights_S / (weights_S @ x_S**2)
    slope_R, start_R = np.where(start_R < 0, through_zero_R, slope_R), np.maximum(start_R, 0)
    return np.maximum(slope_R, 0), np.where(slope_R < 0, mean_R, start_R)
