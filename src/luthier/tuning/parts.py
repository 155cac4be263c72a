"""Which part of a model is what: the stack of layers, the head, the embeddings. Found by shape, not by a list of
architectures' names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import nn
from transformers import PreTrainedModel

from luthier.errors import ModelError
from luthier.language import t
from luthier.models.head import unwrapped
from luthier.objective import Joint, Loss


@dataclass(frozen=True)
class Group:
    """Parameters by name that learn at `scale` times the run's learning rate, from the step on at which they thaw:
    `after_epochs` epochs from the beginning, and no earlier than behind this share of all steps, `after_share`."""

    names: frozenset[str]
    scale: float = 1.0
    after_epochs: float = 0.0
    after_share: float = 0.0

    def thaws(self, per_epoch: int, total: int) -> int:
        """How many steps are done before it learns. per_epoch, total: steps."""
        return max(round(self.after_epochs * per_epoch), round(self.after_share * total))


Ask = Callable[[nn.Module], None]
"""Lets a model answer some rows; what it says is watched from outside."""


class Merge(Protocol):
    def __call__(self, ask: Ask | None = None) -> PreTrainedModel:
        """The plain transformers model with what was learned. ask: what it is asked before and after, where weights
        are put together. Errors: StoppedError where the two answers differ."""
        ...


@dataclass(frozen=True)
class Tuned:
    """model: what the loop trains. merge: gives the plain transformers model to save, once, at the end.

    groups: every trainable parameter in exactly one. save_adapter: writes what PEFT would write, before merge;
    None where the method adds no adapter. stays: the adapter cannot become part of the weights, and has to lie beside
    the plain model wherever that answers. places: tokens that the method adds to every input. notes: what to tell.
    objective: from the task to what a step makes less; None for the task's own. paired_steps: steps of an epoch, each
    of windows of which every one has another that wants the same; 0 where an epoch shows all windows once. settle:
    is called before the model is judged, and does what is left to do then.
    """

    model: nn.Module
    groups: tuple[Group, ...]
    merge: Merge
    save_adapter: Callable[[Path], None] | None = None
    stays: bool = False
    places: int = 0
    notes: tuple[str, ...] = ()
    objective: Callable[[Any], Loss | Joint] | None = None
    paired_steps: int = 0
    settle: Callable[[], None] | None = None

    def objective_for(self, task: Any) -> Loss | Joint:
        """Errors: ConfigError for a task that the method is not for."""
        return task.objective() if self.objective is None else self.objective(task)


def unchanged(model: PreTrainedModel) -> Merge:
    """For methods that move the model's own weights: there is nothing to merge."""
    return lambda ask=None: model


def trainable_names(model: nn.Module) -> frozenset[str]:
    return frozenset(name for name, p in model.named_parameters() if p.requires_grad)


def body_prefix(model: PreTrainedModel) -> str:
    """How the names of the pretrained body's parts begin: "bert."; "" where the model is nothing but the body."""
    return "" if model.base_model is model else f"{model.base_model_prefix}."


def layer_stack(model: PreTrainedModel) -> tuple[str, nn.ModuleList]:
    """Name and modules of the transformer layers; of an encoder-decoder those of the decoder. Errors: ModelError where
    there is no such stack."""
    config: Any = model.config
    count = getattr(config, "num_hidden_layers", None)
    if getattr(config, "is_encoder_decoder", False):
        count = next((n for n in (getattr(config, key, None) for key in _DECODER_LAYERS) if n is not None), count)
    inside = encoder_prefix(model)
    for name, part in model.named_modules():
        of_body = name.startswith(body_prefix(model)) and not (inside and name.startswith(inside))
        if isinstance(part, nn.ModuleList) and len(part) == count and of_body:
            return name, part
    what, fix = t("has no stack of separate layers"), t("use tuning.method=full, head or lora")
    raise ModelError.at(str(model.name_or_path), what, fix, code="no-layers")


def layers_of(model: nn.Module) -> Sequence[nn.Module]:
    """The transformer layers, inside PEFT's wrapper too; none where there is no such stack."""
    try:
        return list(layer_stack(unwrapped(model))[1])
    except ModelError:
        return ()


_DECODER_LAYERS = ("decoder_layers", "num_decoder_layers")


def encoder_prefix(model: PreTrainedModel) -> str:
    """How the names of an encoder-decoder's encoder begin; "" for a model without one, or that is nothing else."""
    config: Any = model.config
    if not getattr(config, "is_encoder_decoder", False) or not hasattr(model, "get_encoder"):
        return ""
    encoder = model.get_encoder()
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else None
    if decoder is None or decoder is encoder or decoder is model:
        return ""
    return next((f"{name}." for name, part in model.named_modules() if part is encoder), "")


def output_name(model: PreTrainedModel) -> str | None:
    """The name of the layer that makes a language model's logits; None for a model without one."""
    output = model.get_output_embeddings()
    return next((name for name, part in model.named_modules() if output is not None and part is output), None)


def task_heads(model: PreTrainedModel) -> list[str]:
    """The smallest modules of `head_names` that own weights, without a language model's output layer: they are not
    pretrained, and learn whole beside any adapter."""
    output = output_name(model)
    return [f"{name}{inner}" for name in head_names(model) if name != output
            for inner in _owners(model.get_submodule(name))]  # fmt: skip


def _owners(part: nn.Module) -> list[str]:
    """Endings of the names of the outermost modules in `part`, itself included, that own weights."""
    if next(part.parameters(recurse=False), None) is not None:
        return [""]
    return [f".{name}{inner}" for name, child in part.named_children() for inner in _owners(child)]


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
    holder, encoder = _holder_of_embeddings(model), encoder_prefix(model)
    below = (f"{stack}.", *embedded, *([f"{holder}."] if holder else []), *([encoder] if encoder else []))
    return {name for name, _ in model.named_parameters() if not name.startswith(below)}


def _holder_of_embeddings(model: PreTrainedModel) -> str | None:
    """The body's child that makes input embeddings and nothing else, such as bert.embeddings with its norm."""
    embedding, (stack, _) = model.get_input_embeddings(), layer_stack(model)
    for name, part in model.base_model.named_children():
        full = f"{body_prefix(model)}{name}"
        if any(inner is embedding for inner in part.modules()) and not f"{stack}.".startswith(f"{full}."):
            return full
    return None
