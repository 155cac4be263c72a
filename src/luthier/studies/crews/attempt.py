"""One training that is tried: what became of it, whatever that is."""

from __future__ import annotations

import gc
import math
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from luthier.config.schema import NAME_KEYS, Settings
from luthier.config.settings import flat
from luthier.config.write import public
from luthier.errors import InterruptedRun, LuthierError
from luthier.language import t
from luthier.looks import Looks
from luthier.preparing.gather import make_task
from luthier.preparing.prepare import Prepared
from luthier.studies.crews.outcome import DONE, FAILED, STOPPED, Job, Outcome
from luthier.studies.spaces.space import OPTIONS_OF

Told = Callable[[float, float], str]
"""From the share of the steps that is done and the best score so far to why the training is to stop, or ""."""


def try_job(job: Job, prepared: Prepared, looks: Looks, told: Told) -> Outcome:
    """Errors: InterruptedRun where the process is told to end; everything else is an outcome."""
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="luthier-trial-") as folder:
            return _outcome(job, prepared, looks, told, Path(folder), began)
    except InterruptedRun:
        raise
    except LuthierError as error:
        return Outcome.failed(str(error), time.monotonic() - began)
    except Exception as error:  # a trial that breaks tells of itself, and the search goes on
        return Outcome.failed(_words(error), time.monotonic() - began)
    finally:
        release()


def _outcome(job: Job, prepared: Prepared, looks: Looks, told: Told, folder: Path, began: float) -> Outcome:
    from luthier.run import attempt
    from luthier.training.journal import read_journal

    asked: dict[float, str] = {}

    def listen(share: float, goodness: float) -> str:
        if job.told and share < 1:
            asked[share] = told(share, goodness)
        return asked.get(share, "")

    ready, fitted = attempt(job.settings, with_task(prepared, job.settings), folder, listen, looks=looks)
    history = [entry for entry in read_journal(folder / "metrics.jsonl") if "validation" in entry]
    metric = next(iter(history[-1]["validation"]))
    curve = [
        {"share": entry["step"] / fitted.total_steps, "epoch": entry["epoch"], "value": entry["validation"][metric]}
        for entry in history
    ]
    progress = fitted.progress
    best = next((one["validation"][metric] for one in history if one["step"] == progress.best_step), math.nan)
    stopped = next((reason for reason in asked.values() if reason), "")
    found = progress.best_step > 0 and math.isfinite(best)
    state = FAILED if not found else STOPPED if stopped else DONE
    return Outcome(
        state, metric, best if found else None, progress.best_value if found else None, curve,
        time.monotonic() - began, history[-1]["epoch"],
        sum(p.numel() for p in ready.loaded.model.parameters() if p.requires_grad),
        stopped if found else t("the score on validation was never a number"),
        _told_settings(ready.settings),
    )  # fmt: skip


def _told_settings(settings: Settings) -> dict[str, Any]:
    """By dotted key, with the options of the methods that were left at their defaults."""
    found = {key: public(value) for key, value in flat(settings.model_dump()).items()}
    for section, options_of in OPTIONS_OF.items():
        method = str(found[f"{section}.{NAME_KEYS[section]}"])
        for option, (_, default) in options_of(method).items():
            found.setdefault(f"{section}.{option}", default)
    return found


def with_task(prepared: Prepared, settings: Settings) -> Prepared:
    """The data with the task as the options of these settings make it."""
    options = {key: value for key, value in settings.task.items() if key != "name"}
    same = {key: value for key, value in prepared.task.options().items() if key in options}
    if options == same:
        return prepared
    return replace(prepared, task=make_task(settings).learn(prepared.split.train))


def release() -> None:
    """Gives back what models that are no longer needed hold, on a GPU too: the next one needs the room."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _words(error: Any) -> str:
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower() or "alloc" in str(error).lower():
        return t("out of memory: {error}", error=str(error).splitlines()[0][:200] if str(error) else "")
    return t("this is a bug of Luthier: {kind}: {error}", kind=type(error).__name__, error=str(error)[:300])
