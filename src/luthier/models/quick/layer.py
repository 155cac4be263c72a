"""One layer of a BERT over windows laid end to end: no token is padding, and none sees another window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, scaled_dot_product_attention

from luthier.models.quick.linear import packed

Runs = Sequence[tuple[int, int]]
"""(how many windows, how many tokens each) of windows of one length, in order."""


@dataclass(frozen=True, eq=False)
class Norm:
    weight: Tensor
    bias: Tensor
    eps: float

    @staticmethod
    def of(module: Any, kind: torch.dtype) -> Norm:
        return Norm(module.weight.detach().to(kind), module.bias.detach().to(kind), module.eps)

    def __call__(self, states: Tensor) -> Tensor:
        return layer_norm(states, self.weight.shape, self.weight, self.bias, self.eps)


class Layer:
    """layer: of transformers', with BERT's parts. kind: in which its matrices are multiplied."""

    def __init__(self, layer: Any, kind: torch.dtype) -> None:
        attention = layer.attention.self
        self._heads, self._size = attention.num_attention_heads, attention.attention_head_size
        self._scale = attention.scaling
        self._read = packed([attention.query, attention.key, attention.value], kind)
        self._query = packed([attention.query], kind)
        heads = (self._heads, self._size, -1)
        self._key_HdD = attention.key.weight.detach().to(kind).view(heads)
        self._value_HDd = attention.value.weight.detach().to(kind).view(heads).transpose(1, 2).contiguous()
        self._value_bias = attention.value.bias.detach().to(kind)
        self._mix = packed([layer.attention.output.dense], kind)
        self._mixed = Norm.of(layer.attention.output.LayerNorm, kind)
        self._up = packed([layer.intermediate.dense], kind)
        self._down = packed([layer.output.dense], kind)
        self._done = Norm.of(layer.output.LayerNorm, kind)

    def __call__(self, states_ND: Tensor, runs: Runs) -> Tensor:
        """[N, D]: of all tokens."""
        read = self._read(states_ND)
        seen_ND = torch.empty_like(states_ND)
        first = 0
        for count, length in runs:
            part = slice(first, first + count * length)
            q, k, v = read[part].view(count, length, 3, self._heads, self._size).permute(2, 0, 3, 1, 4)
            said = scaled_dot_product_attention(q, k, v, scale=self._scale)
            seen_ND[part].view(count, length, self._heads, self._size).copy_(said.transpose(1, 2))
            first += count * length
        return self._rest(seen_ND, states_ND)

    def first(self, states_ND: Tensor, runs: Runs) -> Tensor:
        """[B, D]: of the first token of each window alone.

        With one query a head its product with a key is that of (query · W_key) with the token itself, and the mean of
        values is W_value of the mean of tokens: no token needs a key or a value. A key's bias adds the same to all
        scores of a query, which softmax does not see.
        """
        starts, first = [], 0
        for count, length in runs:
            starts.append(torch.arange(first, first + count * length, length))
            first += count * length
        first_BD = states_ND[torch.cat(starts)]
        query_HBd = self._query(first_BD).view(-1, self._heads, self._size).transpose(0, 1)
        asked_BHD = torch.bmm(query_HBd, self._key_HdD).transpose(0, 1).mul(self._scale)
        means, first, window = [], 0, 0
        for count, length in runs:
            tokens = states_ND[first : first + count * length].view(count, length, -1)
            weights = torch.bmm(asked_BHD[window : window + count], tokens.transpose(1, 2)).softmax(-1)
            means.append(torch.bmm(weights, tokens))
            first, window = first + count * length, window + count
        mean_HBD = torch.cat(means).transpose(0, 1)
        seen_BD = torch.bmm(mean_HBD, self._value_HDd).transpose(0, 1).reshape(first_BD.shape) + self._value_bias
        return self._rest(seen_BD, first_BD)

    def _rest(self, seen_ND: Tensor, states_ND: Tensor) -> Tensor:
        mixed_ND = self._mixed(self._mix.plus(seen_ND, states_ND))
        return self._done(self._down.plus(self._up.gelu(mixed_ND), mixed_ND))
