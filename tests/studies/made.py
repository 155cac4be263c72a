"""Outcomes and settings for studies that train nothing."""

from __future__ import annotations

from typing import Any

from luthier.config.schema import Settings
from luthier.config.settings import load_settings
from luthier.studies.crews.outcome import DONE, FAILED, STOPPED, Outcome
from luthier.studies.spaces.space import Dimension, Space

RATES = {"full": 1e-4, "lora": 1e-3, "last_layers": 1e-4}
DIMENSIONS = (
    Dimension("tuning.method", ("full", "lora", "last_layers")),
    Dimension("train.learning_rate", (), 0.2, 5.0, log=True, times=True),
    Dimension("train.batch_size", (8, 16, 32)),
    Dimension("tuning.r", (4, 8, 16)),
    Dimension("tuning.n", (), 1, 4, whole=True),
)


def settings(*overrides: str) -> Settings:
    return load_settings(
        None, ["train.seed=7", "train.epochs=4", "train.batch_size=16", "train.learning_rate=1e-4", *overrides]
    )


def space(**start: Any) -> Space:
    usual = {"tuning.method": "full", "train.learning_rate": 1.0, "train.batch_size": 16}
    return Space(DIMENSIONS, {**usual, **start})


def done(value: float, *shares: float) -> Outcome:
    """One that reached its value evenly."""
    curve = [{"share": share, "epoch": 4 * share, "value": value * share} for share in shares or (0.5, 1.0)]
    return Outcome(DONE, "macro_f1", value, value, curve, 1.0, 4.0)


def stopped(value: float) -> Outcome:
    return Outcome(STOPPED, "macro_f1", value, value, [{"share": 0.5, "epoch": 2.0, "value": value}], 1.0, 2.0)


def failed() -> Outcome:
    return Outcome(FAILED, reason="out of memory")
