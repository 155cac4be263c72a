"""Up to where a model is frozen. Below the lowest layer that learns everything is a function of the text alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from luthier.caching import key_of
from luthier.errors import ModelError
from luthier.models.head import unwrapped
from luthier.tuning.parts import above_layers, layer_stack
from luthier.weights import OF_THE_ANSWERS, bits


@dataclass(frozen=True, eq=False)
class Boundary:
    """layers: the lowest of the stack, all frozen, at least one. below: these, and all that the input passes before
    them. In training they stay in evaluation mode: without dropout they are features of the text, the same at every
    step, whether they are computed anew or kept."""

    layers: tuple[nn.Module, ...]
    below: tuple[nn.Module, ...]
    config: Any

    def rest(self) -> None:
        """Puts what is frozen back into evaluation mode, after the whole model was put into training mode."""
        for part in self.below:
            part.eval()

    def key(self) -> str:
        """Of the frozen weights and of how they are used."""
        arrays = {f"{i}.{name}": bits(value) for i, part in enumerate(self.below) for name, value in _tensors(part)}
        config = {name: value for name, value in self.config.to_dict().items() if name not in OF_THE_ANSWERS}
        kinds = [type(part).__name__ for part in self.below]
        return key_of({"layers": len(self.layers), "kinds": kinds, "config": config}, arrays)


def find_boundary(model: nn.Module) -> Boundary | None:
    """None where nothing is frozen from below: something at the bottom learns, the model has no single stack of layers,
    or its decoder's layers also read what an encoder says."""
    plain = unwrapped(model)
    if getattr(plain.config, "is_encoder_decoder", False):
        return None
    try:
        stack, layers = layer_stack(plain)
        above = above_layers(plain)
    except (ModelError, AttributeError):
        return None
    inside = {id(p) for p in plain.parameters()}
    if any(p.requires_grad and id(p) not in inside for p in model.parameters()):
        return None  # virtual tokens, which come before everything
    low = [name for name, p in plain.named_parameters() if p.requires_grad and name not in above]
    if any(not name.startswith(f"{stack}.") for name in low):
        return None
    lowest = min((int(name.removeprefix(f"{stack}.").partition(".")[0]) for name in low), default=len(layers))
    if lowest == 0:
        return None
    frozen = tuple(layers[:lowest])
    return Boundary(frozen, (*_before(plain, stack), *frozen), plain.config)


def _before(plain: nn.Module, stack: str) -> Iterator[nn.Module]:
    """Parts that a model defines before its layers, on the way to these: what the input passes first."""
    part = plain
    for name in stack.split("."):
        for sibling, child in part.named_children():
            if sibling == name:
                break
            if not any(p.requires_grad for p in child.parameters()):
                yield child
        part = part.get_submodule(name)


def _tensors(part: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from part.named_parameters()
    yield from part.named_buffers()
