"""What became of a training that was tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.config.schema import Settings

DONE, STOPPED, FAILED = "done", "stopped", "failed"


@dataclass(frozen=True)
class Job:
    """A training to be tried. name: a trial's number, or whose seed it is. told: whether its scores are asked for on
    the way, because it may be stopped."""

    name: str
    settings: Settings
    told: bool = True


@dataclass(frozen=True)
class Outcome:
    """state: done; stopped on the way, because others were ahead or the time was up; failed. goodness: the best main
    score on validation, its sign such that more is better. curve: of each evaluation the share of the steps that were
    done, the epoch and the main score. reason: why it was stopped or failed. settings: resolved, by dotted key."""

    state: str
    metric: str = ""
    value: float | None = None
    goodness: float | None = None
    curve: Sequence[Mapping[str, float]] = ()
    seconds: float = 0.0
    epochs: float = 0.0
    trained: int = 0
    reason: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def failed(cls, reason: str, seconds: float = 0.0) -> Outcome:
        return cls(FAILED, reason=reason, seconds=seconds)

    @property
    def is_done(self) -> bool:
        return self.state == DONE and self.goodness is not None

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))
