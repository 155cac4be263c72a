"""States of a model that are put back as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Inside the block the model is in evaluation mode; afterwards each part is in its own again."""
    trained = [part for part in model.modules() if part.training]
    model.eval()
    try:
        yield
    finally:
        for part in trained:
            part.training = True


@contextmanager
def undropped(head: nn.Module) -> Iterator[None]:
    """Inside the block no dropout within the output layer drops."""
    parts = [part for part in head.modules() if part.training and _drops(part)]
    for part in parts:
        part.training = False
    try:
        yield
    finally:
        for part in parts:
            part.training = True


@contextmanager
def dropped_alike(
    head: nn.Module, states_BTD: Tensor, choose: Callable[[Tensor], Tensor]
) -> Iterator[Callable[[slice], None]]:
    """Inside the block each dropout within the output layer (LoRA has one) drops at the learnt positions what it would
    have dropped there had it been given all states at once. choose: from [B, T, D] to the learnt positions. Yields
    what tells it which of these come next."""
    parts = [part for part in head.modules() if part.training and _drops(part)]
    with torch.no_grad():
        kept = [choose(part(torch.ones_like(states_BTD))) for part in parts]  # 0, or the scale
    present = [slice(None)]

    def follow(part: nn.Module, kept_ND: Tensor) -> None:
        part.forward = lambda states: states * kept_ND[present[0]].to(states.dtype)

    def begin(piece: slice) -> None:
        present[0] = piece

    for part, kept_ND in zip(parts, kept, strict=True):
        follow(part, kept_ND)
    try:
        yield begin
    finally:
        for part in parts:
            del part.forward


def _drops(part: nn.Module) -> bool:
    """torch's dropout, or one that takes its place."""
    return "Dropout" in type(part).__name__ and getattr(part, "p", 0) > 0
