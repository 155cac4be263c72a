"""Which trial is stopped on its way: one whose best score so far lies below the median of the others at the same share
of their own steps (the median rule of Golovin et al. 2017).

Not Hyperband: it cuts trials by the same number of epochs and needs dozens of them for its brackets. Here epochs are
searched too, and the learning rate falls to nothing at each trial's own end, so that what can be compared is the same
share of the way, and not the same epoch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from luthier.evaluation.evaluate import higher_is_better
from luthier.studies.crews.outcome import DONE, Outcome

FEWEST = 4
"""Trials that must have come so far before one is stopped."""
_EARLIEST = 0.2
"""Share of the steps before which nothing is stopped: warm-up and a little more."""


def behind(share: float, goodness: float, others: Sequence[Outcome]) -> bool:
    """share: of the trial's steps that are done. goodness: its best main score so far, more being better."""
    if share < _EARLIEST:
        return False
    known = [value for value in (best_by(share, other) for other in others) if value is not None]
    if len(known) < FEWEST:
        return False
    return math.isnan(goodness) or goodness < median(known)


def best_by(share: float, outcome: Outcome) -> float | None:
    """Its best main score at that share of its steps or before, more being better; None where it had none by then, or
    was stopped before."""
    sign = 1 if higher_is_better(outcome.metric) else -1
    values = [sign * point["value"] for point in outcome.curve if point["share"] <= share + 1e-9]
    values = [value for value in values if not math.isnan(value)]
    reached = bool(outcome.curve) and (outcome.state == DONE or outcome.curve[-1]["share"] >= share - 1e-9)
    return max(values) if values and reached else None
