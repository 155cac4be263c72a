"""How a claim's number changes with each token's embedding: by its gradient where the text is, or along the way to it.

Both start from the text with every word of the user's hidden (the base). Gradient × input (Shrikumar et al. 2016) takes
the slope at the text for that of the whole way; integrated gradients (Sundararajan et al. 2017) goes it in steps, and
its values add up to what the words changed, but for an error that is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from luthier.claims import Claim
from luthier.codec import Codec
from luthier.explaining.asking import all_hidden
from luthier.explaining.words import Word
from luthier.extras import need
from luthier.types import IDS

Ask = Callable[[Tensor], Tensor]
"""From embeddings [K, T, D] to numbers [K]."""


def by_gradient(model: Any, codec: Codec, claim: Claim, words: Sequence[Word], blank: int, device: str) -> np.ndarray:
    """[W]: of each word."""

    def values(ask: Ask, text_1TD: Tensor, base_1TD: Tensor) -> Tensor:
        given = text_1TD.clone().requires_grad_()
        (slope_1TD,) = torch.autograd.grad(ask(given).sum(), given)
        return (slope_1TD * (text_1TD - base_1TD)).sum(-1)[0]

    return _by_word(model, codec, claim, words, blank, device, values)


def by_integration(
    model: Any, codec: Codec, claim: Claim, words: Sequence[Word], blank: int, device: str, *, steps: int,
    max_tokens: int,
) -> np.ndarray:  # fmt: skip
    """[W]: of each word. steps: of the way from the base to the text. max_tokens: of a pass."""
    captum = need("captum.attr")

    def values(ask: Ask, text_1TD: Tensor, base_1TD: Tensor) -> Tensor:
        at_once = max(1, max_tokens // text_1TD.shape[1])
        found_1TD = captum.IntegratedGradients(ask).attribute(
            text_1TD, base_1TD, n_steps=steps, internal_batch_size=at_once
        )
        return found_1TD.sum(-1)[0]

    return _by_word(model, codec, claim, words, blank, device, values)


def _by_word(
    model: Any, codec: Codec, claim: Claim, words: Sequence[Word], blank: int, device: str,
    values: Callable[[Ask, Tensor, Tensor], Tensor],
) -> np.ndarray:  # fmt: skip
    found_W = np.zeros(len(words))
    for number, (window, base) in enumerate(zip(claim.windows, all_hidden(claim, words, blank), strict=True)):
        tensors = codec.collate([window]).to(device).tensors
        name = next(name for name in tensors if name.endswith(IDS))
        ids_1T, blank_1T = tensors[name], codec.collate([base]).to(device).tensors[name]
        with torch.no_grad():
            embed = _embedding(model, claim, tensors, ids_1T)
            text_1TD, base_1TD = embed(ids_1T).detach(), embed(blank_1T).detach()
        ask = _asker(model, embed, claim, tensors, ids_1T)
        with torch.enable_grad():
            values_T = values(ask, text_1TD, base_1TD).double().cpu().numpy()
        found_W += [values_T[list(word.tokens[number])].sum() for word in words]
    return found_W


def _embedding(model: Any, claim: Claim, tensors: Mapping[str, Tensor], ids_1T: Tensor) -> nn.Module:
    """The layer in which the model looks up these ids: encoder and decoder may have one each that share the weights."""
    usual: nn.Module = model.get_input_embeddings()
    alike = [part for part in model.modules() if getattr(part, "weight", None) is usual.weight and part is not usual]
    layers = [part for part in alike if isinstance(part, nn.Embedding)]
    asked: list[nn.Module] = []

    def watch(layer: nn.Module, given: Any, _: Tensor) -> None:
        if given[0].shape == ids_1T.shape and bool((given[0] == ids_1T).all()):
            asked.append(layer)

    hooks = [layer.register_forward_hook(watch) for layer in (usual, *layers)] if layers else []
    try:
        if layers:
            claim.outputs(model, tensors)
    finally:
        for hook in hooks:
            hook.remove()
    return asked[0] if asked else usual


def _asker(model: Any, embed: Any, claim: Claim, tensors: Mapping[str, Tensor], ids_1T: Tensor) -> Ask:
    def ask(given_KTD: Tensor) -> Tensor:
        count = len(given_KTD)
        repeated = {name: tensor.expand(count, *tensor.shape[1:]) for name, tensor in tensors.items()}
        with _given(embed, ids_1T, given_KTD):
            return claim.read(claim.outputs(model, repeated))

    return ask


@contextmanager
def _given(embed: Any, ids_1T: Tensor, given_KTD: Tensor) -> Iterator[None]:
    """The model reads these embeddings wherever it looks up just these ids: a decoder that shares the layer looks up
    others, and its own stay. A pass over single rows gets them one after another."""
    rows = 0

    def instead(_: Any, asked: Any, found: Tensor) -> Tensor:
        nonlocal rows
        ids = asked[0]
        if ids.shape[1:] != ids_1T.shape[1:] or not bool((ids == ids_1T).all()):
            return found
        if len(ids) == len(given_KTD):
            return given_KTD
        begin, rows = rows, (rows + len(ids)) % len(given_KTD)
        return given_KTD[begin : begin + len(ids)]

    hook = embed.register_forward_hook(instead)
    try:
        yield
    finally:
        hook.remove()
