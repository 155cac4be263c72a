"""Will it fit, how long will it take? The estimate, confirmed by a probe, held against the user's limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier.config.schema import Settings

if TYPE_CHECKING:  # torch takes a second to import; a mistake in the data is told before
    pass

BUDGET = 20.0
"""Seconds that a probe's steps may take, about."""


@dataclass(frozen=True)
class Limits:
    """memory: bytes, and whose they are: "asked", or what the machine has free. seconds: None for no limit."""

    memory: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Forecast:
    """One run as it is expected. memory: bytes by part, and at_once by what is being done; peak: the most of these.
    seconds, disk: by part. how: of every part of the three how it was reckoned or measured, in words.

    probed: whether real steps confirmed it. settings: with nothing left to choose.
    """

    settings: Settings
    device: str
    precision: str
    parameters: int
    trained: int
    steps: int
    epochs: int
    tokens: int
    memory: Mapping[str, float]
    at_once: Mapping[str, float]
    seconds: Mapping[str, float]
    disk: Mapping[str, float]
    how: Mapping[str, str]
    probed: bool = False
    estimated: tuple[float, float] = (0.0, 0.0)

    @property
    def peak(self) -> float:
        return max(self.at_once.values())

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values())

    def fits(self, limits: Limits) -> bool:
        return not self.over(limits)

    def over(self, limits: Limits) -> list[str]:
        """Which limits it passes: "memory", "time"."""
        found = ["memory"] if limits.memory is not None and self.peak > limits.memory else []
        return found + (["time"] if limits.seconds is not None and self.total_seconds > limits.seconds else [])
