"""A tokenizer learnt from the user's own texts, and beside it, where asked for, a model that nobody has trained yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.config.schema import Settings
from luthier.errors import ConfigError, RunError, did_you_mean
from luthier.files import disk_trouble, whole_folder
from luthier.language import t
from luthier.making.special import BOTH, CAUSAL, MASKED, Special, put_around, special_tokens
from luthier.making.texts import Texts, open_texts
from luthier.making.untrained import Size, defaults_of, make_of, parameters_of, untrained_config
from luthier.making.vocabulary import KINDS, NEED_UNKNOWN
from luthier.progress import SILENT, Progress

if TYPE_CHECKING:
    from tokenizers import Tokenizer

VOCABULARY = 8000
_KIND = {CAUSAL: "bpe", MASKED: "wordpiece", BOTH: "unigram"}
"""What the first models of each make had; those that follow RoBERTa and BART have bytes, too."""
_EXAMPLES = 3
_SHOWN = 120


@dataclass(frozen=True)
class Asked:
    """kind: of tokenizer; None as the make has it. model: a type of transformers, such as llama; None for a tokenizer
    alone."""

    vocabulary: int = VOCABULARY
    kind: str | None = None
    model: str | None = None
    size: Size = field(default_factory=Size)


@dataclass(frozen=True)
class Made:
    """rows, characters: learnt from. held_*: kept aside to judge on. unknown: share of the held tokens that are.
    examples: pieces of texts. parameters: of the model, 0 without one."""

    folder: Path
    kind: str
    make: str
    vocabulary: int
    rows: int
    characters: int
    unusable: int
    held_rows: int
    held_characters: int
    held_tokens: int
    unknown: float
    examples: tuple[tuple[str, ...], ...]
    model: str | None = None
    parameters: int = 0

    @property
    def tokens_per_character(self) -> float:
        return self.held_tokens / max(1, self.held_characters)

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "folder": str(self.folder), "tokens_per_character": self.tokens_per_character}


def make_tokenizer(settings: Settings, folder: Path, asked: Asked, screen: Progress = SILENT) -> Made:
    """Writes the folder whole, or not at all. Errors: RunError for a folder that holds something, ConfigError,
    DataError."""
    _check_free(folder)
    make = CAUSAL if asked.model is None else make_of(asked.model)
    usual = None if asked.model is None else defaults_of(asked.model)
    kind = asked.kind or ("bpe" if _begins(make, usual) else _KIND[make])
    if kind not in KINDS:
        what = t("there is no {kind} '{name}'", kind=t("kind of tokenizer"), name=kind)
        raise ConfigError.at("--kind", what, did_you_mean(kind, KINDS), code="unknown-choice")
    special = special_tokens(make, usual, unknown=kind in NEED_UNKNOWN)
    ids = {f"{role}_id": special.tokens.index(token) for role, token in special.roles.items()}
    if asked.model is not None:
        untrained_config(asked.model, asked.size, ids, asked.vocabulary)  # refused before anything is learnt
    texts = open_texts(settings)
    with screen.track(t("learning the vocabulary"), 0):
        tokenizer = KINDS[kind](texts, asked.vocabulary, special)
    put_around(tokenizer, special)
    made = _judged(tokenizer, texts, special, Made(
        folder, kind, make, tokenizer.get_vocab_size(), texts.count, texts.characters, texts.unusable, len(texts.held),
        sum(map(len, texts.held)), 0, 0.0, (),
    ))  # fmt: skip
    config = None if asked.model is None else untrained_config(asked.model, asked.size, ids, made.vocabulary)
    if folder.is_dir():
        folder.rmdir()
    with disk_trouble(folder.parent), whole_folder(folder) as temporary:
        _write(temporary, tokenizer, special, asked.size.context, config)
    return made if config is None else replace(made, model=asked.model, parameters=parameters_of(config))


def _begins(make: str, usual: Any) -> bool:
    """Whether texts begin with a token of their own, as in RoBERTa and BART, whose tokenizers know every byte."""
    return make != CAUSAL and getattr(usual, "bos_token_id", None) is not None


def _check_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        fix = t("name another folder with --out, or remove it")
        raise RunError.at(str(folder), t("exists already"), fix, code="out-exists")


def _judged(tokenizer: Tokenizer, texts: Texts, special: Special, made: Made) -> Made:
    """With what the tokenizer makes of texts that it did not learn from; of a single text, of that one."""
    found = tokenizer.encode_batch(texts.held, add_special_tokens=False)
    tokens = sum(len(encoding.ids) for encoding in found)
    unknown = sum(encoding.tokens.count(special.unknown or "") for encoding in found)
    spread = [texts.held[k * len(texts.held) // _EXAMPLES] for k in range(min(_EXAMPLES, len(texts.held)))]
    examples = tuple(_pieces(tokenizer, text) for text in spread)
    return replace(made, held_tokens=tokens, unknown=unknown / max(1, tokens), examples=examples)


def _pieces(tokenizer: Tokenizer, text: str) -> tuple[str, ...]:
    """The beginning of a text, cut where its tokens are."""
    start = " ".join(text[: 2 * _SHOWN].split())[:_SHOWN]
    spans = tokenizer.encode(start, add_special_tokens=False).offsets
    return tuple(_cut(start, spans))


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    """The text in pieces. A character that is several tokens, as bytes are, is one piece."""
    ends = sorted({last for first, last in spans if last > first} | {len(text)})
    starts = [0, *ends[:-1]]
    return [text[first:last] for first, last in zip(starts, ends, strict=True) if last > first]


def _write(folder: Path, tokenizer: Tokenizer, special: Special, context: int, config: Any) -> None:
    from transformers import PreTrainedTokenizerFast
    from transformers.generation.configuration_utils import GenerationConfig

    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=context, clean_up_tokenization_spaces=False, **special.roles
    )
    if special.more:
        wrapped.add_special_tokens({"additional_special_tokens": list(special.more)})
    if special.chat:
        wrapped.chat_template = special.chat
    wrapped.save_pretrained(str(folder))
    if config is None:
        return
    config.save_pretrained(str(folder))
    if make_of(config.model_type) == MASKED:
        return
    ids = {name: getattr(config, name, None) for name in ("bos_token_id", "pad_token_id", "decoder_start_token_id")}
    ends: Any = config.eos_token_id
    if special.chat:
        ends = [ends, tokenizer.token_to_id("<|im_end|>")]
    GenerationConfig(eos_token_id=ends, **{k: v for k, v in ids.items() if v is not None}).save_pretrained(str(folder))
