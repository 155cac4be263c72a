"""A language model writes: answers to many prompts at once, with transformers' generate underneath.

Rows that have come to their end leave the batch, so that the others do not wait for the longest; a row's answer does
not depend on which rows it shares a batch with, sampled ones included. What a model's folder says about generation
(some turn sampling on) is not followed, except for the tokens that a decoder begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.generation import GenerationConfig, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from luthier.writing.modes import evaluating
from luthier.writing.next_token import Allowed, Allowing, Sampling

OnToken = Callable[[int, int], "bool | None"]
"""Is told a row and its next token; True ends the row there."""
Said = tuple[list[int], bool]
"""The tokens without the one that ended them, and whether the model ended by itself or by a stop text."""
_TOKENS = 2**14
"""Of prompts and answers in one batch."""


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


def write(
    model: Any,
    prompts: Sequence[np.ndarray | Sequence[int]],
    how: Generation,
    *,
    stop_ids: Sequence[int],
    pad_id: int,
    device: str = "cpu",
    allowed: Allowed | None = None,
    on_token: OnToken | None = None,
    decode: Callable[[Sequence[int]], str] | None = None,
    limits: Sequence[int] | None = None,
    start_ids: Sequence[int] | None = None,
    max_tokens: int = _TOKENS,
) -> list[Said]:
    """For each prompt the tokens that the model goes on with, without the one of stop_ids that ends them.

    prompts: token ids; of an encoder-decoder the sources. allowed: from a row and what it said so far to the tokens
    that may come next; none end the row. decode: tokens to text, needed for how.stop: an answer ends with the token
    that completes one of these. limits: of each row, beside how.max_new_tokens. start_ids: what a decoder begins with;
    None for what its folder says. A prompt that fills the model's context is answered by nothing, not stopped.
    """
    assert decode is not None or not how.stop  # a stop is a text
    most = [how.max_new_tokens] * len(prompts) if limits is None else [min(how.max_new_tokens, n) for n in limits]
    start = decoder_start(model) if start_ids is None else list(start_ids)
    rows = [
        _Row(number, [int(i) for i in ids], min(limit, _room(model, len(ids), len(start))))
        for number, (ids, limit) in enumerate(zip(prompts, most, strict=True))
    ]
    job = _Job(how, tuple(stop_ids), pad_id, device, allowed, on_token, decode, start)
    fill = _write_by_beams if how.num_beams > 1 else _write
    with torch.inference_mode(), evaluating(model), _plain_config(model):
        for batch in _batches([row for row in rows if row.limit > 0], how, max_tokens):
            fill(model, batch, job)
    return [(row.said, row.stopped) for row in rows]


@dataclass
class _Row:
    """A prompt and what was said to it. limit: tokens at most."""

    number: int
    prompt: list[int]
    limit: int
    said: list[int] = field(default_factory=list)
    stopped: bool = False
    ended: bool = False
    draw: torch.Generator | None = None

    def drawing(self, job: _Job) -> torch.Generator:
        """Random numbers of its own."""
        if self.draw is None:
            self.draw = torch.Generator(job.device).manual_seed((job.how.seed * 1_000_003 + self.number) % 2**63)
        return self.draw

    def take(self, token: int, job: _Job) -> None:
        """The next token."""
        if token in job.stop_ids:
            self.ended = self.stopped = True
            return
        self.said.append(token)
        if job.on_token is not None and job.on_token(self.number, token):
            self.ended = True
        if job.has_stop(self.said) or (job.allowed is not None and not job.allowed(self.number, self.said)):
            self.ended = self.stopped = True
        self.ended = self.ended or len(self.said) >= self.limit


@dataclass(frozen=True)
class _Job:
    how: Generation
    stop_ids: tuple[int, ...]
    pad_id: int
    device: str
    allowed: Allowed | None
    on_token: OnToken | None
    decode: Callable[[Sequence[int]], str] | None
    start_ids: Sequence[int]

    def has_stop(self, said: Sequence[int]) -> bool:
        """Whether the last token completed a stop text."""
        if not self.how.stop or self.decode is None:
            return False
        longest = max(len(stop.encode()) for stop in self.how.stop)
        tail = self.decode(said[-(longest + 8) :])  # a token stands for a byte at least, but for special ones
        return any(stop in tail for stop in self.how.stop)


class _Listening(StoppingCriteria):
    """Gives each row its next token, and leaves `generate` once half of the rows have ended."""

    def __init__(self, rows: Sequence[_Row], job: _Job, may_leave: bool) -> None:
        self.eos_token_id = job.stop_ids  # by this name `generate` knows that rows end one by one
        self._rows, self._job, self._may_leave = rows, job, may_leave

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        for row, token in zip(self._rows, input_ids[:, -1].tolist(), strict=True):
            if not row.ended:
                row.take(token, self._job)
        ended = [row.ended for row in self._rows]
        if self._may_leave and 2 * sum(ended) >= len(ended):
            ended = [True] * len(ended)
        return torch.tensor(ended, device=input_ids.device)


def _write(model: Any, rows: list[_Row], job: _Job) -> None:
    """Fills the rows in, greedily or by drawing. All of them are equally far at any time."""
    inputs = _inputs(model, rows, job)
    keeps = not _learns_prompts(model)
    while rows:
        listening = _Listening(rows, job, may_leave=keeps)
        out = _generate(model, inputs, rows, job, [listening])
        going = [i for i, row in enumerate(rows) if not row.ended]
        rows = [rows[i] for i in going]
        if rows:
            inputs = _rest(inputs, out, going) if keeps else _inputs(model, rows, job)


def _write_by_beams(model: Any, rows: list[_Row], job: _Job) -> None:
    """Fills the rows in by beam search, and ends each where it would have ended by itself."""
    inputs = _inputs(model, rows, job)
    sequences = _generate(model, inputs, rows, job, []).sequences
    for row, tokens in zip(rows, sequences[:, _ids(inputs).shape[1] :].tolist(), strict=True):
        for token in tokens:
            if not row.ended:
                row.take(token, job)


def _generate(
    model: Any, inputs: dict[str, Any], rows: Sequence[_Row], job: _Job, criteria: list[StoppingCriteria]
) -> Any:
    how, begin = job.how, _ids(inputs).shape[1] - len(rows[0].said)
    processors = LogitsProcessorList()
    if job.allowed is not None:
        processors.append(Allowing(job.allowed, [row.number for row in rows], how.num_beams, begin))
    if how.temperature > 0:
        draws = [row.drawing(job) for row in rows]
        processors.append(Sampling(how.temperature, how.top_k, how.top_p, draws))
    before = len(job.start_ids) if _has_encoder(model) else max(len(row.prompt) for row in rows)
    span = min(max(row.limit for row in rows), _context(model) - before) - len(rows[0].said)
    return model.generate(
        **inputs,
        generation_config=_config(job, span),
        logits_processor=processors,
        stopping_criteria=StoppingCriteriaList(criteria),
    )


def _inputs(model: Any, rows: Sequence[_Row], job: _Job) -> dict[str, Any]:
    """For `generate`: sources padded on the right; what a decoder goes on with on the left."""
    with_encoder = _has_encoder(model)
    texts = [row.prompt if with_encoder else [*row.prompt, *row.said] for row in rows]
    width = max(len(ids) for ids in texts)
    ids_BT = torch.full((len(rows), width), job.pad_id)
    mask_BT = torch.zeros_like(ids_BT)
    for i, ids in enumerate(texts):
        place = slice(0, len(ids)) if with_encoder else slice(width - len(ids), width)
        ids_BT[i, place], mask_BT[i, place] = torch.tensor(ids), 1
    inputs: dict[str, Any] = {"input_ids": ids_BT.to(job.device), "attention_mask": mask_BT.to(job.device)}
    if with_encoder:
        begun = [[*job.start_ids, *row.said] for row in rows]
        inputs["decoder_input_ids"] = torch.tensor(begun, device=job.device)
        if not _learns_prompts(model):  # else the prompts come before what the encoder is given
            encode = _base(model).get_encoder()
            inputs["encoder_outputs"] = encode(inputs.pop("input_ids"), attention_mask=inputs["attention_mask"])
    return inputs


def _rest(inputs: dict[str, Any], out: Any, going: Sequence[int]) -> dict[str, Any]:
    """The same for the rows that go on, with what the model keeps of what it has read."""
    rows = torch.tensor(going, device=out.sequences.device)
    out.cache.batch_select_indices(rows)
    mask = inputs["attention_mask"][rows]
    if "decoder_input_ids" in inputs:
        states = inputs["encoder_outputs"].last_hidden_state[rows]
        return {"attention_mask": mask, "decoder_input_ids": out.sequences[rows], "cache": out.cache,
                "encoder_outputs": type(inputs["encoder_outputs"])(last_hidden_state=states)}  # fmt: skip
    new = out.sequences.shape[1] - mask.shape[1]
    mask = torch.cat([mask, mask.new_ones(len(rows), new)], 1)
    return {"input_ids": out.sequences[rows], "attention_mask": mask, "cache": out.cache}


def _ids(inputs: dict[str, Any]) -> Tensor:
    """What `generate` adds tokens to."""
    return inputs["decoder_input_ids"] if "decoder_input_ids" in inputs else inputs["input_ids"]


def _batches(rows: Sequence[_Row], how: Generation, max_tokens: int) -> Iterator[list[_Row]]:
    """Rows of nearly one length together, the longest first."""
    batch: list[_Row] = []
    for row in sorted(rows, key=lambda row: (row.limit if how.num_beams > 1 else 0, -len(row.prompt), row.number)):
        alike = how.num_beams == 1 or (batch and batch[0].limit == row.limit)  # a beam cut short would be another
        longest = max(len(each.prompt) + each.limit for each in (*batch, row))
        if batch and (not alike or longest * (len(batch) + 1) * how.num_beams > max_tokens):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _config(job: _Job, span: int) -> GenerationConfig:
    how = job.how
    return GenerationConfig(
        max_new_tokens=span,
        do_sample=False,  # `Sampling` draws
        num_beams=how.num_beams,
        repetition_penalty=how.repetition_penalty,
        no_repeat_ngram_size=how.no_repeat_ngram_size,
        use_cache=True,
        return_dict_in_generate=True,
        pad_token_id=job.pad_id,
        eos_token_id=list(job.stop_ids) or None,
        decoder_start_token_id=job.start_ids[0] if job.start_ids else None,
    )


@contextmanager
def _plain_config(model: Any) -> Iterator[None]:
    """Inside the block the model has no habits of generation: `generate` would fill our settings up with them."""
    holders = [part for part in {id(m): m for m in (model, _base(model))}.values() if "generation_config" in vars(part)]
    habits = [part.generation_config for part in holders]
    for part in holders:
        part.generation_config = GenerationConfig()
    try:
        yield
    finally:
        for part, own in zip(holders, habits, strict=True):
            part.generation_config = own


def decoder_start(model: Any) -> list[int]:
    """What an encoder-decoder's folder says that answers begin with: a token, and for some a language after it.
    Empty for other models."""
    if not _has_encoder(model):
        return []
    habits, config = _base(model).generation_config, _base(model).config
    first: Any = habits.decoder_start_token_id
    for name in ("decoder_start_token_id", "bos_token_id", "pad_token_id"):
        first = getattr(config, name, None) if first is None else first
    forced = habits.forced_bos_token_id
    return [first] if forced is None else [first, forced]


def _base(model: Any) -> Any:
    """The transformers model inside PEFT's wrapper."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _has_encoder(model: Any) -> bool:
    return bool(_base(model).config.is_encoder_decoder)


def _learns_prompts(model: Any) -> bool:
    """Whether PEFT puts learnt states before each text, so that what was read cannot be handed on."""
    return bool(getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False))


def _room(model: Any, prompt: int, start: int) -> int:
    """Tokens that an answer can have."""
    whole = _context(model)
    if _has_encoder(model):
        return whole - start if prompt <= whole else 0
    return whole - prompt


def _context(model: Any) -> int:
    """Tokens that the model's text may have, with the answer; a great number where nothing says so."""
    said = getattr(_base(model).config.get_text_config(decoder=True), "max_position_embeddings", None)
    return said if isinstance(said, int) and said > 0 else 2**30
