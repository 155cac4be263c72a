"""What a language model learns from plain text, and which of its tokenizer's tokens are special."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import ModelError
from luthier.language import t
from luthier.models.find import find_model

_GOES_ON = ("ForCausalLM", "LMHeadModel")
"""How the names of models end that predict the next token."""


@dataclass(frozen=True)
class SpecialIds:
    """before, after: what stands around a text. mask: -1 where there is none. stop: what ends a text. special: all."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    mask: int
    stop: tuple[int, ...]
    pad: int
    vocabulary: int
    special: tuple[int, ...]


def usual_objective(folder: Path) -> tuple[bool, str]:
    """Whether such a model learns by hidden tokens, and not by the next one; and why. Errors: ModelError for an
    encoder with a decoder."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    config = find_model(str(folder), weights=False).config
    kind = str(config["model_type"])
    if config.get("is_encoder_decoder"):
        what = t("is a {kind} model, an encoder with a decoder, which does not learn from text alone", kind=kind)
        raise ModelError.at(str(folder), what, t("task=seq2seq, with pairs of texts"), code="wrong-model")
    names = [str(name) for name in config.get("architectures") or ()]
    goes_on = bool(config.get("is_decoder")) or any(name.endswith(_GOES_ON) for name in names)
    if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not goes_on:
        return True, t("a {kind} model reads a text from both sides", kind=kind)
    return False, t("a {kind} model reads a text from its beginning", kind=kind)


def special_ids(folder: Path, *, masked: bool) -> SpecialIds:
    """Errors: ModelError for a tokenizer without the token that the objective needs."""
    from luthier.models.load import load_tokenizer

    loaded = load_tokenizer(folder)
    wrapped: Any = loaded.wrapped
    backend = loaded.backend
    backend.no_truncation()
    found = backend.encode("a")
    begun, ended = _around(found.special_tokens_mask)
    before, after = tuple(found.ids[:begun]), tuple(found.ids[len(found.ids) - ended :])
    end, mask = wrapped.eos_token_id, wrapped.mask_token_id
    if masked and mask is None:
        what, fix = t("its tokenizer has no token for what is hidden"), t("choose a model with a mask token")
        raise ModelError.at(str(folder), what, fix, code="bad-tokenizer")
    if not masked and end is None:
        what, fix = t("its tokenizer has no token that ends a text"), t("choose a model with an eos token")
        raise ModelError.at(str(folder), what, fix, code="bad-tokenizer")
    if not masked:
        before, after = (before or (int(end),))[-1:], (int(end),)
    special = {int(i) for i in wrapped.all_special_ids}
    special |= {i for i, token in backend.get_added_tokens_decoder().items() if token.special}
    return SpecialIds(
        before, after, -1 if mask is None else int(mask), () if end is None else (int(end),), loaded.pad_id,
        backend.get_vocab_size(with_added_tokens=True), tuple(sorted(special)),
    )  # fmt: skip


def _around(special: list[int]) -> tuple[int, int]:
    """How many tokens at the beginning are special, and how many at the end."""
    first = next((k for k, is_special in enumerate(special) if not is_special), 0)
    last = next((k for k, is_special in enumerate(reversed(special)) if not is_special), 0)
    return first, last
