"""A few real steps of the run's own: the longest, which fills the memory, the mean one, and some between."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.optim import Optimizer

from luthier.planning.frozen import MicroBatches, shown_once
from luthier.planning.reckoning.course import Course, batches_of
from luthier.planning.reckoning.estimate import Estimate, step_flops
from luthier.planning.reckoning.kept import Kept
from luthier.ready import Ready
from luthier.runtime import Runtime, give_back
from luthier.training.augmented import Augmented, windows_at
from luthier.training.dropout import Noise
from luthier.training.loop import LossScale, train_steps
from luthier.training.order import holds_unlike, unlike
from luthier.tuning.parts import Tuned
from luthier.types import LabelledWindow

_RATE = 1e-9
"""The steps are real, and move the weights by next to nothing."""
_QUANTILES = (0.5, 0.1, 0.9, 0.3, 0.7, 0.2, 0.8, 0.4, 0.6, 0.05, 0.95, 0.5)
"""Of the steps, by their work: those that are timed after the longest and the mean one, while there is time."""
_LEAST = 3
"""Steps that are tried in any case."""
_MOST_MICRO_BATCHES = 2
"""Of a step that would take longer than there is time for: the second finds the gradients of the first there, as any
further one would."""


@dataclass(frozen=True)
class Timed:
    """first: seconds of the first step, in which kernels are chosen and memory is had. steps: operations and seconds of
    each that followed. once: seconds in which the frozen layers run once, before the first step, where they do."""

    first: float
    steps: tuple[tuple[float, float], ...]
    once: float = 0.0

    def seconds(self, flops_S: np.ndarray, epochs: int) -> float:
        """Of a run whose epochs have steps of so many operations: constant + slope · operations, fitted to the timed
        steps with errors counted as shares, and what the first one took besides."""
        from scipy.optimize import nnls

        flops, seconds = (np.array(column, float) for column in zip(*self.steps, strict=True))
        scale = max(1.0, flops.max())
        (constant, slope), _ = nnls(np.column_stack([1 / seconds, flops / scale / seconds]), np.ones(len(flops)))
        more = max(0.0, self.first - constant - slope * flops[-1] / scale)
        return self.once + more + epochs * float(constant * len(flops_S) + slope * (flops_S / scale).sum())


def steps_to_try(course: Course, kept: Kept, flops_S: np.ndarray) -> list[int]:
    """Numbers of steps of the first epoch: the mean one to begin with, the one that holds most, the mean one, and then
    some that stand for all."""
    fullest = int(course.most(kept.of(course.tokens, course.pairs)).argmax())
    mean = int(np.abs(flops_S - flops_S.mean()).argmin())
    order = np.argsort(flops_S)
    spread = [int(order[round(q * (len(order) - 1))]) for q in _QUANTILES]
    return [mean, fullest, mean, *spread[:6], fullest, *spread[6:]]


def try_steps(
    ready: Ready, tuned: Tuned, found: Estimate, windows: Sequence[LabelledWindow], augmented: Augmented | None,
    optimiser: Optimizer, runtime: Runtime, noise: Noise, *, budget: float, scale: LossScale,
) -> Timed:  # fmt: skip
    """budget: seconds, about."""
    how, course = ready.training, found.course
    flops_S = step_flops(ready, tuned, course)
    numbers = steps_to_try(course, found.kept, flops_S)
    usual = found.seconds["training"] / max(1, course.total) * flops_S / max(1.0, flops_S.mean())
    tries = [(number, _cut(course.steps[number], usual[number], budget)) for number in numbers]
    spent = np.cumsum(usual[numbers]) <= 2 * budget  # what is reckoned may be too much
    tries = tries[: max(_LEAST, int(spent.sum()))]
    shares = [_work(windows, some) / max(1.0, _work(windows, course.steps[number])) for number, some in tries]
    long = unlike([len(window) for window in windows])
    with shown_once(ready, tuned, windows, [some for _, some in tries], augmented, runtime) as shown:
        changed = windows_at(ready.codec, shown.windows, augmented, how.seed)
        lengths = [len(window) for window in shown.windows]

        def batches() -> Iterator[list[Any]]:
            for (number, _), some in zip(tries, shown.steps, strict=True):
                if runtime.device == "cpu" and holds_unlike(some, lengths, long):
                    give_back()  # as a run does
                yield batches_of(ready.codec, shown.windows, some, how, changed, number)

        loop = train_steps(
            tuned.model, tuned.objective_for(ready.codec.task), batches(), optimiser, _rate, runtime, seed=how.seed,
            max_grad_norm=how.max_grad_norm, scale=scale, noise=noise, once=shown.once,
        )  # fmt: skip
        taken = _taken(loop, runtime, budget)
    done = [
        (float(flops_S[number] * share), seconds)
        for (number, _), share, seconds in zip(tries, shares, taken, strict=False)
    ]
    return Timed(taken[0] / max(shares[0], 1e-9), tuple(done[1:]), shown.seconds)


def _cut(step: MicroBatches, seconds: float, budget: float) -> MicroBatches:
    """The longest of a step's micro-batches, where it takes too long."""
    return step[-_MOST_MICRO_BATCHES:] if seconds > budget / 4 else step


def _taken(loop: Iterator[Any], runtime: Runtime, budget: float) -> list[float]:
    """Seconds of each step, as many as there is time for."""
    taken: list[float] = []
    began = begin = time.perf_counter()
    for _ in loop:
        if runtime.device != "cpu":
            import torch

            torch.cuda.synchronize(runtime.device)
        taken.append(time.perf_counter() - begin)
        if len(taken) >= _LEAST and time.perf_counter() - began > budget:
            break
        begin = time.perf_counter()
    return taken


def _rate(step: int) -> float:
    return _RATE


def _work(windows: Sequence[LabelledWindow], micro_batches: MicroBatches) -> float:
    """Tokens."""
    return float(sum(len(windows[i % len(windows)]) for micro in micro_batches for i in micro))
