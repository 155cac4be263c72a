"""Which part of a model is what: the stack of layers, the head, the embeddings. Found by shape, not by a list of
architectures' names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from luthier.errors import ModelError
from luthier.language import t


@dataclass(frozen=True)
class Group:
    """Parameters by name that learn at `scale` times the run's learning rate."""

    names: frozenset[str]
    scale: float = 1.0


@dataclass(frozen=True)
class Tuned:
    """model: what the loop trains. merge: gives the plain transformers model to save, once, at the end.

    groups: every trainable parameter in exactly one. save_adapter: writes what PEFT would write, before merge;
    None where the method adds no adapter.
    """

    model: nn.Module
    groups: tuple[Group, ...]
    merge: Callable[[], PreTrainedModel]
    save_adapter: Callable[[Path], None] | None = None


def body_prefix(model: PreTrainedModel) -> str:
    """How the names of the pretrained body's parts begin: "bert."; "" where the model is nothing but the body."""
    return "" if model.base_model is model else f"{model.base_model_prefix}."


def layer_stack(model: PreTrainedModel) -> tuple[str, nn.ModuleList]:
    """Name and modules of the transformer layers. Errors: ModelError where there is no such stack."""
    config: Any = model.config
    count = getattr(config, "num_hidden_layers", None)
    for name, part in model.named_modules():
        if isinstance(part, nn.ModuleList) and len(part) == count and name.startswith(body_prefix(model)):
            return name, part
    what, fix = t("has no stack of separate layers"), t("use tuning.method=full, head or lora")
    raise ModelError.at(str(model.name_or_path), what, fix, code="no-layers")


def head_names(model: PreTrainedModel) -> list[str]:
    """Modules that sit on top of the pretrained layers: what is outside the body, and the body's own pooler.

    An output layer that shares the embedding's weights is no head of its own.
    """
    if not body_prefix(model):
        return []
    embedding = model.get_input_embeddings()
    shared = {id(p) for p in embedding.parameters()} if embedding is not None else set()
    names = [
        name
        for name, part in model.named_children()
        if name != model.base_model_prefix and any(id(p) not in shared for p in part.parameters())
    ]
    if getattr(model.base_model, "pooler", None) is not None:
        names.append(f"{model.base_model_prefix}.pooler")
    return names


def above_layers(model: PreTrainedModel) -> set[str]:
    """Names of parameters that work on the layers' output: final norms, pooler, head; no embeddings of any kind."""
    stack, _ = layer_stack(model)
    embedded = {f"{name}." for name, part in model.named_modules() if isinstance(part, nn.Embedding)}
    holder = _holder_of_embeddings(model)
    return {
        name
        for name, _ in model.named_parameters()
        if not name.startswith((f"{stack}.", *embedded)) and not (holder and name.startswith(f"{holder}."))
    }


def _holder_of_embeddings(model: PreTrainedModel) -> str | None:
    """The body's child that makes input embeddings and nothing else, such as bert.embeddings with its norm."""
    embedding, (stack, _) = model.get_input_embeddings(), layer_stack(model)
    for name, part in model.base_model.named_children():
        full = f"{body_prefix(model)}{name}"
        if any(inner is embedding for inner in part.modules()) and not f"{stack}.".startswith(f"{full}."):
            return full
    return None
