"""The layer that makes the logits: which it is, and what its numbers mean to people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

_MEAN, _SPREAD = "target_mean", "target_spread"
"""Where config.json says that the head answers in the user's units."""
_FARTHEST = 1000.0
"""Spreads between 0 and the mean up to which float32 holds mean and answer in one bias without loss that matters."""


def unwrapped(model: Any) -> Any:
    """The transformers model inside PEFT's wrapper; its layers are the wrapped ones."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def logits_layer(model: PreTrainedModel) -> Any:
    """The linear layer outside the body that makes the logits, one for each label; None where there is no such layer.
    Of a model with several heads the layer through which all of them are given what they read."""
    if hasattr(model, "logits_layer"):
        return model.logits_layer
    if model.base_model is model:
        return None
    body = f"{model.base_model_prefix}."
    count = getattr(model.config, "num_labels", None)
    found = [
        part
        for name, part in model.named_modules()
        if isinstance(part, nn.Linear) and not name.startswith(body) and part.out_features == count
    ]
    return found[-1] if found else None


@contextmanager
def in_user_units(model: PreTrainedModel, mean: float, spread: float) -> Iterator[bool]:
    """Inside, a head that answers in standardised numbers answers in the user's, and the config says so; the value is
    False, and nothing is changed, where the head has no bias to take the mean, or the mean is too far from 0."""
    layer = logits_layer(model)
    if layer is None or layer.bias is None or abs(mean) > _FARTHEST * spread:
        yield False
        return
    before = [parameter.detach().clone() for parameter in layer.parameters()]
    try:
        _scale(layer, mean, spread)
        model.config.update({_MEAN: mean, _SPREAD: spread})
        yield True
    finally:
        with torch.no_grad():
            for parameter, value in zip(layer.parameters(), before, strict=True):
                parameter.copy_(value)
        _forget(model)


def standardised(model: PreTrainedModel) -> None:
    """In place, the inverse of `in_user_units` for a model that was saved inside; any other is left as it is."""
    layer, mean, spread = logits_layer(model), *(getattr(model.config, name, None) for name in (_MEAN, _SPREAD))
    if layer is not None and mean is not None and spread:
        _scale(layer, -mean / spread, 1 / spread)
        _forget(model)


def _scale(layer: nn.Linear, mean: float, spread: float) -> None:
    with torch.no_grad():
        layer.weight.mul_(spread)
        layer.bias.copy_(layer.bias.double() * spread + mean)


def _forget(model: PreTrainedModel) -> None:
    for name in (_MEAN, _SPREAD):
        model.config.__dict__.pop(name, None)
