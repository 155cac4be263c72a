"""A language model writes: answers to many prompts at once, with transformers' generate underneath.

Rows that have come to their end leave the batch, so that the others do not wait for the longest; a row's answer does
not depend on which rows it shares a batch with, sampled ones included. What a model's folder says about generation
(some turn sampling on) is not followed, except for the tokens that a decoder begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from transformers.generation.logits_process import (
    LogitsProcessor,
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
)
from transformers.generation.stopping_criteria import StoppingCriteria, StoppingCriteriaList

from luthier.errors import ConfigError
from luthier.language import t
from luthier.writing.handed import (
    context,
    decoder_start,
    first_inputs,
    grown,
    has_encoder,
    learns_prompts,
    plain_habits,
    rest_of,
    room,
    settings,
)
from luthier.writing.modes import evaluating
from luthier.writing.next_token import Allowed, Allowing, Sampling
from luthier.writing.rows import Generation, Job, Listening, OnToken, Row

Said = tuple[list[int], bool]
"""The tokens without the one that ended them, and whether the model ended by itself or by a stop text."""
_TOKENS = 2**14
"""Of prompts and answers in one batch."""


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
    seeds: Sequence[int] | None = None,
    start_ids: Sequence[int] | None = None,
    max_tokens: int = _TOKENS,
) -> list[Said]:
    """For each prompt the tokens that the model goes on with, without the one of stop_ids that ends them.

    prompts: token ids; of an encoder-decoder the sources. allowed: from a row and what it said so far to the tokens
    that may come next; none end the row. decode: tokens to text, needed for how.stop: an answer ends with the token
    that completes one of these. limits: of each row, beside how.max_new_tokens. seeds: of each row, in the
    place of how.seed. start_ids: what a decoder begins with;
    None for what its folder says. A prompt that fills the model's context is answered by nothing, not stopped.
    """
    assert decode is not None or not how.stop  # a stop is a text
    most = [how.max_new_tokens] * len(prompts) if limits is None else [min(how.max_new_tokens, n) for n in limits]
    start = decoder_start(model) if start_ids is None else list(start_ids)
    rows = [
        Row(number, [int(i) for i in ids], min(limit, room(model, len(ids), len(start))))
        for number, (ids, limit) in enumerate(zip(prompts, most, strict=True))
    ]
    job = Job(how, tuple(stop_ids), pad_id, device, allowed, on_token, decode, start, seeds)
    fill = _way(model, how)
    with torch.inference_mode(), evaluating(model), plain_habits(model):
        for batch in _batches([row for row in rows if row.limit > 0], how, max_tokens):
            fill(model, batch, job)
    return [(row.said, row.stopped) for row in rows]


def _way(model: Any, how: Generation) -> Callable[[Any, list[Row], Job], None]:
    """Errors: ConfigError for beams where there is no memory."""
    if not learns_prompts(model):
        return _write_by_beams if how.num_beams > 1 else _write
    if how.num_beams > 1:
        what = t("is {value}, but a model tuned by learnt prompts writes without beams", value=how.num_beams)
        raise ConfigError.at("num_beams", what, t("use num_beams=1, or another tuning method"), code="bad-combination")
    return _write_without_memory


def _write(model: Any, rows: list[Row], job: Job) -> None:
    """Fills the rows in, greedily or by drawing. All of them are equally far at any time."""
    inputs = first_inputs(model, rows, job)
    while rows:
        out = _generate(model, inputs, rows, job, [Listening(rows, job)])
        going = [i for i, row in enumerate(rows) if not row.ended]
        rows = [rows[i] for i in going]
        if rows:
            inputs = rest_of(inputs, out, going) or first_inputs(model, rows, job)


def _write_without_memory(model: Any, rows: list[Row], job: Job) -> None:
    """As `_write`, for models before whose texts PEFT puts learnt states: the whole text is read anew for each token,
    without padding, because PEFT 0.21 loses count of these states in what `generate` of transformers 5 remembers."""
    for length in {len(row.prompt) for row in rows}:
        going = [row for row in rows if len(row.prompt) == length]
        while going:
            inputs = first_inputs(model, going, job)
            scores = model(**inputs, use_cache=False).logits[:, -1].float()
            change = LogitsProcessorList([*_penalties(job.how), *_processors(going, job, grown(inputs).shape[1])])
            tokens = change(grown(inputs), scores).argmax(-1)
            for row, token in zip(going, tokens.tolist(), strict=True):
                row.take(token, job)
            going = [row for row in going if not row.ended]


def _write_by_beams(model: Any, rows: list[Row], job: Job) -> None:
    """Fills the rows in by beam search, and ends each where it would have ended by itself."""
    inputs = first_inputs(model, rows, job)
    sequences = _generate(model, inputs, rows, job, []).sequences
    for row, tokens in zip(rows, sequences[:, grown(inputs).shape[1] :].tolist(), strict=True):
        for token in tokens:
            if not row.ended:
                row.take(token, job)


def _generate(
    model: Any, inputs: dict[str, Any], rows: Sequence[Row], job: Job, criteria: list[StoppingCriteria]
) -> Any:
    before = len(job.start_ids) if has_encoder(model) else max(len(row.prompt) for row in rows)
    span = min(max(row.limit for row in rows), context(model) - before) - len(rows[0].said)
    return model.generate(
        **inputs,
        generation_config=settings(job, span),
        logits_processor=_processors(rows, job, grown(inputs).shape[1]),
        stopping_criteria=StoppingCriteriaList(criteria),
    )


def _penalties(how: Generation) -> list[LogitsProcessor]:
    """What `generate` makes of its own settings."""
    found: list[LogitsProcessor] = []
    if how.repetition_penalty != 1:
        found.append(RepetitionPenaltyLogitsProcessor(how.repetition_penalty))
    if how.no_repeat_ngram_size > 0:
        found.append(NoRepeatNGramLogitsProcessor(how.no_repeat_ngram_size))
    return found


def _processors(rows: Sequence[Row], job: Job, length: int) -> LogitsProcessorList:
    """What changes the scores of the next token. length: of the ids so far."""
    how, found = job.how, LogitsProcessorList()
    if job.allowed is not None:
        begin = length - len(rows[0].said)
        found.append(Allowing(job.allowed, [row.number for row in rows], how.num_beams, begin))
    if how.temperature > 0:
        found.append(Sampling(how.temperature, how.top_k, how.top_p, [row.drawing(job) for row in rows]))
    return found


def _batches(rows: Sequence[Row], how: Generation, max_tokens: int) -> Iterator[list[Row]]:
    """Rows of nearly one length together, the longest first."""
    batch: list[Row] = []
    for row in sorted(rows, key=lambda row: (row.limit if how.num_beams > 1 else 0, -len(row.prompt), row.number)):
        alike = how.num_beams == 1 or (batch and batch[0].limit == row.limit)  # a beam cut short would be another
        longest = max(len(each.prompt) + each.limit for each in (*batch, row))
        if batch and (not alike or longest * (len(batch) + 1) * how.num_beams > max_tokens):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
