"""The tuning methods. A public function here is a method: its name is the method's name, its keyword arguments are
its section of the YAML, and their defaults are the method's defaults."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from luthier.errors import ConfigError, ModelError
from luthier.language import t
from luthier.tuning.parts import Group, Tuned, above_layers, body_prefix, head_names, layer_stack


def full(model: PreTrainedModel, *, layer_decay: float = 1.0) -> Tuned:
    """Every weight moves.

    layer_decay: each layer learns at this share of the rate of the layer above it, 0 to 1 (Howard & Ruder 2018).
    """
    model.requires_grad_(True)
    return Tuned(model, _decayed(model, layer_decay), merge=lambda: model)


def scratch(model: PreTrainedModel) -> Tuned:
    """Every weight moves, and begins at random, whatever the model's folder holds: is a pretrained one better here, or
    is there none?"""
    return full(model)


def head(model: PreTrainedModel) -> Tuned:
    """Only what sits on top of the pretrained layers moves: the task's new layers and the pooler under them."""
    names = head_names(model)
    if not names:
        what, fix = t("has no layers of its own on top of the pretrained ones"), t("tuning.method=last_layers")
        raise ModelError.at(str(model.name_or_path), what, fix, code="no-head")
    model.requires_grad_(False)
    for name in names:
        model.get_submodule(name).requires_grad_(True)
    return Tuned(model, (Group(_trainable(model)),), merge=lambda: model)


def last_layers(model: PreTrainedModel, *, n: int = 2, layer_decay: float = 0.9) -> Tuned:
    """The last n transformer layers move, and all that works on their output (norm, pooler, head).

    layer_decay: each layer learns at this share of the rate of the layer above it, 0 to 1 (Howard & Ruder 2018).
    """
    stack, layers = layer_stack(model)
    if not 1 <= n <= len(layers):
        what = t("the model has {count} layers, not {n}", count=len(layers), n=n)
        raise ConfigError.at("tuning.n", what, t("use n from 1 to {count}", count=len(layers)), code="out-of-range")
    kept = tuple(f"{stack}.{i}." for i in range(len(layers) - n, len(layers)))
    above = above_layers(model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(kept) or name in above)
    return Tuned(model, _decayed(model, layer_decay), merge=lambda: model)


def lora(
    model: PreTrainedModel,
    *,
    r: int = 16,
    alpha: int = 32,
    dropout: float = 0.05,
    target_modules: list[str] | None = None,
) -> Tuned:
    """Low-rank updates beside linear layers of the body (Hu et al. 2021); the task's head moves whole.

    r: rank. alpha: the update is scaled by alpha / r. dropout: on the update's input. target_modules: endings of
    module names, such as [query, value]; all linear layers of the body where none are given.
    """
    from peft import LoraConfig, PeftModel, get_peft_model

    heads = head_names(model)
    targets = _targets(model, heads, target_modules)
    conv1d = any(type(model.get_submodule(name)).__name__ == "Conv1D" for name in targets)
    config = LoraConfig(
        r=r,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=targets,
        modules_to_save=heads or None,
        fan_in_fan_out=conv1d,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adapted = get_peft_model(model, config)
    assert isinstance(adapted, PeftModel)

    def merge() -> PreTrainedModel:
        merged: Any = adapted.merge_and_unload()
        return merged

    def save_adapter(folder: Path) -> None:
        adapted.save_pretrained(str(folder))

    return Tuned(adapted, (Group(_trainable(adapted)),), merge, save_adapter)


def _trainable(model: nn.Module) -> frozenset[str]:
    return frozenset(name for name, p in model.named_parameters() if p.requires_grad)


def _decayed(model: PreTrainedModel, decay: float) -> tuple[Group, ...]:
    """Trainable parameters grouped by their height: head and top layer at 1, each layer below at decay times that,
    embeddings one more step down."""
    if not 0 < decay <= 1:
        what, fix = t("is {value}", value=decay), t("use a number above 0, at most 1")
        raise ConfigError.at("tuning.layer_decay", what, fix, code="out-of-range")
    names = _trainable(model)
    if decay == 1.0:
        return (Group(names),)
    stack, layers = layer_stack(model)
    above = above_layers(model)
    depth: dict[str, int] = {}
    for name in names:
        inner = name.removeprefix(f"{stack}.") if name.startswith(f"{stack}.") else ""
        if inner:
            depth[name] = len(layers) - 1 - int(inner.partition(".")[0])
        else:
            depth[name] = 0 if name in above else len(layers)
    return tuple(
        Group(frozenset(name for name in names if depth[name] == d), math.pow(decay, d))
        for d in sorted(set(depth.values()))
    )


def _targets(model: PreTrainedModel, heads: Iterable[str], asked: list[str] | None) -> list[str]:
    """Full names of the body's linear layers that the update goes beside."""
    outside = tuple(f"{name}." for name in heads)
    linear = [
        name
        for name, part in model.named_modules()
        if (isinstance(part, nn.Linear) or type(part).__name__ == "Conv1D")
        and name.startswith(body_prefix(model))
        and not f"{name}.".startswith(outside)
    ]
    if asked is None:
        return linear
    chosen = [name for name in linear if any(name == a or name.endswith(f".{a}") for a in asked)]
    for ending in asked:
        if not any(name == ending or name.endswith(f".{ending}") for name in linear):
            known = sorted({name.rpartition(".")[2] for name in linear})
            near = get_close_matches(ending, known, n=10, cutoff=0.0)
            what = t("no linear layer is called '{name}'", name=ending)
            fix = t("nearest: {names}", names=", ".join(near))
            raise ConfigError.at("tuning.target_modules", what, fix, code="no-such-module")
    return chosen
