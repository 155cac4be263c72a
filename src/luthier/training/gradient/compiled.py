"""The layers of a model as compiled kernels while it learns, on a GPU.

A layer of transformers' is two hundred small kernels, there and back; on a fast GPU starting them takes longer than
what they compute, and between two matrices every number travels to memory and back many times. torch.compile makes a
dozen of them. One layer is compiled, for rows of any length, and all others of its make share it: about a minute, and
seconds where an earlier run of the same shape has left its kernels on the disk.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from luthier.errors import first_line
from luthier.language import t
from luthier.models.packing.attention import body_of, position_ids
from luthier.runtime import Runtime
from luthier.tuning.parts import layers_of

_WINDOWS = (5, 9, 9)
"""Tokens of the windows on which it is tried."""
_COMPILERS = ("cc", "gcc", "clang")
_BACKEND = "inductor"


def why_not_compiled(config: dict[str, Any], device: str, *, checkpointing: bool) -> str:
    """Why the layers of a model run as they are, in words; "" where they can be compiled. config: of the model."""
    if device == "cpu":
        return t("only a GPU gains from it")
    if find_spec("triton") is None or not any(map(shutil.which, _COMPILERS)):
        return t("it needs Triton and a C compiler on this machine")
    if config.get("is_encoder_decoder"):
        return t("only models of one stack of layers are compiled")
    if any("expert" in name for name in config):
        return t("which of the layer's experts work depends on the text")
    return t("layers that compute themselves once more are not compiled") if checkpointing else ""


@contextmanager
def compiled_layers(
    model: nn.Module, runtime: Runtime, say: Callable[[str], None], *, packing: bool, backend: str = _BACKEND
) -> Iterator[bool]:
    """Inside the block the model's layers run as compiled kernels wherever a gradient is wanted; evaluation runs them
    as they are. It is tried first: a layer that cannot be compiled stays as it is. Yields whether they are compiled."""
    layers = _alike(model)
    if not layers:
        say(t("{model} has no stack of separate layers: nothing is compiled", model=type(model).__name__))
        yield False
        return
    compiled = torch.compile(type(layers[0]).forward, backend=backend, dynamic=True)
    begin = time.perf_counter()
    for layer in layers:
        layer.forward = _either(layer, compiled)
    try:
        with torch.random.fork_rng(devices=[] if runtime.device == "cpu" else [runtime.device]):
            _try(model, runtime, packing=packing)
    except Exception as error:  # of torch, of Triton, of a C compiler; the layers run without them as well
        _leave(layers)
        layers = []
        reason = first_line(getattr(error, "inner_exception", error))  # what torch._dynamo wraps
        say(t("the layers could not be compiled, and run as they are: {why}", why=reason))
    if layers:
        say(t("{count} layers compiled in {seconds:.0f} s", count=len(layers), seconds=time.perf_counter() - begin))
    try:
        yield bool(layers)
    finally:
        _leave(layers)
        torch.compiler.reset()  # else the next model of this make finds no room for its own kernels


def _alike(model: nn.Module) -> list[Any]:
    """Layers of the first one's make that nobody has changed yet."""
    layers = layers_of(model)
    return [layer for layer in layers if type(layer) is type(layers[0]) and "forward" not in vars(layer)]


def _leave(layers: list[Any]) -> None:
    for layer in layers:
        del layer.forward


def _either(layer: nn.Module, compiled: Any) -> Callable[..., Any]:
    plain = layer.forward

    def forward(*words: Any, **given: Any) -> Any:
        learns = layer.training and torch.is_grad_enabled()
        return compiled(layer, *words, **given) if learns else plain(*words, **given)

    return forward


def _try(model: nn.Module, runtime: Runtime, *, packing: bool) -> None:
    """A pass there and back over a few windows, of which nothing is kept."""
    body: Any = body_of(model)
    was_training, size = model.training, sum(_WINDOWS)
    where = position_ids(_WINDOWS).to(runtime.device)
    if packing:
        given = {"input_ids": torch.ones_like(where), "position_ids": where}
    else:
        ids = torch.ones(2, size, dtype=torch.long, device=runtime.device)
        given = {"input_ids": ids, "attention_mask": ids.tril(size - 3)}
    model.train()
    try:
        with runtime.autocast():
            states = body(**given).last_hidden_state
        if states.requires_grad:
            states.float().square().mean().backward()
    finally:
        model.zero_grad(set_to_none=True)
        model.train(was_training)
