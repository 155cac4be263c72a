"""Will it fit, how long will it take? The estimate, confirmed by a probe, held against the limits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luthier.config.schema import Settings
from luthier.extras import require
from luthier.models.known import choose_model
from luthier.preparing.prepare import prepare
from luthier.progress import SILENT, Progress

if TYPE_CHECKING:  # torch takes a second to import; a mistake in the data is told before
    from luthier.planning.fitting.change import Change
    from luthier.planning.forecast import Forecast, Limits

BUDGET = 20.0
"""Seconds that a probe's steps may take, about."""


@dataclass(frozen=True, eq=False)
class Plan:
    """forecast: of the run as it was asked for. limits: what it is held against. failed: why the probe did not come to
    its end, "" where it did or there was none. changes: what would make it fit, in the order in which one would try
    them; empty where it fits. chosen: the first that does, None where none does or none is needed."""

    forecast: Forecast
    limits: Limits
    failed: str = ""
    changes: Sequence[Change] = ()
    chosen: Change | None = None

    @property
    def fits(self) -> bool:
        return not self.failed and not self.forecast.over(self.limits)

    def as_json(self) -> dict[str, Any]:
        chosen = None if self.chosen is None else list(self.chosen.words)
        return {
            **self.forecast.as_json(),
            "limits": {"memory_bytes": self.limits.memory, "seconds": self.limits.seconds,
                       "memory_is_free_memory": not self.limits.asked},
            "fits": self.fits,
            "over": self.forecast.over(self.limits),
            "failed": self.failed or None,
            "changes": [change.as_json(self.limits) for change in self.changes],
            "chosen": chosen,
        }  # fmt: skip


def plan(
    settings: Settings, *, limits: Limits | None = None, probe: bool = True, screen: Progress = SILENT,
    budget: float = BUDGET,
) -> Plan:  # fmt: skip
    """What a run with these settings will take, and what to change where that is too much.

    limits: memory and time; without a limit of memory what is free on the machine counts. probe: whether a few real
    steps confirm it; they take about `budget` seconds and what the run needs before its first step. Nothing is written
    that stays. Errors: LuthierError, as of a run.
    """
    require("torch", "transformers", "peft")
    begin = time.perf_counter()
    one = _one_fold(settings)
    prepared = prepare(one)
    kind = prepared.task.auto_class
    choose_model(settings.model, prepared.language, kind, weights=settings.pretrained)  # told before torch is loaded
    from luthier.planning.fitting.change import Choosing
    from luthier.planning.forecast import Limits, confirmed, forecast
    from luthier.planning.reckoning.memory import free_memory

    found = forecast(settings, prepared, screen, reading=time.perf_counter() - begin)
    asked = limits or Limits()
    if asked.memory is None:
        asked = replace(asked, memory=free_memory(found.device), asked=False)
    failed = ""
    if probe:
        found, failed = confirmed(found, one, screen, budget)
    done = Plan(found, asked, failed)
    if done.fits:
        return done
    choosing = Choosing(one, prepared, found, asked, screen, budget if probe else 0.0, failed=bool(failed))
    changes, chosen = choosing.changes()
    return replace(done, changes=changes, chosen=chosen)


def _one_fold(settings: Settings) -> Settings:
    """Of a run in folds the first: the others are like it."""
    split = settings.data.split
    if split.folds is None or split.fold is not None:
        return settings
    data = settings.data.model_copy(update={"split": split.model_copy(update={"fold": 1})})
    return settings.model_copy(update={"data": data})


def limits_of(memory: str | None, time: str | None) -> Limits:
    """From words such as 8GiB and 1h30m. Errors: ConfigError."""
    from luthier.planning.forecast import Limits
    from luthier.planning.words import read_bytes, read_seconds

    return Limits(
        None if memory is None else read_bytes(memory), None if time is None else read_seconds(time),
        asked=memory is not None,
    )  # fmt: skip
