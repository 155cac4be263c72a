"""How a vocabulary is learnt from texts. A public function here is a kind of tokenizer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from luthier.errors import ConfigError
from luthier.language import t
from luthier.making.special import Special

_BYTES = [f"<0x{number:02X}>" for number in range(256)]
_RARE = -30.0
"""The logarithm of how likely a byte is, beside pieces of words: bytes spell what no piece does."""
_LONGEST = 16
"""Characters of a piece."""
_ALPHABET = 0.9
"""Of a vocabulary of word pieces so much may be single characters; Chinese needs thousands."""

Learn = Callable[[Iterable[str], int, Special], Tokenizer]


def bpe(texts: Iterable[str], size: int, special: Special) -> Tokenizer:
    """Pairs of bytes that stand together often become one (Sennrich et al. 2016; on bytes Radford et al. 2019): any
    text can be written, and is read back as it was. Each digit is a token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    _check_size(size, len(alphabet) + len(special.tokens))
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special.tokens, initial_alphabet=alphabet, show_progress=False,
        max_token_length=_LONGEST,
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def wordpiece(texts: Iterable[str], size: int, special: Special) -> Tokenizer:
    """Whole words and their beginnings, and what goes on, marked with ## (BERT, Devlin et al. 2019); each Chinese
    character by itself. Capitals and accents stay. What is in no piece is unknown."""
    assert special.unknown is not None
    tokenizer = Tokenizer(models.WordPiece(unk_token=special.unknown))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    _check_size(size, len(special.tokens) + 2)
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=special.tokens, limit_alphabet=int(size * _ALPHABET), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def unigram(texts: Iterable[str], size: int, special: Special) -> Tokenizer:
    """The pieces under which the texts are likeliest (Kudo 2018), as in T5; bytes for what no piece spells."""
    assert special.unknown is not None
    tokens, unknown = special.tokens, special.unknown
    fixed = len(tokens) + len(_BYTES)
    _check_size(size, fixed + 1)
    learnt = Tokenizer(models.Unigram())
    learnt.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=size - fixed + 1, special_tokens=[unknown], unk_token=unknown, max_piece_length=_LONGEST,
        show_progress=False,
    )  # fmt: skip
    try:
        learnt.train_from_iterator(texts, trainer)
    except Exception as error:  # the library raises nothing else
        what = t("is {size}: {reason}", size=size, reason=str(error)[:200])
        fix = t("use a larger one, or --kind bpe, which spells rare characters in bytes")
        raise ConfigError.at("--vocabulary", what, fix, code="out-of-range") from None
    pieces = [(piece, score) for piece, score in _pieces(learnt) if piece not in tokens]
    whole = [(token, 0.0) for token in tokens] + [(byte, _RARE) for byte in _BYTES] + pieces
    tokenizer = Tokenizer(models.Unigram(whole, tokens.index(unknown), byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    _add_special(tokenizer, tokens)
    return tokenizer


def characters(texts: Iterable[str], size: int, special: Special) -> Tokenizer:
    """The commonest characters, each a token; bytes for the others. For verse and for very small models."""
    fixed = [*special.tokens, *_BYTES]
    _check_size(size, len(fixed) + 1)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    common = sorted(counts, key=lambda character: (-counts[character], character))[: size - len(fixed)]
    vocabulary = {token: number for number, token in enumerate([*fixed, *common])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], byte_fallback=True, unk_token=special.unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    _add_special(tokenizer, special.tokens)
    return tokenizer


NEED_UNKNOWN = {"wordpiece", "unigram"}
"""Kinds whose models must have a token for what is unknown."""
KINDS: Mapping[str, Learn] = {"bpe": bpe, "wordpiece": wordpiece, "unigram": unigram, "characters": characters}


def _pieces(tokenizer: Tokenizer) -> list[tuple[str, float]]:
    return [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]


def _add_special(tokenizer: Tokenizer, tokens: list[str]) -> None:
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in tokens])


def _check_size(size: int, least: int) -> None:
    """Errors: ConfigError for a vocabulary that has not even room for what it must have."""
    if size < least:
        what = t("is {size}; single bytes and special tokens alone need {least}", size=size, least=least)
        raise ConfigError.at("--vocabulary", what, t("use {least} or more", least=2 * least), code="out-of-range")
