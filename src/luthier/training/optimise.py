"""The optimiser, the learning rate, and how both are put down and picked up again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from luthier.errors import CheckpointError
from luthier.language import t
from luthier.tuning.parts import Group


def linear(progress: float) -> float:
    """From 1 to 0 in a straight line."""
    return 1 - progress


def cosine(progress: float) -> float:
    """From 1 to 0 along half a cosine (Loshchilov & Hutter 2017)."""
    return (1 + math.cos(math.pi * progress)) / 2


def constant(progress: float) -> float:
    return 1.0


SCHEDULES: Mapping[str, Callable[[float], float]] = {"linear": linear, "cosine": cosine, "constant": constant}


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up to `peak`, then the decay of that name. A function of the step: nothing to save."""

    peak: float
    warmup_steps: int
    total_steps: int
    decay: str = "linear"

    def __call__(self, step: int) -> float:
        """The learning rate of a step, counted from 0. Positive at every step of the run."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / (self.warmup_steps + 1)
        done = (step - self.warmup_steps) / max(1, self.total_steps - self.warmup_steps)
        return self.peak * SCHEDULES[self.decay](min(done, 1.0))


def adamw(groups: list[dict[str, Any]]) -> Optimizer:
    """Loshchilov & Hutter 2019, with bias correction."""
    return AdamW(groups, fused=True)


def adam(groups: list[dict[str, Any]]) -> Optimizer:
    """Kingma & Ba 2015; decay is added to the gradient."""
    return Adam(groups, fused=True)


def sgd(groups: list[dict[str, Any]]) -> Optimizer:
    """With momentum 0.9."""
    return SGD(groups, momentum=0.9, fused=True)


OPTIMISERS: Mapping[str, Callable[[list[dict[str, Any]]], Optimizer]] = {"adamw": adamw, "adam": adam, "sgd": sgd}


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that the tuning method left free, by name."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def build_optimiser(
    model: nn.Module, groups: Sequence[Group], name: str, weight_decay: float, *, per_epoch: int = 0, total: int = 0
) -> Optimizer:
    """Biases and norms, the parameters with one axis, do not decay. The learning rate comes with each step. per_epoch,
    total: steps, by which groups know when they thaw."""
    parameters = trainable(model)
    made: list[dict[str, Any]] = []
    for group in groups:
        members = [(n, p) for n, p in parameters.items() if n in group.names]
        for decays in (True, False):
            chosen = [p for _, p in members if (p.ndim > 1) == decays]
            if chosen:
                decay = weight_decay if decays else 0.0
                thaws = group.thaws(per_epoch, total)
                made.append({"params": chosen, "weight_decay": decay, "scale": group.scale, "lr": 0.0, "thaws": thaws})
    return OPTIMISERS[name](made)


def still_frozen(optimiser: Optimizer, step: int) -> set[nn.Parameter]:
    """Parameters that do not learn in this step yet, counted from 0."""
    return {p for group in optimiser.param_groups if step < group.get("thaws", 0) for p in group["params"]}


@contextmanager
def held_still(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """Inside the block they get no gradient, and what lies below them is not walked back through."""
    for p in parameters:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in parameters:
            p.requires_grad_(True)


def set_learning_rate(optimiser: Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate * group["scale"]


def step_divided(optimiser: Optimizer, divisor: float) -> None:
    """A step with every gradient divided by `divisor`: done by the fused kernel as it reads them, so that clipping
    and the loss scale cost no pass of their own."""
    device = optimiser.param_groups[0]["params"][0].device
    scale: Any = None if divisor == 1.0 else torch.tensor(divisor, dtype=torch.float32, device=device)
    optimiser.grad_scale = scale  # pyright: ignore[reportAttributeAccessIssue]
    optimiser.found_inf = None  # pyright: ignore[reportAttributeAccessIssue]
    optimiser.step()


def copy_weights(model: nn.Module) -> dict[str, Tensor]:
    """A snapshot on the CPU of what training changes. Frozen weights are the pretrained model's."""
    return {name: p.detach().to("cpu", copy=True).contiguous() for name, p in trainable(model).items()}


def restore_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Errors: CheckpointError where names or shapes are not those of the model."""
    parameters = trainable(model)
    for name in sorted(set(parameters) ^ set(weights)):
        _refuse(name, t("is only in the model") if name in parameters else t("is only in the checkpoint"))
    with torch.no_grad():
        for name, p in parameters.items():
            if p.shape != weights[name].shape:
                shapes = t(
                    "has shape {a} in the checkpoint, {b} in the model", a=tuple(weights[name].shape), b=tuple(p.shape)
                )
                _refuse(name, shapes)
            p.copy_(weights[name])


def copy_moments(model: nn.Module, optimiser: Optimizer) -> dict[str, Tensor]:
    """The optimiser's tensors under "<parameter>/<name>": by name, not by position as in torch."""
    return {
        f"{parameter}/{name}": tensor.detach().to("cpu", copy=True).contiguous()
        for parameter, p in trainable(model).items()
        for name, tensor in optimiser.state[p].items()
        if isinstance(tensor, Tensor)
    }


def restore_moments(model: nn.Module, optimiser: Optimizer, moments: Mapping[str, Tensor]) -> None:
    """Puts each tensor on its parameter's device. Errors: CheckpointError for one that has no parameter."""
    parameters = trainable(model)
    for key, tensor in moments.items():
        parameter, _, name = key.rpartition("/")
        p = parameters.get(parameter)
        if p is None or (tensor.ndim and tensor.shape != p.shape):
            _refuse(key, t("does not fit the model"))
        assert p is not None
        optimiser.state[p][name] = tensor.to(p.device, copy=True)


def _refuse(name: str, what: str) -> None:
    fix = t("resume with the model, tuning method and data that the run began with")
    raise CheckpointError.at("checkpoint", f"{name} {what}", fix, code="checkpoint-mismatch")
