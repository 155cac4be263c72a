"""Why a training stops before its end, in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from luthier.errors import InterruptedRun, Place, Problem, StoppedError, shown
from luthier.language import t
from luthier.training.stopping.signals import Interruption
from luthier.types import Step

MOST_SKIPPED = 3
"""Steps in a row whose loss or gradient is not finite before the run stops."""


def count_skipped(step: Step, skipped: int, learning_rate: float, warn: Callable[[str], None]) -> int:
    """How many steps in a row were not applied, after one more that may not have been. Errors: StoppedError for too
    many."""
    if step.applied:
        return 0
    where = Place(f"step {step.number}")
    what = t("loss {loss} or gradient norm {norm} is not finite; the step was left out",
             loss=step.loss, norm=step.grad_norm)  # fmt: skip
    warn(f"{where}: {what}")
    if skipped + 1 <= MOST_SKIPPED:
        return skipped + 1
    rate = shown(f"{learning_rate / 10:.1e}")
    fix = t("lower train.learning_rate (try {rate}) or set train.precision=fp32, and start again; the last "
            "checkpoint is intact", rate=rate)  # fmt: skip
    raise StoppedError(Problem(where, t("{count} steps in a row are not finite", count=skipped + 1), fix, "not-finite"))


def why_early(best_step: int, patience: int) -> str:
    return t("no better than step {step} for {count} evaluations", step=best_step, count=patience)


def interrupted(folder: Path, step: int, interruption: Interruption) -> InterruptedRun:
    what = t("interrupted after step {step}; saved", step=step)
    fix = t("go on with: luthier train --resume --out {folder}", folder=folder)
    return InterruptedRun(Problem(Place(str(folder)), what, fix, "interrupted"), exit_code=interruption.exit_code)
