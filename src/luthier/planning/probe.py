"""python -m luthier.planning.probe: a few real steps, in a process of its own.

Asked on standard input for settings, it does what a run does (reads, looks, begins, tokenises, steps, evaluates,
saves), but looks at and evaluates a sample, and makes a few steps. What it found goes to standard output, a line of
JSON a stage, so that who started it knows how far it came when the system kills it for memory. Nothing that it writes
stays.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from luthier.augmentation import begin_augmentation, find_augmentation
from luthier.config.schema import Settings
from luthier.data.split import Split
from luthier.errors import LuthierError
from luthier.evaluation.baselines import sample
from luthier.inference.predict import predict
from luthier.models.known import choose_model
from luthier.planning.reckoning.estimate import Estimate, ask, ask_all, estimate, forward_flops, looked_at
from luthier.planning.reckoning.memory import bytes_of, resident
from luthier.planning.steps import Timed, try_steps
from luthier.preparing.prepare import Prepared, prepare
from luthier.probing import begin_head, judged_part, look
from luthier.progress import SILENT
from luthier.ready import Ready, make_ready, tune
from luthier.runtime import Runtime, matmul_peak, open_runtime
from luthier.teachable import teachable
from luthier.training.augmented import Augmented
from luthier.training.checkpoint import Progress, TrainState, save_checkpoint
from luthier.training.gradient.around import as_it_learns
from luthier.training.loop import LossScale
from luthier.training.optimise import build_optimiser, copy_moments, copy_weights
from luthier.training.throughput import peak_memory
from luthier.trial import run_baselines
from luthier.types import PARTS

_MOST_WRITTEN = 2**29
"""Bytes of a checkpoint that is written to see how long that takes."""
_SAMPLE, _LEAST = 200, 32
"""Rows of each part that are looked at, at most and at least."""
_LOOK_SECONDS = 3.0
"""For each part, about."""
_SLOW = 0.3
"""Of the multiplication peak, what looking reaches at least."""
_DEATH_SIGNAL = 1
"""Of prctl(2): which signal comes when the parent ends."""
STAGES = ("reading", "looking", "beginning", "stepping", "evaluating", "saving")


@dataclass(frozen=True)
class Probed:
    """peak: bytes at the steps, of the process or, on a GPU, of torch. floor: of the process without model and data.
    timed: the steps. seconds: measured of other parts of the run; times: by how much the run's own are longer."""

    peak: float
    floor: float
    timed: Timed
    seconds: dict[str, float]
    times: dict[str, float]

    def of(self, part: str) -> float | None:
        """Seconds that a part of the run will take; None for one that was not measured."""
        return self.seconds[part] * self.times[part] if part in self.seconds else None


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.times: dict[str, float] = {}

    @contextmanager
    def timing(self, part: str, times: float = 1.0) -> Iterator[None]:
        """times: by how much the run's own work is more than that in the block."""
        begin = time.perf_counter()
        yield
        self.seconds[part], self.times[part] = time.perf_counter() - begin, times


def probe(settings: Settings, tell: Callable[[str], None], *, budget: float) -> Probed:
    """budget: seconds for the steps, about. Errors: LuthierError, as of a run."""
    tell("reading")
    prepared = prepare(settings)
    kind = prepared.task.auto_class
    folder, choices = choose_model(settings.model, prepared.language, kind, weights=settings.pretrained)
    with open_runtime(settings.train.precision) as runtime:
        ready = make_ready(settings, prepared, folder, choices, runtime)
        prepared = teachable(ready.codec, prepared, SILENT, skip=settings.data.bad_rows == "skip")
        return _probe(ready, prepared, runtime, tell, budget)


def _probe(ready: Ready, prepared: Prepared, runtime: Runtime, tell: Callable[[str], None], budget: float) -> Probed:
    clock, how = _Clock(), ready.training
    augmented = _begin(ready, prepared, runtime, clock, tell)
    windows = ready.codec.encode_labelled(prepared.split.train, groups=ready.sets(prepared.split.train))
    tuned = tune(ready)
    found = estimate(ready, prepared, tuned, windows, runtime)
    floor = resident() - bytes_of([*tuned.model.parameters(), *tuned.model.buffers()]) - found.memory.parts["data"]
    tell("stepping")
    around = as_it_learns(
        tuned.model, ready.codec, windows, prepared.split.validation, runtime, seed=how.seed, packing=how.packing,
        neftune_alpha=how.neftune_alpha, any_token=augmented is not None,
        compiling=SILENT.say if how.compile else None,
    )  # fmt: skip
    with around as noise:
        optimiser = build_optimiser(tuned.model, tuned.groups, how.optimiser, how.weight_decay)
        scale = LossScale(2.0**15 if runtime.precision == "fp16" else 1.0)
        timed = try_steps(
            ready, tuned, found, windows, augmented, optimiser, runtime, noise, budget=budget, scale=scale
        )
        peak = float(peak_memory(runtime.device))
        tell("evaluating")
        _evaluate(ready, prepared, tuned.model, 1 if timed.once else found.course.evaluations, runtime, clock)
        tell("saving")
        _save(ready.settings.out, tuned.model, optimiser, found, clock)
    return Probed(peak, max(0.0, floor), timed, clock.seconds, clock.times)


