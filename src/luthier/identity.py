"""What a run is made of, so that a checkpoint of another one is never taken for its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from luthier.config.schema import Settings
from luthier.config.settings import flat
from luthier.config.write import public
from luthier.errors import CheckpointError, Place, Problem, shown
from luthier.language import t

if TYPE_CHECKING:  # it imports torch, and a mistake in the data is told before that
    from luthier.runtime import Runtime

HARMLESS = {"out", "track", "train.keep", "train.save_every", "train.patience", "train.epochs", "train.cache_bytes"}
"""Settings that a resume may change: they do not touch what a step does."""
_SAID_ONCE = {"environment.processes", "config.train.max_tokens"}
"""What a resume may change at the price of the last bits; it is said once."""


def run_facts(run_id: str, settings: Settings, files: Mapping[str, str], runtime: Runtime) -> dict[str, Any]:
    """files: of each data file its SHA-256."""
    import torch
    import transformers

    config = {key: public(value) for key, value in flat(settings.model_dump()).items() if key not in HARMLESS}
    environment = {
        "device": runtime.device.partition(":")[0],
        "threads": torch.get_num_threads() if runtime.device == "cpu" else None,
        "processes": runtime.world,
        "precision": runtime.precision,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    return {"run_id": run_id, "config": config, "data": dict(files), "environment": environment}


def check_same(saved: Mapping[str, Any], now: Mapping[str, Any], checkpoint: str) -> list[str]:
    """What differs and only touches the last bits, in words.

    Errors: CheckpointError naming every other key that differs.
    """
    before, after = flat(saved), flat(now)
    before.pop("step", None)
    differing = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    words = {
        key: t("{key} was {before}, is {after}", key=key, before=_short(before.get(key)), after=_short(after.get(key)))
        for key in differing
    }
    refused = [key for key in differing if key not in _SAID_ONCE]
    if refused:
        fix = t("resume with what the run began with, or start anew with another --out")
        raise CheckpointError(*(Problem(Place(checkpoint), words[key], fix, "other-run") for key in refused))
    return [words[key] for key in differing]


def check_explicit(explicit: Mapping[str, Any], resolved: Settings, where: str) -> dict[str, Any]:
    """Of what the user wrote beside --resume, the harmless part that is to be changed.

    explicit: dotted keys. Errors: CheckpointError for a setting that the run did not begin with.
    """
    begun, changed = flat(resolved.model_dump()), {}
    problems: list[Problem] = []
    for key, value in explicit.items():
        if value in (None, "auto") or key == "out" or key.startswith("search.") or _same(begun.get(key), value):
            continue
        if public(value) == begun.get(key):  # the same address, with the login that is not stored
            changed[key] = value
            continue
        if key in HARMLESS or f"config.{key}" in _SAID_ONCE:
            changed[key] = value
        else:
            what = t("{key} was {before}, is {after}", key=key, before=_short(begun.get(key)), after=_short(value))
            fix = t("leave it out, or start anew with another --out")
            problems.append(Problem(Place(where), what, fix, "other-run"))
    if problems:
        raise CheckpointError(*problems)
    return changed


def _same(a: Any, b: Any) -> bool:
    try:
        return a == b or float(a) == float(b)
    except (TypeError, ValueError):
        return False


def _short(value: Any) -> str:
    return shown(value, 24)
