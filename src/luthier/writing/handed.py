"""What `generate` of transformers is given for some rows, and what of it can be handed on to those that go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812
from transformers.cache_utils import Cache
from transformers.generation.configuration_utils import GenerationConfig

from luthier.models.head import unwrapped
from luthier.writing.rows import Job, Row


def first_inputs(model: Any, rows: Sequence[Row], job: Job) -> dict[str, Any]:
    """For `generate`: sources padded on the right; what a decoder goes on with on the left."""
    with_encoder = has_encoder(model)
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
        if not learns_prompts(model):  # else its states come before what the encoder is given
            encode = unwrapped(model).get_encoder()
            inputs["encoder_outputs"] = encode(inputs.pop("input_ids"), attention_mask=inputs["attention_mask"])
    return inputs


def rest_of(inputs: dict[str, Any], out: Any, going: Sequence[int]) -> dict[str, Any] | None:
    """The same for the rows that go on, with what the model keeps of what it has read; None for a model whose memory
    cannot be handed on: it reads its rows once more."""
    cache = getattr(out, "cache", None)
    if not isinstance(cache, Cache) or all(cache.is_linear):  # `generate` could not tell what of the text is new
        return None
    rows: Any = torch.tensor(going, device=out.sequences.device)
    cache.reorder_cache(rows)  # every kind of cache can choose rows by this name
    kept = {"cache": cache, "attention_mask": inputs["attention_mask"][rows]}
    ids_BT = out.sequences[rows]
    if "decoder_input_ids" in inputs:
        states = type(inputs["encoder_outputs"])(last_hidden_state=inputs["encoder_outputs"].last_hidden_state[rows])
        mask = torch.ones_like(ids_BT)  # without it `generate` takes all of them for new
        return {**kept, "encoder_outputs": states, "decoder_input_ids": ids_BT, "decoder_attention_mask": mask}
    new = ids_BT.shape[1] - kept["attention_mask"].shape[1]
    kept["attention_mask"] = F.pad(kept["attention_mask"], (0, new), value=1)
    return {**kept, "input_ids": ids_BT}


def grown(inputs: dict[str, Any]) -> Any:
    """What `generate` adds tokens to."""
    return inputs["decoder_input_ids"] if "decoder_input_ids" in inputs else inputs["input_ids"]


def settings(job: Job, span: int) -> GenerationConfig:
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
def plain_habits(model: Any) -> Iterator[None]:
    """Inside the block the model has no habits of generation: `generate` would fill our settings up with them."""
    holders = [
        part for part in {id(m): m for m in (model, unwrapped(model))}.values() if "generation_config" in vars(part)
    ]
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
    if not has_encoder(model):
        return []
    habits, config = unwrapped(model).generation_config, unwrapped(model).config
    first: Any = habits.decoder_start_token_id
    for name in ("decoder_start_token_id", "bos_token_id", "pad_token_id"):
        first = getattr(config, name, None) if first is None else first
    forced = habits.forced_bos_token_id
    return [first] if forced is None else [first, forced]


def has_encoder(model: Any) -> bool:
    return bool(unwrapped(model).config.is_encoder_decoder)


def learns_prompts(model: Any) -> bool:
    """Whether PEFT puts learnt states before each text, so that nothing that was read is handed on."""
    return bool(getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False))


def room(model: Any, prompt: int, start: int) -> int:
    """Tokens that an answer can have."""
    whole = context(model)
    if has_encoder(model):
        return whole - start if prompt <= whole else 0
    return whole - prompt if prompt else 0


def context(model: Any) -> int:
    """Tokens that the model's text may have, with the answer; a great number where nothing says so."""
    said = getattr(unwrapped(model).config.get_text_config(decoder=True), "max_position_embeddings", None)
    return said if isinstance(said, int) and said > 0 else 2**30
