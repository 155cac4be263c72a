"""What a run will take, reckoned without training: parameters, memory, time and disk. `luthier train` prints it and
`luthier plan` begins with it; there is no other estimate."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.codec import Codec
from luthier.data.split import Split
from luthier.evaluation.baselines import sample
from luthier.models.first_position import find_first_position
from luthier.planning.reckoning.course import Course, course_of
from luthier.planning.reckoning.kept import PASSES, Kept, count_kept
from luthier.planning.reckoning.memory import Memory, Through, bytes_of, reckon
from luthier.preparing.prepare import Prepared
from luthier.probing import judged_part
from luthier.ready import Ready
from luthier.runtime import Runtime, matmul_peak
from luthier.training.frozen.boundary import find_boundary
from luthier.training.frozen.once import plan_of
from luthier.training.gradient.around import as_it_learns
from luthier.training.optimise import trainable
from luthier.training.throughput import layer_flops, layer_passes
from luthier.tuning.parts import Tuned
from luthier.types import PARTS, Example, LabelledWindow

_SHARE = 0.45
"""Of the measured matrix-multiplication peak what steps of small encoders and writers reached here: 0.38 to 0.55."""
_MOST_ROWS = 3000
"""Of which the tokens are counted; of more rows a sample."""
_MOST_WINDOWS = 20_000
"""Of training, of which the tokens that are met are collected."""
_ALIGN_ROWS = 150 * 32
"""That the head's beginning goes through the last layer (training/align.py)."""
_BASELINE_SECONDS = 3e-3
"""A row that the linear baselines learn from, on one core: measured from 1 to 5 ms."""
_WRITE_RATE = 250e6
"""Bytes a second that reach the disk, their SHA-256 included; a probe measures it."""
_REPORT_SECONDS = 5.0
"""Intervals by resampling, pictures and page of the report: measured from 3 to 8 s."""
_LINE, _REPORT_BYTES = 150, 400_000
"""Bytes a step in the journal; of pages, predictions and tokenizer, about."""
_STATES_BYTES = 2**30
"""Above which the look at the data keeps no states of a part of the split (inference/frozen.py)."""
TIMES = ("looking", "baselines", "beginning", "training", "evaluating", "saving", "testing")


@dataclass(frozen=True)
class Asked:
    """What the model is asked about a part of the split. tokens, pairs: of all of it, and of the squared lengths.
    longest: tokens of one window."""

    rows: int
    tokens: float
    pairs: float
    longest: int = 0


@dataclass(frozen=True)
class Speed:
    """flops: of each of the training's epochs. once: of the frozen layers, where they run once, before the first.
    peak: operations a second of this machine. overhead: seconds of a micro-batch of next to nothing."""

    flops: float
    once: float
    peak: float
    overhead: float


@dataclass(frozen=True, eq=False)
class Estimate:
    """asked: by the split's part. seconds: by what TIMES names. disk: bytes by what is kept. lengths: tokens of each
    training text, not cut."""

    parameters: int
    trained: int
    course: Course
    kept: Kept
    memory: Memory
    speed: Speed
    asked: Mapping[str, Asked]
    seconds: Mapping[str, float]
    disk: Mapping[str, float]
    lengths: np.ndarray

    @property
    def report_seconds(self) -> float:
        """Of `testing` what is no pass of the model."""
        return _REPORT_SECONDS


