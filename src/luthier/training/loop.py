"""The training loop: a generator that trains one step and hands over. It evaluates, saves, logs and
stops nothing; the caller does, between two steps. To stop training, stop asking."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from torch import nn
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from luthier.errors import Place, Problem, StoppedError, shown
from luthier.language import t
from luthier.objective import Joint, Loss
from luthier.runtime import Runtime, seed_step
from luthier.training.dropout import Noise
from luthier.training.gradient.objective import backward
from luthier.training.gradient.passes import Pass
from luthier.training.optimise import set_learning_rate, step_divided
from luthier.types import LabelledBatch, Step

MOST_SKIPPED = 3
"""Steps in a row whose loss or gradient is not finite before a run stops."""


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
) -> Iterator[Step]:
    """Trains `model` in place.

    objective: a task's; a loss is a sum over targets, never a mean. steps: for each step, this rank's micro-batches.
    learning_rate: of a step, counted from 0. start: how many steps were done before this call.
    max_grad_norm: longer gradients are shortened to it; 0 leaves them as they are.
    scale: for fp16. noise: where the model's dropout draws from; without it, from torch's own generator.
    A step whose loss or gradient is not finite is not applied and says so.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    scale = scale or LossScale()
    for number, micro_batches in enumerate(steps, start):
        model.train()  # each step anew: the caller may have evaluated in between
        seed_step(seed, number, runtime.rank)
        (num_targets,) = runtime.sum([sum(batch.num_targets for batch in micro_batches)])
        begin = partial(noise.begin, number) if noise is not None else _no_noise
        # the one division, by the global count, known beforehand
        how = Pass(model, runtime, begin, scale.value / max(num_targets, 1))
        loss_sum = backward(objective, micro_batches, how)
        runtime.sum_gradients(parameters)
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


def _no_noise(windows: Sequence[int]) -> None:
    """Dropout draws from torch's own generator."""


def _shortening(norm: float, most: float) -> float:
    """What a gradient of that norm is divided by; 1 where it is short enough, or `most` is 0."""
    return max(1.0, norm / most) if most > 0 else 1.0


def _norm(parameters: Sequence[nn.Parameter]) -> float:
    """The L2 norm of the gradient."""
    return get_total_norm([p.grad for p in parameters if p.grad is not None], foreach=True).item()


def count_skipped(step: Step, skipped: int, *, scaled: bool, rate: float, warn: Callable[[str], None]) -> int:
    """How many steps in a row were not applied. skipped: before this one. scaled: whether the loss is, which mends
    itself. rate: the run's learning rate. Errors: StoppedError for too many."""
    if step.applied or scaled:
        return 0
    where = Place(f"step {step.number}")
    what = t("loss {loss} or gradient norm {norm} is not finite; the step was left out",
             loss=step.loss, norm=step.grad_norm)  # fmt: skip
    warn(f"{where}: {what}")
    if skipped + 1 <= MOST_SKIPPED:
        return skipped + 1
    fix = t("lower train.learning_rate (try {rate}) or set train.precision=fp32, and start again; the last "
            "checkpoint is intact", rate=shown(f"{rate / 10:.1e}"))  # fmt: skip
    raise StoppedError(Problem(where, t("{count} steps in a row are not finite", count=skipped + 1), fix, "not-finite"))
