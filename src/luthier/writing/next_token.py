"""Which token comes next: only permitted ones, and drawn ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers.generation.logits_process import (
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

Allowed = Callable[[int, Sequence[int]], Sequence[int]]
"""From a row and what it said so far to the tokens that may come next; none where it has said all."""


def one_of(choices: Sequence[Sequence[int]], stop_ids: Sequence[int]) -> Allowed:
    """That an answer is one of the choices, token by token. One that another goes on from is ended by a token of
    stop_ids; any other ends by itself."""
    after: dict[tuple[int, ...], dict[int, None]] = {}
    whole = {tuple(choice) for choice in choices}
    for choice in whole:
        for length, token in enumerate(choice):
            after.setdefault(choice[:length], {})[token] = None

    def allowed(row: int, said: Sequence[int]) -> list[int]:
        next_ids = list(after.get(tuple(said), ()))
        return next_ids + list(stop_ids) if next_ids and tuple(said) in whole else next_ids

    return allowed


class Allowing(LogitsProcessor):
    """Scores of tokens that may not come next are −∞. begin: where in the ids the answer begins. rows: their
    numbers; of each there are num_beams, one after another."""

    def __init__(self, allowed: Allowed, rows: Sequence[int], num_beams: int, begin: int) -> None:
        self._allowed, self._rows, self._beams, self._begin = allowed, rows, num_beams, begin

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        kept = torch.full_like(scores, -torch.inf)
        for i, said in enumerate(input_ids[:, self._begin :].tolist()):
            ids = list(self._allowed(self._rows[i // self._beams], said))
            if ids:
                kept[i, ids] = scores[i, ids]
            else:  # it has ended, and waits for others
                kept[i] = scores[i]
        return kept


class Sampling(LogitsProcessor):
    """Draws each row's token from a generator of its own, and leaves it the likeliest: to the logarithms of the
    probabilities Gumbel noise is added, whose argmax is a draw from them (Gumbel 1954; Maddison et al. 2014)."""

    def __init__(self, temperature: float, top_k: int, top_p: float, draws: Sequence[torch.Generator]) -> None:
        self._narrow = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
        if top_k > 0:
            self._narrow.append(TopKLogitsWarper(top_k))
        if top_p < 1:
            self._narrow.append(TopPLogitsWarper(top_p))
        self._draws = draws

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        logits = self._narrow(input_ids, scores)
        waits = torch.empty_like(logits)
        for row, draw in zip(waits, self._draws, strict=True):
            row.exponential_(generator=draw)
        return logits - waits.clamp_min_(torch.finfo(waits.dtype).tiny).log_()
