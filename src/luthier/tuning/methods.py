"""The tuning methods. A public function here is a method: its name is the method's name, its keyword arguments are
its section of the YAML, and their defaults are the method's defaults."""

from __future__ import annotations

import math
import re

from transformers import PreTrainedModel

from luthier.errors import ConfigError, ModelError, did_you_mean, shown
from luthier.language import t
from luthier.tuning.adapters import grouped, lora_adapter
from luthier.tuning.few_shot import contrastive
from luthier.tuning.four_bits import check_four_bits, four_bits, loaded_with
from luthier.tuning.parts import (
    Group,
    Tuned,
    above_layers,
    body_prefix,
    head_names,
    layer_stack,
    task_heads,
    trainable_names,
    unchanged,
)
from luthier.tuning.rates import usual_rate


def full(model: PreTrainedModel, *, layer_decay: float = 1.0) -> Tuned:
    """Every weight moves.

    layer_decay: each layer learns at this share of the rate of the layer above it, 0 to 1 (Howard & Ruder 2018).
    """
    model.requires_grad_(True)
    return Tuned(model, _decayed(model, layer_decay), unchanged(model))


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
    return Tuned(model, (Group(trainable_names(model)),), unchanged(model))


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
    return Tuned(model, _decayed(model, layer_decay), unchanged(model))


def gradual(model: PreTrainedModel, *, every: float = 0.0, layer_decay: float = 0.9) -> Tuned:
    """Every weight moves in the end; the layers thaw one after the other from the top, the head first, so that what is
    new has settled before it reaches what was pretrained (ULMFiT, Howard & Ruder 2018).

    every: epochs from one layer to the next, the paper's is 1; 0 thaws them evenly within the first half of the steps.
    layer_decay: each layer learns at this share of the rate of the layer above it, 0 to 1.
    """
    if not 0 <= every <= _MOST_EPOCHS:
        what, fix = t("is {value}", value=every), t("use a number of epochs from 0; 0 thaws within half of the steps")
        raise ConfigError.at("tuning.every", what, fix, code="out-of-range")
    _check_decay(layer_decay)
    model.requires_grad_(True)
    layers = layer_stack(model)[1]
    above, depth = above_layers(model), _depths(model)
    turns = {name: 0 if name in above else depth[name] + 1 for name in depth}
    groups: list[Group] = []
    for turn in sorted(set(turns.values())):
        names = frozenset(name for name in turns if turns[name] == turn)
        share = 0.0 if every else _THAWED * turn / (len(layers) + 1)
        groups.append(Group(names, math.pow(layer_decay, max(0, turn - 1)), every * turn, share))
    return Tuned(model, tuple(groups), unchanged(model))


_THAWED = 0.5
"""Of all steps, after which the whole model learns."""
_MOST_EPOCHS = 1000