def _begin(
    ready: Ready, prepared: Prepared, runtime: Runtime, clock: _Clock, tell: Callable[[str], None]
) -> Augmented | None:
    """What a run does before it trains, on a sample of the rows."""
    how, task, pretrained = ready.training, ready.codec.task, ready.settings.pretrained
    split, model = prepared.split, ready.loaded.model
    method = find_augmentation(ready.settings, task, split.train, ready.folder, runtime)
    small = _sampled(ready, split, runtime)
    tell("looking")
    whole, sampled = (looked_at(ready, ask_all(ready.codec, rows), judged_part(split)) for rows in (split, small))
    with clock.timing("looking", whole / max(1.0, sampled)):
        frozen = look(model, ready.codec, small, runtime, how.max_tokens, how.seed, SILENT, pretrained=pretrained)
    tell("beginning")
    assert frozen is not None  # this process is the first
    with suppress(ValueError):  # a sample of few rows may lack classes: then these are not measured
        learnt = min(len(split.train), task.most_seen) / max(1, len(small.train))
        with clock.timing("baselines", learnt):
            run_baselines(task, frozen, seed=how.seed, screen=SILENT, pretrained=pretrained)
        with clock.timing("beginning"):
            begin_head(model, task, frozen, runtime, ready.settings.train.head_init, ready.remedy, how.seed)
    begun = begin_augmentation(method, model, ready.codec, split, None, runtime, how.max_tokens, how.seed, SILENT)
    return begun.windows if begun else None


def _sampled(ready: Ready, split: Split[Any, Any], runtime: Runtime) -> Split[Any, Any]:
    """Rows of each part, as many as the machine reads in a few seconds."""
    flops = forward_flops(ready, ask(ready.codec, sample(split.train, 0, _SAMPLE))) / min(_SAMPLE, len(split.train))
    affordable = _LOOK_SECONDS * _SLOW * matmul_peak(runtime.device, "fp32") / max(1.0, flops)
    most = max(_LEAST, min(_SAMPLE, int(affordable)))
    return replace(split, **{name: sample(split.part(name), ready.training.seed, most) for name in PARTS})


def _evaluate(
    ready: Ready, prepared: Prepared, model: Any, evaluations: int, runtime: Runtime, clock: _Clock
) -> None:  # fmt: skip
    """How long the evaluations take, by a sample of the rows that they are about, and how long the test. evaluations:
    that go through all layers."""
    judged, codec = judged_part(prepared.split), ready.codec
    small = _sampled(ready, prepared.split, runtime)
    during = replace(codec, task=codec.task.checked())
    for part, name, asking in (("evaluating", "validation", during), ("testing", judged, codec)):
        rows, whole = small.part(name), prepared.split.part(name)
        if not rows:
            continue
        sampled, all_of_it = (forward_flops(ready, ask(asking, examples)) for examples in (rows, whole))
        with clock.timing(part, all_of_it / max(1.0, sampled) * (evaluations if name != judged else 1)):
            predict(model, asking, asking.task.questions(rows), device=runtime.device,
                    max_tokens=ready.training.max_tokens)  # fmt: skip


def _save(out: str | None, model: Any, optimiser: Any, found: Estimate, clock: _Clock) -> None:
    """How long a checkpoint takes, where it is not too large to try."""
    weights, moments = copy_weights(model), copy_moments(model, optimiser)
    size = sum(tensor.numel() * tensor.element_size() for part in (weights, moments) for tensor in part.values())
    if size > _MOST_WRITTEN:
        return
    beside = Path(out).parent if out else Path("runs")
    temporary = tempfile.TemporaryDirectory(dir=beside if beside.is_dir() else None)
    with temporary as folder, clock.timing("saving", found.course.saves):
        save_checkpoint(Path(folder), TrainState(Progress(step=1), weights, moments), {}, 1)


def _go_first() -> None:
    """Under Linux: where memory runs out this process is the one to go, and it goes with the one that started it."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)


def main() -> int:
    """Standard input: {"settings", "budget"}. Standard output: {"stage"} …, then {"probed"}, {"problems"} or
    {"out_of_memory"}."""
    asked = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    _go_first()

    def tell(**line: Any) -> None:
        out.write(json.dumps(line) + "\n")
        out.flush()

    try:
        settings = Settings.model_validate(asked["settings"])
        found = probe(settings, lambda stage: tell(stage=stage), budget=asked["budget"])
    except LuthierError as error:
        tell(problems=[problem.as_json() for problem in error.problems])
        return error.exit_code
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and "memory" not in str(error).lower():
            raise
        tell(out_of_memory=str(error)[:200])
        return 1
    tell(probed=asdict(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
