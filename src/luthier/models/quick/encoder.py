"""What stands in an encoder's place while nobody learns: the same states, computed faster."""

from __future__ import annotations

import copy
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

from luthier.models.quick.layer import Layer

_MASK_DIMENSIONS = 4


class Encoder:
    """encoder: of transformers', with `layer`, whose layers have BERT's parts. kind: in which matrices are multiplied.

    Called as the encoder is. Where somebody learns, or wants to see what lies between the layers, or where the mask
    is more than an end of each window, the encoder itself is asked.
    """

    def __init__(self, encoder: Any, kind: torch.dtype = torch.float32) -> None:
        self._encoder, self._plain, self._kind = encoder, encoder.forward, kind
        self._parts = list(encoder.modules())
        self._weights = list(encoder.parameters())
        self._versions = self._now()
        self._layers = [Layer(layer, kind) for layer in encoder.layer]

    def __call__(self, hidden_states: Tensor, attention_mask: Any = None, *words: Any, **given: Any) -> Any:
        lengths = self._lengths(hidden_states, attention_mask) if self._is_alone(words, given) else None
        if lengths is None:
            return self._plain(hidden_states, attention_mask, *words, **given)
        last = self._encoder.layer[-1]
        return BaseModelOutputWithPastAndCrossAttentions(
            last_hidden_state=self._states(hidden_states, lengths, first_only="forward" in vars(last))
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A copy of the model has its own encoder's forward: whoever copies it may want to change it."""
        return copy.deepcopy(self._plain, memo)

    def _is_alone(self, words: tuple[Any, ...], given: dict[str, Any]) -> bool:
        """Whether only the last states are asked for, of weights that are as they were."""
        if words or not torch.is_inference_mode_enabled() or self._encoder.training or torch.compiler.is_exporting():
            return False
        if any(given.get(name) is not None for name in ("encoder_hidden_states", "cache", "past_key_values")):
            return False
        watched = any(part._forward_hooks or part._forward_pre_hooks for part in self._parts)
        return not watched and self._now() == self._versions

    def _now(self) -> list[int]:
        return [weight._version for weight in self._weights]

    @staticmethod
    def _lengths(states_BTD: Tensor, mask: Any) -> list[int] | None:
        """Of the windows; None where the mask says more than where each ends."""
        batch, most = states_BTD.shape[:2]
        if mask is None:
            return [most] * batch
        if not isinstance(mask, Tensor) or mask.ndim != _MASK_DIMENSIONS or mask.dtype != torch.bool:
            return None
        seen_BT = mask[:, 0, 0, :]
        lengths_B = seen_BT.sum(1)
        ends = torch.arange(most) < lengths_B[:, None]
        if not seen_BT.equal(ends) or not mask.equal(seen_BT[:, None, None, :].expand_as(mask)):
            return None
        lengths = lengths_B.tolist()
        return lengths if all(lengths) else None

    def _states(self, states_BTD: Tensor, lengths: list[int], *, first_only: bool) -> Tensor:
        """[B, T, D], zeros where there is padding; [B, 1, D] where the first positions are all that is read."""
        runs = [(len(list(run)), length) for length, run in groupby(lengths)]
        batch, most, size = states_BTD.shape
        filled = batch * most == sum(lengths)
        places = None if filled else (torch.arange(most) < torch.tensor(lengths)[:, None]).flatten().nonzero()[:, 0]
        flat = states_BTD.reshape(-1, size)
        states_ND = (flat if places is None else flat[places]).to(self._kind)
        for layer in self._layers[:-1]:
            states_ND = layer(states_ND, runs)
        if first_only:
            return self._layers[-1].first(states_ND, runs)[:, None].to(states_BTD.dtype)
        states_ND = self._layers[-1](states_ND, runs).to(states_BTD.dtype)
        if places is None:
            return states_ND.view(states_BTD.shape)
        return states_BTD.new_zeros(batch * most, size).index_copy_(0, places, states_ND).view(states_BTD.shape)


def fits(encoder: nn.Module) -> bool:
    """Whether its layers have BERT's parts and nothing else."""
    layers: Any = getattr(encoder, "layer", None)
    if not isinstance(layers, nn.ModuleList) or not len(layers):
        return False
    return all(_is_bert(layer) for layer in layers)


def _is_bert(layer: Any) -> bool:
    try:
        attention = layer.attention.self
        linears = (attention.query, attention.key, attention.value, layer.attention.output.dense,
                   layer.intermediate.dense, layer.output.dense)  # fmt: skip
        norms = (layer.attention.output.LayerNorm, layer.output.LayerNorm)
        activation, config = layer.intermediate.intermediate_act_fn, attention.config
    except AttributeError:
        return False
    plain = all(type(one) is nn.Linear and one.bias is not None and one.weight.device.type == "cpu" for one in linears)
    alike = plain and all(type(one) is nn.LayerNorm for one in norms) and hasattr(attention, "scaling")
    exact = type(activation).__name__ in ("GELUActivation", "GELU") and config.hidden_act == "gelu"
    bare = not config.is_decoder and not getattr(config, "add_cross_attention", False)
    return alike and exact and bare and getattr(config, "position_embedding_type", None) in (None, "absolute")
