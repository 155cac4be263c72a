"""What the untuned model saw, kept in memory for further runs on the same rows: it is looked at once, not by each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from luthier.config.schema import Settings

if TYPE_CHECKING:
    from luthier.evaluation.baselines import Baseline

_MOST = 4
"""Looks that are kept, the newest: each holds features of all rows."""
_OF_THE_STEPS = (
    "epochs", "learning_rate", "batch_size", "max_tokens", "packing", "optimiser", "schedule", "head_init", "warmup",
    "weight_decay", "max_grad_norm", "neftune_alpha", "save_every", "keep", "patience", "averaging", "cache_bytes",
    "compile",
)  # fmt: skip
"""Settings of training that change nothing in what an untuned model says."""
_CHANCE = ("seed", "seeds")
"""An untrained model is another with each seed; a pretrained one is not."""
_LATER = ("balance", "augment", "out", "track")


class Looks:
    """Whoever hands the same one to several runs vouches for it that they have the same rows. baselines: what all of
    them must beat, once it is worked out."""

    def __init__(self, baselines: Sequence[Baseline] | None = None) -> None:
        self.baselines = baselines
        self._kept: dict[str, Any] = {}

    def of(self, settings: Settings, loading: object, look: Callable[[], Any]) -> Any:
        """What `look` finds, or found when it was asked for with settings that make no difference to it. settings: with
        nothing left to choose. loading: how the model is loaded, where not as it lies in its folder."""
        key = _key(settings, loading)
        if key not in self._kept:
            self._kept[key] = look()
            for old in list(self._kept)[:-_MOST]:
                del self._kept[old]
        return self._kept[key]


def _key(settings: Settings, loading: object) -> str:
    values = settings.model_dump(exclude=dict.fromkeys(_LATER, True))
    without = (*_OF_THE_STEPS, *(_CHANCE if settings.pretrained else ()))
    values["train"] = {name: value for name, value in values["train"].items() if name not in without}
    values["tuning"] = {"pretrained": settings.pretrained, "loading": getattr(loading, "__qualname__", "")}
    return json.dumps(values, sort_keys=True, default=str)
