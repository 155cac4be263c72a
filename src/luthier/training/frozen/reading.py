"""A model whose frozen layers do not run: what they gave once is read in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from luthier.training.frozen.states import States


class Reader:
    """Which windows go through the model now, and what their states are."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._states: States | None = None
        self._numbers: Sequence[int] = ()

    def begin(self, numbers: Sequence[int]) -> None:
        """Before each forward pass. numbers: of its windows, in order."""
        self._numbers = numbers

    @contextmanager
    def of(self, states: States | None) -> Iterator[None]:
        """Inside the block windows are numbers in these states; with None the layers run."""
        before, self._states = self._states, states
        try:
            yield
        finally:
            self._states = before

    @property
    def is_reading(self) -> bool:
        return self._states is not None

    def read(self) -> Tensor:
        assert self._states is not None
        return self._states.of(self._numbers, self._device)


@contextmanager
def read_instead(layers: Sequence[nn.Module], reader: Reader) -> Iterator[None]:
    """Inside the block the layers give what the reader reads, where it reads, and else what they compute."""
    before = [vars(layer).get("forward") for layer in layers]
    for number, layer in enumerate(layers, 1):
        layer.forward = _reading(layer.forward, reader, last=number == len(layers))
    try:
        yield
    finally:
        for layer, forward in zip(layers, before, strict=True):
            del layer.forward
            if forward is not None:
                layer.forward = forward


def _reading(forward: Any, reader: Reader, *, last: bool) -> Any:
    def instead(states: Tensor | None = None, *words: Any, **options: Any) -> Any:
        if not reader.is_reading:
            return forward(*(() if states is None else (states,)), *words, **options)
        return reader.read() if last else states if states is not None else options["hidden_states"]

    return instead


def same_step(model: nn.Module, reader: Reader, states: States, loss: Callable[[], Tensor]) -> bool:
    """Whether the loss and all its gradients are the same, to rounding, when the states are read instead of computed.
    loss: of a few windows. The model is in evaluation mode."""
    results: list[tuple[float, dict[str, Tensor]]] = []
    for source in (None, states):
        with reader.of(source):
            value = loss()
            value.backward()
        gradients = {n: p.grad.detach().clone() for n, p in model.named_parameters() if p.grad is not None}
        model.zero_grad(set_to_none=True)
        results.append((value.item(), gradients))
    (plain, own), (read, others) = results
    if own.keys() != others.keys() or not np.isclose(plain, read, rtol=1e-4, atol=1e-5):
        return False
    return all(_close(own[name], others[name]) for name in own)


def _close(one: Tensor, other: Tensor) -> bool:
    return bool(((one - other).norm() <= 1e-3 * one.norm() + 1e-6).all())


def alike(one: Any, other: Any) -> bool:
    """Whether two answers of a task are the same to rounding, however they are put together."""
    if is_dataclass(one) and not isinstance(one, type):
        return all(alike(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(alike(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, Tensor):
        return bool(torch.allclose(one, other, rtol=1e-3, atol=1e-4))
    if isinstance(one, (float, np.ndarray)):
        return bool(np.allclose(one, other, rtol=1e-3, atol=1e-4))
    return one == other
