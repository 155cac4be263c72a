"""What a language model forgot while it was tuned: how likely it finds general text, before and after.

Perplexity on text that has nothing to do with the training rows rises where tuning overwrites what the model could
do (catastrophic forgetting; McCloskey and Cohen 1989, for language models Luo et al. 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from luthier.batching import cut
from luthier.evaluation.intervals import bootstrap, interval
from luthier.language import t
from luthier.types import IGNORE
from luthier.writing.likelihood import token_nlls

MOST_TOKENS = 1024
"""Of one piece; a longer passage is read in several."""
_MOST_LOSS = 80.0


@dataclass(frozen=True, eq=False)
class Likely:
    """How likely a model finds N passages. nll_N: of each the sum in nats. tokens_N: of how many tokens: all but the
    first of each piece, and that too where the tokenizer puts a token before it."""

    nll_N: np.ndarray
    tokens_N: np.ndarray


@dataclass(frozen=True)
class Forgetting:
    """text: what was read. untuned, tuned: perplexity, with 95 % intervals. ratio: of the tuned to the untuned one, on
    the same resamples of the passages."""

    text: str
    passages: int
    tokens: int
    untuned: tuple[float, float, float]
    tuned: tuple[float, float, float]
    ratio: tuple[float, float, float]

    @property
    def sentence(self) -> str:
        value, low, high = self.ratio
        said = t("general text perplexity {before} → {after} ({change:+.1%}, 95 % interval {low:+.1%} to {high:+.1%})",
                 before=_figure(self.untuned[0]), after=_figure(self.tuned[0]), change=value - 1, low=low - 1,
                 high=high - 1)  # fmt: skip
        if low > 1:
            return t("forgot: {what}", what=said)
        return t("nothing forgotten: {what}", what=said)

    def as_json(self) -> dict[str, Any]:
        names = ("value", "low", "high")
        numbers = {name: dict(zip(names, getattr(self, name), strict=True)) for name in ("untuned", "tuned", "ratio")}
        said = {"text": self.text, "passages": self.passages, "tokens": self.tokens}
        return {**said, **numbers, "sentence": self.sentence}


def likelihood_of(
    model: Any, tokenizer: Tokenizer, passages: Sequence[str], *, device: str, max_tokens: int, longest: int,
    done: Callable[[int], None] = lambda count: None,
) -> Likely:  # fmt: skip
    """Of a causal language model, left in evaluation mode. longest: tokens that it can read at once. max_tokens: of
    one forward pass, with padding. done: is told how many passages were read since last told."""
    size = min(longest * 7 // 8, MOST_TOKENS)  # a tuning method may put tokens of its own before every text
    pieces = [(n, piece) for n, text in enumerate(passages) for piece in _pieces(tokenizer, text, size)]
    nll_N, tokens_N = np.zeros(len(passages)), np.zeros(len(passages), np.int64)
    model.eval()
    with torch.inference_mode():
        for numbers in cut(range(len(pieces)), [len(ids) for _, (ids, _) in pieces], max_tokens):
            ids_BT, mask_BT, targets_BT = _rectangles([pieces[i][1] for i in numbers], device)
            nll_B = token_nlls(model, {"input_ids": ids_BT, "attention_mask": mask_BT}, targets_BT).tolist()
            counts_B = (targets_BT != IGNORE).sum(1).tolist()
            for i, nll, count in zip(numbers, nll_B, counts_B, strict=True):
                nll_N[pieces[i][0]] += nll
                tokens_N[pieces[i][0]] += count
            done(len(numbers))
    return Likely(nll_N, tokens_N)


def forgetting(text: str, untuned: Likely, tuned: Likely, seed: int) -> Forgetting:
    """text: a name for the passages; both likelihoods are of them."""

    def scores(weights_RN: np.ndarray) -> dict[str, np.ndarray]:
        tokens_R = weights_RN @ untuned.tokens_N
        before_R, after_R = (weights_RN @ one.nll_N / tokens_R for one in (untuned, tuned))
        losses = {"untuned": before_R, "tuned": after_R, "ratio": after_R - before_R}
        return {name: np.exp(np.minimum(loss_R, _MOST_LOSS)) for name, loss_R in losses.items()}

    found = bootstrap(scores, len(untuned.nll_N), seed=seed)
    said = {name: (value, *interval(found.resampled[name])) for name, value in found.values.items()}
    return Forgetting(text, len(untuned.nll_N), int(untuned.tokens_N.sum()), **said)


def _pieces(tokenizer: Tokenizer, text: str, size: int) -> Iterator[tuple[list[int], list[int]]]:
    """Ids, and of each whether it is a token of the text: what the tokenizer puts around it is not."""
    encoding = tokenizer.encode(text)
    own = [1 - special for special in encoding.special_tokens_mask]
    for begin in range(0, len(encoding.ids), size):
        ids = encoding.ids[begin : begin + size]
        if len(ids) > 1:
            yield ids, own[begin : begin + size]


def _rectangles(
    pieces: Sequence[tuple[list[int], list[int]]], device: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """input_ids, attention_mask and targets, int64 [B, T] each. The last position has nothing to predict."""
    longest = max(len(ids) for ids, _ in pieces)
    ids_BT = torch.zeros(len(pieces), longest, dtype=torch.int64)
    mask_BT, targets_BT = torch.zeros_like(ids_BT), torch.full_like(ids_BT, IGNORE)
    for row, (ids, own) in enumerate(pieces):
        ids_BT[row, : len(ids)] = torch.tensor(ids)
        mask_BT[row, : len(ids)] = 1
        following = torch.tensor(ids[1:])
        targets_BT[row, : len(ids) - 1] = torch.where(torch.tensor(own[1:]) == 1, following, IGNORE)
    return ids_BT.to(device), mask_BT.to(device), targets_BT.to(device)


def _figure(perplexity: float) -> str:
    return f"{perplexity:,.1f}" if perplexity < 1000 else f"{perplexity:,.0f}"
