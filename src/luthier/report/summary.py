"""report.json: the run for programs."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.balancing.decide import Moved
from luthier.preparing.prepare import Prepared
from luthier.ready import Ready
from luthier.runtime import Runtime, cpu_name, device_name
from luthier.training.throughput import Throughput
from luthier.trial import Trial
from luthier.types import PARTS

_LIBRARIES = ("luthier", "torch", "transformers", "peft", "tokenizers", "safetensors", "scikit-learn", "numpy")
_MOST_ROWS = 50


@dataclass(frozen=True)
class Story:
    """What happened in a run. balance: against imbalance. details: the task's own tables. history: the lines of
    metrics.jsonl."""

    trial: Trial
    balance: Mapping[str, Any]
    details: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    throughput: Throughput
    augmentation: Mapping[str, Any] | None
    parameters: int
    trained_parameters: int
    stopped_early: str
    best_step: int
    steps: int
    total_steps: int
    seconds: float
    train_seconds: float
    peak_memory_bytes: int


def summary(ready: Ready, prepared: Prepared, story: Story, runtime: Runtime) -> dict[str, Any]:
    settings, trial = ready.settings, story.trial
    return {
        "task": prepared.task.name,
        "model": settings.model,
        "tuning": settings.tuning,
        "augment": None if story.augmentation is None else {**settings.augment, "trial": dict(story.augmentation)},
        "balance": dict(story.balance),
        "data": data_summary(prepared),
        "split": _split(prepared),
        "judged_on": trial.part,
        "scores": [score.as_json() for score in trial.test.scores],
        "baselines": {name: [s.as_json() for s in report.scores] for name, report in trial.baselines.items()},
        "verdict": trial.verdict.as_json(),
        "details": dict(story.details),
        "throughput": story.throughput.as_json(),
        "seconds": story.seconds,
        "train_seconds": story.train_seconds,
        "peak_memory_bytes": story.peak_memory_bytes,
        "parameters": story.parameters,
        "trained_parameters": story.trained_parameters,
        "steps": {
            "done": story.steps,
            "planned": story.total_steps,
            "best": story.best_step,
            "stopped_early": story.stopped_early,
        },
        "choices": [{"key": c.key, "value": c.value, "reason": c.reason} for c in ready.choices],
        "history": [dict(entry) for entry in story.history],
        "device": device_name(runtime.device),
        "processes": runtime.world,
        "versions": versions(),
    }


def balance_story(ready: Ready, moved: Moved | None, compared: Path) -> dict[str, Any]:
    """The remedy with its options; how often an epoch shows a class's rows or what they weigh; what was added to the
    logits; and the comparison that it was chosen by, read from the file that keeps it, where there was one."""
    remedy, names = ready.remedy, ready.codec.task.class_names()

    def by_class(values: Sequence[float]) -> dict[str, float]:
        return dict(zip(names, values, strict=True)) if len(values) else {}

    return {
        **ready.settings.balance,
        "rows": by_class(ready.counts),
        "rates": by_class(remedy.rates),
        "weights": by_class(remedy.weights),
        "shifts": by_class(moved.shifts_C.tolist() if moved else ()),
        "shifts_in_head": moved.folded if moved else None,
        "placed": moved.note if moved else "",
        "comparison": json.loads(compared.read_text(encoding="utf-8")) if compared.is_file() else None,
    }


def environment() -> dict[str, Any]:
    """Where a run was made; no host, user or path."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": cpu_name(),
        "device": device_name("cuda") if _has_cuda() else device_name("cpu"),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _LIBRARIES}


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def data_summary(prepared: Prepared) -> dict[str, Any]:
    findings = [finding.as_json() for finding in prepared.findings]
    for finding in findings:
        finding["rows"] = finding["rows"][:_MOST_ROWS]
    return {
        "files": dict(prepared.files),
        "rows": sum(len(prepared.split.part(name)) for name in PARTS),
        "columns": dict(prepared.columns),
        "language": prepared.language,
        "skipped": prepared.skipped,
        "findings": findings,
        "notes": list(prepared.notes),
    }


def _split(prepared: Prepared) -> dict[str, Any]:
    sizes = {name: len(prepared.split.part(name)) for name in PARTS}
    how = prepared.how.model_dump(exclude={"test", "validation"}, exclude_none=True)
    return {"group": None, "seed": None, **how, **sizes}
