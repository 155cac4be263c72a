"""A claim's number, asked of windows of which some tokens are hidden, or of an input from which words are gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from luthier.claims import Claim
from luthier.codec import Codec
from luthier.explaining.words import Word, without_words
from luthier.inference.artifact import Predictor
from luthier.inference.predict import batches
from luthier.types import IDS, Window

_BLANKS = ("[MASK]", "<mask>", "[UNK]", "<unk>", "<|unk|>")
"""Tokens that say nothing, the best first: a model that has one for a hidden word knows what it means."""


def blank_id(codec: Codec) -> int:
    """The token that stands for a word that is not to be seen."""
    tokenizer = codec.text.tokenizer
    known = (tokenizer.token_to_id(name) for name in _BLANKS)
    found = next((id for id in known if id is not None), None)
    if found is not None:
        return found
    space = tokenizer.encode(" _", add_special_tokens=False).ids
    return space[-1] if space else codec.text.pad_id


def hidden(window: Window, positions: Sequence[int], blank: int) -> Window:
    """The window with other tokens at these positions."""
    name = next(name for name in window.arrays if name.endswith(IDS))
    ids = window.arrays[name].copy()
    ids[list(positions)] = blank
    return replace(window, arrays={**window.arrays, name: ids})


def all_hidden(claim: Claim, words: Sequence[Word], blank: int) -> list[Window]:
    """The claim's windows with these words hidden."""
    return [
        hidden(window, [p for word in words for p in word.tokens[i]], blank) for i, window in enumerate(claim.windows)
    ]


def numbers(
    predictor: Predictor, claim: Claim, variants: Sequence[Sequence[Window]],
    done: Callable[[int], None] = lambda count: None,
) -> np.ndarray:  # fmt: skip
    """[V] float64: the claim's number of each variant of its windows. done: is told of windows."""
    windows = [window for variant in variants for window in variant]
    read_W = np.zeros(len(windows))
    for some in batches(windows, predictor.max_tokens):
        read_W[list(some)] = _read(predictor, claim, [windows[i] for i in some])
        done(len(some))
    ends = np.cumsum([0, *map(len, variants)])
    return np.array([read_W[begin:end].sum() for begin, end in pairwise(ends)])


def _read(predictor: Predictor, claim: Claim, windows: Sequence[Window]) -> Any:
    codec = predictor.codec
    if predictor.is_graph:
        return claim.read(predictor.model(codec.arrays(windows)))
    import torch

    with torch.inference_mode():
        batch = codec.collate(windows).to(predictor.device)
        return claim.read(claim.outputs(predictor.model, batch.tensors)).double().cpu().numpy()


def taken(
    predictor: Predictor, claim: Claim, written: Any, words: Sequence[Word], blank: int
) -> Sequence[Window]:  # fmt: skip
    """The windows of the input without these words: taken out of the text where the claim outlives that, else hidden
    where they stand."""
    if claim.again is None:
        return all_hidden(claim, words, blank)
    codec = predictor.codec
    return claim.again(codec.cleaned(without_words(codec, written, words)))
