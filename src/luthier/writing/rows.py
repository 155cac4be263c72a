"""What one row of a batch has said so far, and when it has said all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers.generation.stopping_criteria import StoppingCriteria

from luthier.errors import ConfigError, shown
from luthier.language import t
from luthier.writing.next_token import Allowed

OnToken = Callable[[int, int], "bool | None"]
"""Is told a row and its next token, at last the one that ends it; True ends the row there."""


@dataclass(frozen=True)
class Generation:
    """How answers are written. temperature: 0 always takes the likeliest token; else tokens are drawn, from the top_k
    likeliest (0: all) that hold top_p of the probability. repetition_penalty: above 1 for tokens that were there
    already. no_repeat_ngram_size: no such group of tokens comes twice; 0 allows all. stop: texts that end an answer.
    """

    max_new_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    num_beams: int = 1
    no_repeat_ngram_size: int = 0
    stop: tuple[str, ...] = ()
    seed: int = 42

    def __post_init__(self) -> None:
        """Errors: ConfigError for numbers that mean nothing."""
        from_1, from_0 = t("use a whole number from {least}", least=1), t("use a whole number from {least}", least=0)
        bounds = {
            "max_new_tokens": (self.max_new_tokens >= 1, from_1),
            "temperature": (0 <= self.temperature < math.inf, t("use a number from 0; 0 takes the likeliest token")),
            "top_p": (0 < self.top_p <= 1, t("use a number above 0, at most 1")),
            "top_k": (self.top_k >= 0, from_0),
            "repetition_penalty": (0 < self.repetition_penalty < math.inf, t("use a number above 0; 1 for no penalty")),
            "num_beams": (self.num_beams >= 1, from_1),
            "no_repeat_ngram_size": (self.no_repeat_ngram_size >= 0, from_0),
            "stop": (all(self.stop), t("leave empty texts out")),
        }
        for name, (right, fix) in bounds.items():
            if not right:
                what = t("is {value}", value=shown(getattr(self, name)))
                raise ConfigError.at(name, what, fix, code="out-of-range")
        if self.num_beams > 1 and self.temperature > 0:
            what = t("is {value}, but several beams are searched for the likeliest text", value=self.temperature)
            raise ConfigError.at("temperature", what, t("use num_beams=1 or temperature=0"), code="bad-combination")


@dataclass(frozen=True)
class Job:
    how: Generation
    stop_ids: tuple[int, ...]
    pad_id: int
    device: str
    allowed: Allowed | None
    on_token: OnToken | None
    decode: Callable[[Sequence[int]], str] | None
    start_ids: Sequence[int]
    seeds: Sequence[int] | None = None

    def has_stop(self, said: Sequence[int]) -> bool:
        """Whether the last token completed a stop text."""
        if not self.how.stop or self.decode is None:
            return False
        longest = max(len(stop.encode()) for stop in self.how.stop)
        tail = self.decode(said[-(longest + 8) :])  # a token stands for a byte at least, but for special ones
        return any(stop in tail for stop in self.how.stop)


@dataclass
class Row:
    """A prompt and what was said to it. limit: tokens at most."""

    number: int
    prompt: list[int]
    limit: int
    said: list[int] = field(default_factory=list)
    stopped: bool = False
    ended: bool = False
    draw: torch.Generator | None = None

    def drawing(self, job: Job) -> torch.Generator:
        """Random numbers of its own."""
        if self.draw is None:
            seed = job.how.seed * 1_000_003 + self.number if job.seeds is None else job.seeds[self.number]
            self.draw = torch.Generator(job.device).manual_seed(seed % 2**63)
        return self.draw

    def take(self, token: int, job: Job) -> None:
        """The next token."""
        self.ended = self.stopped = token in job.stop_ids
        if not self.ended:
            self.said.append(token)
        if job.on_token is not None and job.on_token(self.number, token):
            self.ended = True
        if self.stopped:
            return
        if job.has_stop(self.said) or (job.allowed is not None and not job.allowed(self.number, self.said)):
            self.ended = self.stopped = True
        self.ended = self.ended or len(self.said) >= self.limit


class Listening(StoppingCriteria):
    """Gives each row its next token, and leaves `generate` once half of the rows have ended."""

    def __init__(self, rows: Sequence[Row], job: Job) -> None:
        self.eos_token_id = job.stop_ids  # by this name `generate` knows that rows end one by one
        self._rows, self._job = rows, job

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Any:
        for row, token in zip(self._rows, input_ids[:, -1].tolist(), strict=True):
            if not row.ended:
                row.take(token, self._job)
        ended = [row.ended for row in self._rows]
        if 2 * sum(ended) >= len(ended):
            ended = [True] * len(ended)
        return torch.tensor(ended, device=input_ids.device)
