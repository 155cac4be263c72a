"""The training loop: a generator that trains one step and hands over. It evaluates, saves, logs and
stops nothing; the caller does, between two steps. To stop training, stop asking."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from luthier.objective import Joint, Loss
from luthier.runtime import Runtime, seed_step
from luthier.training.dropout import Noise
from luthier.training.frozen.once import Once
from luthier.training.gradient.objective import backward
from luthier.training.gradient.passes import Pass
from luthier.training.gradient.room import Room, in_room
from luthier.training.optimise import held_still, set_learning_rate, step_divided, still_frozen
from luthier.types import LabelledBatch, Step


@dataclass
class LossScale:
    """Keeps fp16 gradients above underflow: doubled after `patience` good steps, halved after an overflow
    (Micikevicius et al. 2018). For other precisions it is 1 and stays there."""

    value: float = 1.0
    good_steps: int = 0
    patience: int = 2000

    @property
    def is_active(self) -> bool:
        return self.value != 1.0

    def after(self, applied: bool) -> None:
        if not self.is_active:
            return
        self.good_steps = self.good_steps + 1 if applied else 0
        if not applied:
            self.value = max(2.0, self.value / 2)
        elif self.good_steps == self.patience:
            self.value, self.good_steps = self.value * 2, 0


def train_steps(
    model: nn.Module,
    objective: Loss | Joint,
    steps: Iterable[Sequence[LabelledBatch]],
    optimiser: Optimizer,
    learning_rate: Callable[[int], float],
    runtime: Runtime,
    *,
    seed: int,
    start: int = 0,
    max_grad_norm: float = 1.0,
    scale: LossScale | None = None,
    noise: Noise | None = None,
    once: Once = Once(),  # noqa: B008  frozen
    room: Room | None = None,
) -> Iterator[Step]:
    """Trains `model` in place.

    objective: a task's; a loss is a sum over targets, never a mean. steps: for each step, this rank's micro-batches.
    learning_rate: of a step, counted from 0. start: how many steps were done before this call.
    max_grad_norm: longer gradients are shortened to it; 0 leaves them as they are.
    scale: for fp16. noise: where the model's dropout draws from; without it, from torch's own generator. once: what
    is frozen from below, and need not run. room: how micro-batches that do not fit into the memory are made smaller;
    without it running out of memory ends the training.
    A step whose loss or gradient is not finite is not applied and says so.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    scale, begun = scale or LossScale(), False
    for number, micro_batches in enumerate(steps, start):
        if not (begun and model.training):  # the caller may have evaluated in between
            model.train()
            once.rest()
            begun = True
        if room is not None:
            micro_batches = room.fitted(number, micro_batches)
        (num_targets,) = runtime.sum([sum(batch.num_targets for batch in micro_batches)])
        begin = partial(_begin, noise, once, number)
        # the one division, by the global count, known beforehand
        how = Pass(model, runtime, begin, scale.value / max(num_targets, 1))
        still = still_frozen(optimiser, number)
        attempt = partial(_gradient, objective, how, (seed, number, runtime.rank))
        with held_still(still), once.reading(once.training):
            loss_sum, micro_batches = in_room(room, number, micro_batches, attempt, optimiser.zero_grad)
        runtime.sum_gradients(p for p in parameters if p not in still)
        loss_total, windows, tokens, padded = runtime.sum(
            [
                loss_sum.item(),
                sum(len(batch.inputs.lengths) for batch in micro_batches),
                sum(batch.inputs.num_tokens for batch in micro_batches),
                sum(batch.inputs.padded for batch in micro_batches),
            ]
        )
        mean_loss = loss_total / max(num_targets, 1)
        grad_norm = _norm(parameters) / scale.value
        applied = math.isfinite(mean_loss) and math.isfinite(grad_norm)
        if applied:
            set_learning_rate(optimiser, learning_rate(number))
            step_divided(optimiser, scale.value * _shortening(grad_norm, max_grad_norm))
        optimiser.zero_grad(set_to_none=True)
        scale.after(applied)
        yield Step(
            number=number + 1,
            loss=mean_loss,
            num_windows=int(windows),
            num_targets=int(num_targets),
            num_tokens=int(tokens),
            padded_tokens=int(padded),
            learning_rate=learning_rate(number),
            grad_norm=grad_norm,
            applied=applied,
        )


def _gradient(
    objective: Loss | Joint, how: Pass, seeds: tuple[int, int, int], micro_batches: Sequence[LabelledBatch]
) -> Tensor:
    """Adds it; gives the sum of the loss. seeds: of the run, the step, the process; a second attempt draws alike."""
    seed_step(*seeds)
    return backward(objective, micro_batches, how)


def _begin(noise: Noise | None, once: Once, step: int, windows: Sequence[int]) -> None:
    once.begin(windows)
    if noise is not None:  # else dropout draws from torch's own generator
        noise.begin(step, windows)


def _shortening(norm: float, most: float) -> float:
    """What a gradient of that norm is divided by; 1 where it is short enough, or `most` is 0."""
    return max(1.0, norm / most) if most > 0 else 1.0


def _norm(parameters: Sequence[nn.Parameter]) -> float:
    """The L2 norm of the gradient."""
    return get_total_norm([p.grad for p in parameters if p.grad is not None], foreach=True).item()
