"""One run as it is expected: reckoned (estimate.py), and where real steps were made, corrected by what they took."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from luthier import catalog
from luthier.config.schema import Settings
from luthier.errors import LuthierError, Place, Problem
from luthier.files import size_text
from luthier.language import t
from luthier.models.find import ModelFolder
from luthier.models.known import choose_model
from luthier.planning.child import run_probe
from luthier.planning.probe import Probed
from luthier.planning.reckoning.estimate import Estimate, estimate, step_flops
from luthier.planning.reckoning.memory import Memory, cut_up, free_memory, weights_of
from luthier.preparing.prepare import Prepared
from luthier.progress import Progress
from luthier.ready import make_ready, tune
from luthier.runtime import give_back, open_runtime
from luthier.teachable import teachable
from luthier.tuning.four_bits import loading_of


class DoesNotFit(LuthierError):  # noqa: N818  says what is the matter
    """The weights alone are more than the machine has free."""

    exit_code = 1


@dataclass(frozen=True)
class Limits:
    """memory: bytes. asked: whether the user named them; else they are what is free. seconds: None for no limit."""

    memory: float | None = None
    seconds: float | None = None
    asked: bool = True


@dataclass(frozen=True, eq=False)
class Forecast:
    """settings: with nothing left to choose. memory, seconds, disk: by part; how: in words, by part.

    runs: how many of these there are, one a fold. tokens: real ones of an epoch. probed: whether real steps confirmed
    it; reckoned: peak and seconds of training before that.
    """

    settings: Settings
    device: str
    precision: str
    parameters: int
    trained: int
    per_epoch: int
    epochs: int
    tokens: int
    memory: Memory
    seconds: Mapping[str, float]
    disk: Mapping[str, float]
    runs: int = 1
    probed: bool = False
    reckoned: tuple[float, float] = (0.0, 0.0)
    found: Estimate | None = field(default=None, repr=False)
    flops_S: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)

    @property
    def peak(self) -> float:
        return self.memory.peak

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values()) * self.runs

    @property
    def total_disk(self) -> float:
        return sum(self.disk.values()) * self.runs

    def over(self, limits: Limits) -> list[str]:
        """Which limits it passes: "memory", "time"."""
        passed = {
            "memory": limits.memory is not None and self.peak > limits.memory,
            "time": limits.seconds is not None and self.total_seconds > limits.seconds,
        }
        return [name for name, over in passed.items() if over]

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.settings.model,
            "tuning": self.settings.tuning["method"],
            "device": self.device,
            "precision": self.precision,
            "parameters": self.parameters,
            "trained_parameters": self.trained,
            "epochs": self.epochs,
            "steps_per_epoch": self.per_epoch,
            "steps": self.per_epoch * self.epochs,
            "tokens_per_epoch": self.tokens,
            "runs": self.runs,
            "peak_memory_bytes": round(self.peak),
            "fullest": self.memory.fullest,
            "memory": {name: round(size) for name, size in self.memory.parts.items()},
            "at_once": {name: round(size) for name, size in self.memory.at_once.items()},
            "train_seconds": round(self.seconds["training"], 2),
            "epoch_seconds": round(self.seconds["training"] / max(1, self.epochs), 2),
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
            "total_seconds": round(self.total_seconds, 1),
            "disk": {name: round(size) for name, size in self.disk.items()},
            "disk_bytes": round(self.total_disk),
            "confirmed": self.probed,
            "reckoned": {"peak_memory_bytes": round(self.reckoned[0]), "train_seconds": round(self.reckoned[1], 2)},
        }


def forecast(settings: Settings, prepared: Prepared, screen: Progress, *, reading: float = 0.0) -> Forecast:
    """Loads the model, tokenises the rows and reckons; the model is gone afterwards. reading: seconds that reading the
    data took. Errors: LuthierError, as of a run; DoesNotFit where not even the weights do."""
    begin = time.perf_counter()
    kind = prepared.task.auto_class
    folder, choices = choose_model(settings.model, prepared.language, kind, weights=settings.pretrained)
    with open_runtime(settings.train.precision) as runtime:
        if loading_of(catalog.tuning_method(settings.tuning["method"]), runtime.device) is None:  # else not in fp32
            _check_room(folder, free_memory(runtime.device))
        ready = make_ready(settings, prepared, folder, choices, runtime)
        prepared = teachable(ready.codec, prepared, screen, skip=settings.data.bad_rows == "skip")
        train = prepared.split.train
        with screen.track(t("tokenising"), len(train)) as tracker:
            windows = ready.codec.encode_labelled(train, tracker.advance, ready.sets(train))
        tuned = tune(ready)
        spent = time.perf_counter() - begin + reading
        found = estimate(ready, prepared, tuned, windows, runtime)
        flops_S = step_flops(ready, tuned, found.course)
        done = Forecast(
            ready.settings, runtime.device, runtime.precision, found.parameters, found.trained, found.course.per_epoch,
            found.course.epochs, found.course.real, found.memory, {"preparing": spent, **found.seconds}, found.disk,
            runs=_runs(settings), reckoned=(found.memory.peak, found.seconds["training"]), found=found, flops_S=flops_S,
        )  # fmt: skip
    del ready, tuned, windows
    gc.collect()
    give_back()
    return done


def confirmed(told: Forecast, settings: Settings, screen: Progress, budget: float) -> tuple[Forecast, str]:
    """With what a few real steps took in place of what was reckoned; and why they did not come to their end, else "".
    settings: as the user wrote them. Errors: LuthierError."""
    found = run_probe(settings, screen, budget=budget)
    if not isinstance(found, Probed):
        return told, found.sentence
    seconds = {name: found.of(name) or value for name, value in told.seconds.items()}
    seconds["training"] = found.timed.seconds(told.flops_S, told.epochs)
    if found.of("testing") is not None and told.found is not None:
        seconds["testing"] += told.found.report_seconds
    return replace(told, memory=measured(told.memory, found), seconds=seconds, probed=True), ""


def measured(memory: Memory, found: Probed) -> Memory:
    """The runtime's own part as it was measured, and as activations what the peak holds beside all that is known."""
    parts = dict(memory.parts)
    if not memory.on_gpu:
        parts["runtime"] = found.floor
    known = sum(parts[name] for name in ("weights", "gradients", "moments", "logits"))
    known += 0.0 if memory.on_gpu else parts["runtime"] + parts["data"]
    parts["activations"] = max(0.0, found.peak - known)
    if not memory.on_gpu:
        parts["allocator"] = cut_up(parts["gradients"], parts["activations"] + parts["logits"])
    return replace(memory, parts=parts)


def _check_room(folder: ModelFolder, free: float) -> None:
    needed = weights_of(folder.folder)
    if needed <= free:
        return
    what = t("its weights alone take {needed}, the machine has {free} free", needed=size_text(needed),
             free=size_text(free))  # fmt: skip
    raise DoesNotFit(Problem(Place(folder.name), what, t("choose a smaller model: --model NAME"), "does-not-fit"))


def _runs(settings: Settings) -> int:
    split = settings.data.split
    return split.folds if split.folds is not None and split.fold is None else 1
