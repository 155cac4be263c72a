"""The last layer computed at the first position only, for models whose head reads nothing else.

Keys and values still come from every token; queries, the output projection and the feed-forward come from one. For
a layer of hidden size d and feed-forward f that saves (2d² + 2df) of (4d² + 2df) multiplications a token: of a
6-layer model about an eighth of all work, of a 12-layer one a fifteenth. Answers and gradients are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from luthier.models.head import unwrapped

_READ_FIRST = {
    "BertForSequenceClassification",
    "RobertaForSequenceClassification",
    "XLMRobertaForSequenceClassification",
    "CamembertForSequenceClassification",
    "ElectraForSequenceClassification",
}
"""Models whose head reads the first position and whose layers have BERT's parts."""


@dataclass(frozen=True)
class FirstPosition:
    """What stands between the layer below the last and the logits. layer: the last one. dense: [D, D], whose tanh is
    what the logits' layer is given."""

    layer: nn.Module
    dense: nn.Linear

    def __call__(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """What the logits' layer is given, [B, D], from the states that the last layer is given. mask: True at real
        tokens."""
        first_B1D = _forward(self.layer, states_BTD, mask_BT[:, None, None, :])
        return torch.tanh(self.dense(first_B1D[:, 0]))


def find_first_position(model: nn.Module) -> FirstPosition | None:
    """None for models of another make: whose head reads elsewhere, or through something else than one tanh layer."""
    plain: Any = unwrapped(model)
    if type(plain).__name__ not in _READ_FIRST:
        return None
    layer, dense = _last_layer(plain), tanh_dense(plain)
    return None if layer is None or dense is None else FirstPosition(layer, dense)


def tanh_dense(model: nn.Module) -> nn.Linear | None:
    """The layer whose tanh the logits' layer is given; None for models of another make."""
    plain: Any = model
    if type(plain).__name__ not in _READ_FIRST or type(plain).__name__.startswith("Electra"):
        return None  # ELECTRA's head has another activation
    pooler = getattr(plain.base_model, "pooler", None)
    dense = pooler.dense if pooler is not None else getattr(plain.classifier, "dense", None)
    return dense if isinstance(dense, nn.Linear) else None


@contextmanager
def first_position_only(model: nn.Module) -> Iterator[bool]:
    """Inside the block the model's last layer works at the first position. Yields whether it does: other models
    than BERT's kin are left as they are."""
    plain = unwrapped(model)
    layer: Any = _last_layer(plain) if type(plain).__name__ in _READ_FIRST else None
    if layer is None or "forward" in vars(layer):  # inside another such block there is nothing left to do
        yield layer is not None
        return
    layer.forward = MethodType(_forward, layer)
    try:
        yield True
    finally:
        del layer.forward


def _last_layer(model: Any) -> nn.Module | None:
    encoder = getattr(model.base_model, "encoder", None)
    if encoder is None:
        return None  # a head whose body is shared with others
    layer = encoder.layer[-1]
    attention = layer.attention.self
    bare = not model.config.is_decoder and not getattr(model.config, "add_cross_attention", False)
    return layer if bare and hasattr(attention, "scaling") else None


def _forward(layer: Any, hidden_BTD: Tensor, attention_mask: Tensor | None = None, *_: Any, **__: Any) -> Tensor:
    attention = layer.attention.self
    first_B1D = hidden_BTD[:, :1]

    def heads(states: Tensor) -> Tensor:
        return states.view(*states.shape[:2], -1, attention.attention_head_size).transpose(1, 2)

    attend = ALL_ATTENTION_FUNCTIONS.get_interface(attention.config._attn_implementation, _no_eager)
    mixed, _weights = attend(
        attention,
        heads(attention.query(first_B1D)),
        heads(attention.key(hidden_BTD)),
        heads(attention.value(hidden_BTD)),
        None if attention_mask is None else attention_mask[:, :, :1],
        dropout=attention.dropout.p if attention.training else 0.0,
        scaling=attention.scaling,
    )
    attended_B1D = layer.attention.output(mixed.reshape(first_B1D.shape), first_B1D)
    return layer.output(layer.intermediate(attended_B1D), attended_B1D)


def _no_eager(*_: Any, **__: Any) -> Any:
    raise AssertionError("models are loaded with sdpa attention")
