"""Means of the weights over steps: they lie nearer to the middle of a good region than any single step does.

Both are running sums in fp32, and functions of (step, total): a checkpoint holds the sums, and a resume goes on with
the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from luthier.training.optimise import copy_weights, restore_weights, trainable

NONE, EMA, SWA = "none", "ema", "swa"
_REACH = 0.1
"""Of all steps, that an exponential mean reaches back."""
_LAST = 0.25
"""Of all steps, over which the plain mean goes (Izmailov et al. 2018 begin there, too)."""


@dataclass(frozen=True)
class Rule:
    """How the weights after a step join their mean. kind: ema or swa. total: of the run's steps."""

    kind: str
    total: int

    def share(self, step: int) -> float:
        """Of the weights after this step, counted from 1, in the running sum."""
        if self.kind == EMA:
            return 1 - self._decay
        return 1 / (step - self._first + 1) if step >= self._first else 0.0

    def weight(self, step: int) -> float:
        """The sum's own, by which it is divided: an exponential mean that began at zero (Kingma & Ba 2015). 0 where
        there is nothing to divide yet."""
        if self.kind == EMA:
            return 1 - self._decay**step
        return 1.0 if step >= self._first else 0.0

    @property
    def _decay(self) -> float:
        return 1 - 1 / max(1.0, _REACH * self.total)

    @property
    def _first(self) -> int:
        return max(1, math.floor((1 - _LAST) * self.total) + 1)


@dataclass
class Averaging:
    """The running sums of what learns in a model, by name. Inactive without a rule."""

    model: nn.Module
    rule: Rule | None = None
    sums: dict[str, Tensor] = field(default_factory=dict)

    @torch.no_grad()
    def add(self, step: int) -> None:
        """After the step, counted from 1."""
        share = self.rule.share(step) if self.rule is not None else 0.0
        if share == 0.0:
            return
        parameters = trainable(self.model)
        if not self.sums:
            self.sums = {name: torch.zeros_like(p, dtype=torch.float32) for name, p in parameters.items()}
        for name, p in parameters.items():
            self.sums[name].lerp_(p.float(), share)

    def restore(self, sums: Mapping[str, Tensor]) -> None:
        parameters = trainable(self.model)
        self.sums = {name: tensor.to(parameters[name].device, copy=True) for name, tensor in sums.items()}

    def copied(self) -> dict[str, Tensor]:
        """A snapshot on the CPU."""
        return {name: tensor.to("cpu", copy=True) for name, tensor in self.sums.items()}

    @contextmanager
    def in_place(self, step: int) -> Iterator[None]:
        """Inside the block the model has the mean of its weights up to this step; its own where there is none."""
        if self.rule is None or self.rule.weight(step) == 0.0:
            yield
            return
        before = copy_weights(self.model)
        restore_weights(self.model, mean(self.sums, self.rule, step))
        try:
            yield
        finally:
            restore_weights(self.model, before)


def mean(sums: Mapping[str, Tensor], rule: Rule, step: int) -> dict[str, Tensor]:
    """The weights that the sums after this step stand for."""
    weight = rule.weight(step)
    return {name: tensor / weight for name, tensor in sums.items()}