def estimate(
    ready: Ready, prepared: Prepared, tuned: Tuned, windows: Sequence[LabelledWindow], runtime: Runtime
) -> Estimate:
    """windows: of the training rows. Costs a few small forward passes, and to tokenise a sample of the rows."""
    model, how = tuned.model, ready.training
    sampling = ready.sampling(prepared.split.train, windows)
    course = course_of(windows, how, sampling, tuned.paired_steps)
    weights = bytes_of([*model.parameters(), *model.buffers()])
    total, trained = (sum(p.numel() for p in model.parameters() if every or p.requires_grad) for every in (True, False))
    asked = ask_all(ready.codec, prepared.split)
    longest = max((one.longest for one in asked.values()), default=0)
    met = windows[:: -(-len(windows) // _MOST_WINDOWS)]
    around = as_it_learns(
        model, ready.codec, met, [], runtime, seed=how.seed, packing=how.packing,
        neftune_alpha=0.0, any_token=ready.settings.augment["method"] != "none",
    )  # fmt: skip
    with around as noise:
        if runtime.device != "cpu":  # the first passes load the kernels
            count_kept(tuned, ready.codec, met, how, runtime, noise)
        begin = time.perf_counter()
        kept = count_kept(tuned, ready.codec, met, how, runtime, noise)
        overhead = (time.perf_counter() - begin) / PASSES
        memory = reckon(
            model, weights, how.optimiser, course, kept, windows=windows,
            looking=_looking(ready, asked), through=Through.made(ready.folder),
            asked_at_once=_at_once(asked, how.max_tokens, longest), on_gpu=runtime.device != "cpu",
        )  # fmt: skip
        moved = bytes_of(trainable(model).values()) + memory.parts["moments"]
    disk = {
        "checkpoints": moved * min(how.keep, course.saves),
        "model": weights,
        "journal": float(_LINE * course.total + _REPORT_BYTES),
    }
    speed = _speed(ready, tuned, course, windows, runtime, overhead)
    seconds = _seconds(ready, prepared, course, asked, speed, moved)
    lengths = ready.codec.task.row_lengths(sample(prepared.split.train, 0, _MOST_ROWS), ready.tokenizer.backend)
    return Estimate(total, trained, course, kept, memory, speed, asked, seconds, disk, lengths)


def ask(codec: Codec, examples: Sequence[Example[Any, Any]]) -> Asked:
    """Of many rows a sample is counted."""
    some = sample(examples, 0, _MOST_ROWS)
    if not some:
        return Asked(0, 0.0, 0.0)
    lengths = np.array([len(w) for group in codec.encode(codec.task.questions(some)) for w in group], float)
    times = len(examples) / len(some)
    return Asked(len(examples), float(lengths.sum()) * times, float((lengths**2).sum()) * times, int(lengths.max()))


def ask_all(codec: Codec, split: Split[Any, Any]) -> dict[str, Asked]:
    return {name: ask(codec, split.part(name)) for name in PARTS}


def forward_flops(ready: Ready, asked: Asked) -> float:
    """Of passes through all layers forwards."""
    folder = ready.folder
    return float(layer_flops(asked.tokens, asked.pairs, folder.hidden_size, folder.feed_forward) * folder.layers)


def looked_at(ready: Ready, asked: Mapping[str, Asked], judged: str) -> float:
    """Operations of the look at the data with the untuned model: at all parts, or at the judged one alone."""
    task = ready.codec.task
    seen = PARTS if task.fits_untuned and not task.speaks_untuned else (judged,)
    learnt = min(1.0, task.most_seen / max(1, asked[PARTS[0]].rows))
    return sum(forward_flops(ready, asked[name]) * (learnt if name == PARTS[0] else 1.0) for name in seen)


def step_flops(ready: Ready, tuned: Tuned, course: Course) -> np.ndarray:
    """[S], of each step of the first epoch, padding included: that has to be computed as well."""
    folder = ready.folder
    forward_M = layer_flops(course.tokens, course.pairs, folder.hidden_size, folder.feed_forward)
    return course.added(forward_M) * sum(layer_passes(ready.loaded.model, tuned.model))


def _at_once(asked: Mapping[str, Asked], max_tokens: int, longest: int) -> tuple[float, float]:
    """Tokens and squared lengths of the largest batch that is asked."""
    tokens = min(float(max(max_tokens, longest)), max(one.tokens for one in asked.values()))
    return tokens, tokens * longest


def _looking(ready: Ready, asked: Mapping[str, Asked]) -> float:
    """Bytes of states that the look at the data keeps, in bf16."""
    task = ready.codec.task
    if task.speaks_untuned or not task.fits_untuned:
        return 0.0
    parts = (2.0 * ready.folder.hidden_size * one.tokens for one in asked.values())
    return sum(size for size in parts if size <= _STATES_BYTES)


def _speed(
    ready: Ready, tuned: Tuned, course: Course, windows: Sequence[LabelledWindow], runtime: Runtime, overhead: float
) -> Speed:
    """A run that augments is never thought to let its frozen layers run once."""
    how, folder, flops = ready.training, ready.folder, float(step_flops(ready, tuned, course).sum())
    boundary = None if ready.settings.augment["method"] != "none" else find_boundary(tuned.model)
    pays = how.cache_bytes > 0 and plan_of(tuned, windows, tuple, how, how.epochs, None).pays(ready.codec)
    layers = len(boundary.layers) if boundary is not None and pays else 0
    lengths = np.array([len(window) for window in windows], float)
    once = layers * layer_flops(lengths.sum(), (lengths**2).sum(), folder.hidden_size, folder.feed_forward)
    each = layers * layer_flops(course.tokens, course.pairs, folder.hidden_size, folder.feed_forward).sum()
    return Speed(
        float(flops - each), float(once), matmul_peak(runtime.device, runtime.precision) * runtime.world, overhead
    )


def _seconds(
    ready: Ready, prepared: Prepared, course: Course, asked: Mapping[str, Asked], speed: Speed, moved: float
) -> dict[str, float]:
    task, rate = ready.codec.task, _SHARE * speed.peak
    judged = judged_part(prepared.split)
    learnt = min(asked["train"].rows, task.most_seen)
    evaluating = forward_flops(ready, asked["validation"]) / rate
    return {
        "looking": looked_at(ready, asked, judged) / rate,
        "baselines": _BASELINE_SECONDS * learnt,
        "beginning": _beginning(ready, asked["train"]) / rate,
        "training": speed.once / rate + (speed.flops / rate + speed.overhead * len(course.tokens)) * course.epochs,
        "evaluating": evaluating * (1 if speed.once else course.evaluations),
        "saving": moved / _WRITE_RATE * course.saves,
        "testing": forward_flops(ready, asked[judged]) / rate + _REPORT_SECONDS,
    }


def _beginning(ready: Ready, asked: Asked) -> float:
    """Operations of teaching the head's position, where it is taught."""
    if ready.settings.train.head_init != "align" or find_first_position(ready.loaded.model) is None or not asked.rows:
        return 0.0
    return 3 * forward_flops(ready, asked) / asked.rows * _ALIGN_ROWS / ready.folder.layers