def pattern(model: PreTrainedModel, *, pattern: str = r".*\.bias") -> Tuned:
    r"""Only parameters whose full name matches the regular expression move, and the task's head; with the default
    that is BitFit (Ben Zaken et al. 2022).

    pattern: of the whole name, such as encoder\.layer\.[0-3]\..* for the four lowest layers of BERT.
    """
    try:
        chosen = re.compile(rf"(?:{re.escape(body_prefix(model))})?(?:{pattern})")
    except re.error as error:
        what = t("{value} is no regular expression: {reason}", value=shown(pattern), reason=error)
        raise ConfigError.at(
            "tuning.pattern", what, t("such as {example}", example=r".*\.bias"), code="bad-value"
        ) from None
    heads = tuple(f"{name}." for name in task_heads(model))
    names = [name for name, _ in model.named_parameters()]
    if not any(chosen.fullmatch(name) for name in names):
        near = did_you_mean(pattern, sorted({name.rpartition(".")[2] for name in names}))
        what = t("no parameter's whole name matches {pattern}", pattern=shown(pattern))
        fix = t("names look like {name}; {near}", name=names[len(names) // 2], near=near)
        raise ConfigError.at("tuning.pattern", what, fix, code="no-such-parameter")
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(chosen.fullmatch(name) is not None or name.startswith(heads))
    free = trainable_names(model)
    head = frozenset(name for name in free if name.startswith(heads) and not chosen.fullmatch(name))
    return Tuned(model, grouped(free, {usual_rate("pattern").head: head}), unchanged(model))


def lora(
    model: PreTrainedModel,
    *,
    r: int = 16,
    alpha: int = 32,
    dropout: float = 0.05,
    target_modules: list[str] | None = None,
    rslora: bool = False,
    dora: bool = False,
    loraplus: float = 1.0,
) -> Tuned:
    """Low-rank updates beside linear layers of the body (Hu et al. 2021); the task's head moves whole.

    r: rank. alpha: the update is scaled by alpha / r. dropout: on the update's input. target_modules: endings of
    module names, such as [query, value]; all linear layers of the body where none are given. rslora: scaled by
    alpha / √r (Kalajdzievski 2023). dora: direction and length learn apart (Liu et al. 2024). loraplus: the B matrices
    learn at so many times the rate (Hayou et al. 2024).
    """
    return lora_adapter(
        model, r=r, alpha=alpha, dropout=dropout, target_modules=target_modules, rslora=rslora, dora=dora,
        loraplus=loraplus,
    )  # fmt: skip


def rslora(
    model: PreTrainedModel,
    *,
    r: int = 64,
    alpha: int = 16,
    dropout: float = 0.05,
    target_modules: list[str] | None = None,
    dora: bool = False,
    loraplus: float = 1.0,
) -> Tuned:
    """LoRA scaled by alpha / √r, with which high ranks learn as fast as low ones (Kalajdzievski 2023): hence the higher
    rank; the scale is 2, that of `lora`."""
    return lora_adapter(
        model, r=r, alpha=alpha, dropout=dropout, target_modules=target_modules, rslora=True, dora=dora,
        loraplus=loraplus,
    )  # fmt: skip


def dora(
    model: PreTrainedModel,
    *,
    r: int = 16,
    alpha: int = 32,
    dropout: float = 0.05,
    target_modules: list[str] | None = None,
    loraplus: float = 1.0,
) -> Tuned:
    """LoRA in which each output's direction and length learn apart (Liu et al. 2024): nearer to full tuning at low
    ranks, for a third to a half more time a step."""
    return lora_adapter(
        model, r=r, alpha=alpha, dropout=dropout, target_modules=target_modules, rslora=False, dora=True,
        loraplus=loraplus,
    )  # fmt: skip


def loraplus(
    model: PreTrainedModel,
    *,
    r: int = 16,
    alpha: int = 32,
    dropout: float = 0.05,
    target_modules: list[str] | None = None,
    loraplus: float = 16.0,
    dora: bool = False,
) -> Tuned:
    """LoRA whose B matrices, which begin at zero, learn faster than A (Hayou et al. 2024)."""
    return lora_adapter(
        model, r=r, alpha=alpha, dropout=dropout, target_modules=target_modules, rslora=False, dora=dora,
        loraplus=loraplus,
    )  # fmt: skip


@loaded_with(four_bits, check_four_bits)
def qlora(
    model: PreTrainedModel,
    *,
    r: int = 16,
    alpha: int = 32,
    dropout: float = 0.05,
    target_modules: list[str] | None = None,
    rslora: bool = False,
    loraplus: float = 1.0,
) -> Tuned:
    """LoRA beside weights that are kept in four bits (Dettmers et al. 2023); for a CUDA GPU. The saved model has the
    weights that the four bits stand for, the update added in fp32."""
    return lora_adapter(
        model, r=r, alpha=alpha, dropout=dropout, target_modules=target_modules, rslora=rslora, dora=False,
        loraplus=loraplus,
    )  # fmt: skip


def few_shot(model: PreTrainedModel, *, steps: int = 12, temperature: float = 0.1) -> Tuned:
    """For a handful of rows of each class: every weight moves so that texts of one class come close and all others go
    away (the idea of SetFit, Tunstall et al. 2022; the loss of Khosla et al. 2020); then a linear head is fitted.

    steps: of an epoch, of train.batch_size rows each. temperature: the lower, the more the nearest texts of other
    classes count.
    """
    for option, value in (("steps", steps), ("temperature", temperature)):
        if not value > 0:
            what, fix = t("is {value}", value=value), t("use a number above 0")
            raise ConfigError.at(f"tuning.{option}", what, fix, code="out-of-range")
    model.requires_grad_(True)
    return Tuned(
        model, (Group(trainable_names(model)),), unchanged(model),
        objective=contrastive(model, temperature), paired_steps=steps,
    )  # fmt: skip


def _decayed(model: PreTrainedModel, decay: float) -> tuple[Group, ...]:
    """Trainable parameters grouped by their height: head and top layer at 1, each layer below at decay times that,
    embeddings one more step down."""
    _check_decay(decay)
    names = trainable_names(model)
    if decay == 1.0:
        return (Group(names),)
    depth = _depths(model)
    return tuple(
        Group(frozenset(name for name in names if depth[name] == d), math.pow(decay, d))
        for d in sorted(set(depth.values()))
    )


def _depths(model: PreTrainedModel) -> dict[str, int]:
    """Of each trainable parameter how many layers lie above its own: 0 for the top layer and what works on its output,
    as many as there are layers for the embeddings."""
    stack, layers = layer_stack(model)
    above = above_layers(model)
    depth: dict[str, int] = {}
    for name in trainable_names(model):
        inner = name.removeprefix(f"{stack}.") if name.startswith(f"{stack}.") else ""
        if inner:
            depth[name] = len(layers) - 1 - int(inner.partition(".")[0])
        else:
            depth[name] = 0 if name in above else len(layers)
    return depth


def _check_decay(decay: float) -> None:
    if not 0 < decay <= 1:
        what, fix = t("is {value}", value=decay), t("use a number above 0, at most 1")
        raise ConfigError.at("tuning.layer_decay", what, fix, code="out-of-range")
