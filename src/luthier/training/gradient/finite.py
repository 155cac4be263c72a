"""Steps whose loss or gradient is not finite are left out; too many in a row stop the run."""

from __future__ import annotations

from collections.abc import Callable

from luthier.errors import Place, Problem, StoppedError, shown
from luthier.language import t
from luthier.types import Step

MOST_SKIPPED = 3
"""Steps in a row before the run stops."""


def count_skipped(step: Step, skipped: int, learning_rate: float, warn: Callable[[str], None], *, scaled: bool) -> int:
    """How many steps in a row were not applied, this one included. skipped: before it. scaled: whether the loss is
    (fp16), which leaves steps out to find its scale. Errors: StoppedError for too many."""
    if step.applied or scaled:
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
