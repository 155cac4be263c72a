"""What does the model's tokenizer make of the texts: is the end cut off, are words unknown to it?"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from luthier.data.findings import ERROR, WARNING
from luthier.doctor.check import Check, Context
from luthier.doctor.gathered import Gathered, Sampled
from luthier.errors import shown
from luthier.language import t
from luthier.text.scripts import main_language
from luthier.types import Finding

_BUDGET = 8_000_000
"""Characters to tokenise without deep: some three seconds on one core."""
_LONGEST = 100_000
"""Characters of one text; the tokens of the rest are reckoned from these."""
_LEAST_CUT = 0.01
"""Share of rows cut, or of tokens lost, below which a cut end is no loss."""
_LEAST_UNKNOWN = 0.01
_UNKNOWN_NAMES = ("[UNK]", "<unk>", "<UNK>")
_BATCH = 1000
_MOST_DRAWN = 10_000


class Tokens(Check):
    """truncation, answer-truncation, unknown-token. Asked only where a tokenizer is known. The tokens that a chat
    template adds are not counted. Where answers are places in the text, a long one is read in windows and not cut."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._facts: dict[str, Any] = {}

    def findings(self, data: Gathered) -> Iterable[Finding]:
        tokenizer, most = self.context.tokenizer, self.context.max_length
        if tokenizer is None:
            return
        rows = data.sample.rows if self.context.deep else _within(data.sample.rows)
        texts = _read_texts(data, rows)
        lengths, unknown = counted_tokens(tokenizer, texts)
        drawn = lengths[:: max(1, len(lengths) // _MOST_DRAWN)]
        self._facts = {"tokens": {"lengths": drawn.tolist(), "limit": most}}
        if most is not None and not self.context.format.answers_are_places:
            yield from _truncation(data, rows, lengths, most)
            if not self.context.format.answers_apart:
                over = [row for row, length in zip(rows, lengths, strict=True) if length > most]
                yield from _lost_answers(data, tokenizer, over, most)
        yield from _unknown(data, tokenizer, rows, unknown, lengths)

    def facts(self) -> dict[str, Any]:
        return self._facts


def _truncation(data: Gathered, rows: Sequence[Sampled], lengths: np.ndarray, most: int) -> Iterator[Finding]:
    over = lengths > most
    lost = float((lengths - most)[over].sum() / lengths.sum())
    if max(over.mean(), lost) < _LEAST_CUT:
        return
    order = np.argsort(-lengths, kind="stable")[: int(over.sum())]
    what = t("{share:.1%} of the texts are longer than the {most} tokens that the model takes, the longest "
             "{longest:,}; {lost:.1%} of all tokens are cut off",
             share=over.mean(), most=most, longest=int(lengths.max()), lost=lost)  # fmt: skip
    fix = t("cut long texts into passages, or take a model that reads more; does the answer depend on the end?")
    yield Finding(WARNING, "truncation", what + _of_sample(data, rows), fix, _places(data, rows, order))


def _lost_answers(data: Gathered, tokenizer: Tokenizer, rows: Sequence[Sampled], most: int) -> Iterator[Finding]:
    """rows: those that are cut. What is to be learnt lies behind the cut."""
    layout = data.format
    parts = cut = 0
    without: list[int] = []
    for row in rows:
        spans = layout.answer_spans(row.example.input, row.example.answer)
        if spans:
            end = _read_up_to(tokenizer, row.text, most)
            lost = sum(span[1] > end for span in spans)
            parts, cut = parts + len(spans), cut + lost
            if all(span[0] >= end for span in spans):
                without.append(row.number)
    if without and layout.answer_text(rows[0].example.answer):
        what = t("{count} rows have their whole answer behind the {most} tokens that the model reads: nothing is "
                 "learnt from them", count=len(without), most=most)  # fmt: skip
        fix = t("shorten what stands before the answer, raise train.max_length, or take a model that reads more")
        yield Finding(ERROR, "answer-truncation", what, fix, data.places(without))
    elif cut:
        what = t("{cut} of the {parts} answers in texts that are cut lie behind the {most} tokens that the model reads",
                 cut=cut, parts=parts, most=most)  # fmt: skip
        fix = t("cut long texts into passages of their own, or take a model that reads more")
        yield Finding(WARNING, "answer-truncation", what, fix, data.places(without or [row.number for row in rows]))


def _read_up_to(tokenizer: Tokenizer, text: str, most: int) -> int:
    """The character of the text at which a model stops that reads this many tokens."""
    offsets = tokenizer.encode(text[:_LONGEST], add_special_tokens=False).offsets
    kept = max(1, most - tokenizer.num_special_tokens_to_add(is_pair=False))
    return offsets[kept - 1][1] if len(offsets) > kept else len(text)


def _read_texts(data: Gathered, rows: Sequence[Sampled]) -> list[str]:
    """What is read as one sequence. Of an answer that is read apart the longer of both."""
    if not data.format.answers_apart:
        return [row.text for row in rows]
    both = ((data.format.plain_text(row.example.input), data.format.answer_text(row.example.answer)) for row in rows)
    return [max(pair, key=len) for pair in both]


def _unknown(
    data: Gathered, tokenizer: Tokenizer, rows: Sequence[Sampled], unknown: np.ndarray, lengths: np.ndarray
) -> Iterator[Finding]:
    share = float(unknown.sum() / max(1, lengths.sum()))
    if share < _LEAST_UNKNOWN:
        return
    order = np.argsort(-unknown / lengths, kind="stable")[: int((unknown > 0).sum())]
    words = ", ".join(shown(word, 12) for word in _unknown_words(tokenizer, [rows[i] for i in order[:200]]))
    what = t("{share:.1%} of all tokens are unknown to the model's tokenizer ({words} …), in {count} texts",
             share=share, words=words, count=len(order))  # fmt: skip
    language = main_language(rows[i].text for i in order)[0]
    fix = {
        "en": t("are these words or broken characters? clean them, or take a model with a byte-level tokenizer"),
        "zh": t("the texts are Chinese: take a Chinese model, such as --model hfl/chinese-macbert-base"),
    }.get(language, t("take a model of the texts' language or of many, such as --model intfloat/multilingual-e5-small"))
    yield Finding(WARNING, "unknown-token", what + _of_sample(data, rows), fix, _places(data, rows, order))


def _within(rows: Sequence[Sampled]) -> Sequence[Sampled]:
    """Every k-th row, so that their characters keep to the budget."""
    characters = sum(min(len(row.text), _LONGEST) for row in rows)
    return rows[:: max(1, -(-characters // _BUDGET))]


def counted_tokens(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Of each text its tokens, special ones included, and how many of them are unknown. int64 [N] each."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    unknown_id = _unknown_id(tokenizer)
    lengths, unknown = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64)
    for start in range(0, len(texts), _BATCH):
        some = texts[start : start + _BATCH]
        encodings = tokenizer.encode_batch_fast([text[:_LONGEST] for text in some])
        for i, (text, encoding) in enumerate(zip(some, encodings, strict=True), start):
            scale = max(1.0, len(text) / _LONGEST)
            lengths[i] = round(len(encoding.ids) * scale)
            unknown[i] = round(encoding.ids.count(unknown_id) * scale)
    return lengths, unknown


def _unknown_id(tokenizer: Tokenizer) -> int:
    """-1 where it has none, as a tokenizer of bytes."""
    names = (getattr(tokenizer.model, "unk_token", None), *_UNKNOWN_NAMES)
    ids = (tokenizer.token_to_id(name) for name in names if name)
    return next((i for i in ids if i is not None), -1)


def _unknown_words(tokenizer: Tokenizer, rows: Sequence[Sampled]) -> list[str]:
    """The commonest."""
    unknown_id, words = _unknown_id(tokenizer), Counter[str]()
    texts = [row.text[:_LONGEST] for row in rows]
    for text, encoding in zip(texts, tokenizer.encode_batch(texts), strict=True):
        pairs = zip(encoding.ids, encoding.offsets, strict=True)
        words.update(text[start:end] for id, (start, end) in pairs if id == unknown_id)
    return [word for word, _ in itertools.islice(words.most_common(), 5)]


def _places(data: Gathered, rows: Sequence[Sampled], order: np.ndarray) -> Any:
    return data.places(np.array([rows[i].number for i in order], np.int64), data.text_column)


def _of_sample(data: Gathered, rows: Sequence[Sampled]) -> str:
    return "" if len(rows) == len(data) else t(" (of a sample of {rows:,} texts)", rows=len(rows))
