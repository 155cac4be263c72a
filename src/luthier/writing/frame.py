"""What stands around an answer in a decoder: what it is given before the first word, and what it says after the last.

Each family of encoder-decoders has its own way (T5 begins with padding, BART with the end of a text and <s>, mBART
with a language), and both the tokenizer and the model have a part in it. Both are asked, so that no family is known
here by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import ConfigError, ModelError, did_you_mean
from luthier.language import t

_PROBE = "a"
_CODE = re.compile(r"[a-z]{2,3}_[A-Za-z]{2,4}")
_LONG_CODES = {
    "ar": "arb", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "fr": "fra", "he": "heb", "hi": "hin", "it": "ita",
    "ja": "jpn", "ko": "kor", "nl": "nld", "pl": "pol", "pt": "por", "ru": "rus", "th": "tha", "zh": "zho",
}  # fmt: skip
"""ISO 639-3, by which NLLB names languages."""


@dataclass(frozen=True)
class Frame:
    """opening: the decoder's input before the first word; the model is not asked for it. closing: what it has to say
    behind the last word. source: of a model of many languages the token that the tokenizer puts beside a source, and
    the one that belongs there; else nothing. pad: fills batches up."""

    opening: tuple[int, ...]
    closing: tuple[int, ...]
    pad: int
    source: tuple[int, ...] = ()


def answer_frame(folder: Path, languages: tuple[str, str] = ("", "")) -> Frame:
    """Of the model in a folder. languages: codes of source and target, "" where the model has but one way.
    Errors: ModelError for a model without a decoder that writes to what an encoder read."""
    import torch
    from transformers.models.auto.modeling_auto import AutoModelForSeq2SeqLM

    config, tokenizer = _config(folder), _tokenizer(folder)
    source: tuple[int, ...] = ()
    if languages[0]:
        source = tuple(tokenizer.convert_tokens_to_ids([tokenizer.src_lang, languages[0]]))
    if languages[1]:
        tokenizer.tgt_lang = languages[1]
    framed = tokenizer(text_target=_PROBE)["input_ids"]
    words = tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
    at = next(i for i in range(len(framed)) if framed[i : i + len(words)] == words)
    before, behind = framed[:at], framed[at + len(words) :]
    ends = _ids(config.eos_token_id) or _ids(tokenizer.eos_token_id)
    last = next((i for i, token in enumerate(behind) if token in ends), None)
    closing = ends[:1] if last is None else behind[: last + 1]
    if not closing:
        what, fix = t("names no token that ends a text"), t("set eos_token_id in its config.json")
        raise ModelError.at(str(folder), what, fix, code="no-end")
    with torch.device("meta"):  # without weights: only its rule for what the decoder is given
        model: Any = AutoModelForSeq2SeqLM.from_config(config)
    pad = _ids(tokenizer.pad_token_id) or closing[-1:]
    return Frame((_start(model, framed, folder), *before), tuple(closing), int(pad[0]), source)


def language_codes(folder: Path) -> list[str]:
    """Of a model of many languages, as it names them; nothing for any other model."""
    tokenizer = _tokenizer(folder)
    if not hasattr(tokenizer, "src_lang"):
        return []
    return sorted(token.content for token in tokenizer.added_tokens_decoder.values() if _CODE.fullmatch(token.content))


def code_of(language: str, known: Sequence[str], option: str) -> str:
    """The model's code for a language, given as such or in two letters. option: where the user can name one.
    Errors: ConfigError where the model knows no such language."""
    if language in known:
        return language
    if not known:
        what, fix = t("the model has no languages to choose among"), t("leave it out")
        raise ConfigError.at(f"task.{option}", what, fix, code="conflict")
    for begin in (language, _LONG_CODES.get(language, language)):
        for code in known:
            if code.partition("_")[0] == begin:
                return code
    what = t("the model knows no language '{language}'", language=language)
    raise ConfigError.at(f"task.{option}", what, did_you_mean(language, known), code="unknown-choice")


def _config(folder: Path) -> Any:
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING

    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    if type(config) not in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING:
        what = t("is a {kind}, which has no decoder that writes an answer to what an encoder read",
                 kind=config.model_type)  # fmt: skip
        fix = t("take an encoder-decoder such as T5, mT5, BART, mBART or Pegasus; for a decoder alone (GPT, Llama, "
                "Qwen) there is task=sft")  # fmt: skip
        raise ModelError.at(str(folder), what, fix, code="no-decoder")
    return config


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)


def _start(model: Any, labels: Sequence[int], folder: Path) -> int:
    """The decoder's first token. Where the model makes a decoder's input from an answer, as in training with
    transformers, it says; else its config does."""
    import torch

    if hasattr(model, "prepare_decoder_input_ids_from_labels"):
        try:
            return int(model.prepare_decoder_input_ids_from_labels(torch.tensor([labels]))[0, 0])
        except (ValueError, TypeError, RuntimeError):  # what it needs is not set; the same is said of both ways
            pass
    found = _ids(model.config.decoder_start_token_id)
    if not found:
        what = t("does not say with which token its decoder begins")
        raise ModelError.at(str(folder), what, t("set decoder_start_token_id in its config.json"), code="no-start")
    return found[0]


def _ids(value: Any) -> list[int]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]
