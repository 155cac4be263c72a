"""The words of an input, and the tokens by which the model reads each of them.

Words are counted in the user's own text; what a token stands for is known in the text as it was read, which may have
been cleaned. A script without spaces has a word for each character, and characters that one token holds are one word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from luthier.codec import Codec
from luthier.formats.cells.moved import moved
from luthier.text.words import units
from luthier.types import IDS, Window

_LEAST_FOUND = 0.5
"""Share of a text's tokens that must stand in a window, one after another, to be taken for it; of a long text eight."""
_FEW = 8


@dataclass(frozen=True, eq=False)
class Word:
    """text: the number of the input's text that it stands in. start, end: in characters of that text as the user wrote
    it. lead: white space before it. tokens: of each of the claim's windows the positions of its tokens."""

    text: int
    start: int
    end: int
    lead: int = 0
    tokens: tuple[tuple[int, ...], ...] = field(default=())

    @property
    def is_read(self) -> bool:
        """Whether the model saw it: what does not fit is not."""
        return any(self.tokens)


def texts_of(codec: Codec, input: Any) -> list[str]:
    """The texts of an input, in the order in which its format goes through them."""
    found: list[str] = []

    def keep(text: str) -> str:
        found.append(text)
        return text

    codec.task.mapped(input, keep)
    return found


def with_texts(codec: Codec, input: Any, texts: Sequence[str]) -> Any:
    """The input with other texts in their places."""
    given: Iterator[str] = iter(texts)
    return codec.task.mapped(input, lambda _: next(given))


def words_of(codec: Codec, written: Any, read: Any, windows: Sequence[Window]) -> list[Word]:
    """In the order of the texts. windows: of what was read."""
    texts, as_read = texts_of(codec, written), texts_of(codec, read)
    places = [_token_places(window, as_read, codec.text.tokenizer) for window in windows]
    found: list[Word] = []
    for number, (text, seen) in enumerate(zip(texts, as_read, strict=True)):
        spans = [[(position, start, end) for position, t, start, end in own if t == number] for own in places]
        back = [
            [(position, *span) for (position, _, _), span in
             zip(own, moved([(s, e) for _, s, e in own], seen, text), strict=True)]
            for own in spans
        ]  # fmt: skip
        found += _words(text, number, back)
    return found


def _words(text: str, number: int, places: Sequence[Sequence[tuple[int, int, int]]]) -> list[Word]:
    """places: of each window (position, start, end) of the tokens of this text, in characters."""
    edges = [0]
    for unit in units(text):
        edges.append(edges[-1] + len(unit))
    tokens = [(start, end) for own in places for _, start, end in own if start < end]
    edges = _unbroken(text, edges, tokens)
    word_of = np.searchsorted(edges, np.arange(len(text) + 1), side="right") - 1
    held: list[list[list[int]]] = [[[] for _ in places] for _ in edges[1:]]
    for window, own in enumerate(places):
        for position, start, end in own:
            first = start + _blank(text[start:end])
            at = int(word_of[min(first, max(start, end - 1))])
            if start < end and at < len(held):
                held[at][window].append(position)
    return [
        Word(number, start + (lead := _blank(text[start:end])), end, lead, tuple(map(tuple, own)))
        for start, end, own in zip(edges, edges[1:], held, strict=False)
    ]  # fmt: skip


def _unbroken(text: str, edges: Sequence[int], tokens: Sequence[tuple[int, int]]) -> list[int]:
    """The edges of words without those that lie within a token."""
    inner = np.zeros(len(text) + 2, np.int64)
    for start, end in tokens:
        first = start + _blank(text[start:end])
        if first + 1 < end:
            inner[first + 1] += 1
            inner[end] -= 1
    within = inner.cumsum() > 0
    return [edge for edge in edges if edge in (0, edges[-1]) or not within[edge]]


def _blank(text: str) -> int:
    """Characters of white space at its beginning."""
    return len(text) - len(text.lstrip())


def _token_places(window: Window, texts: Sequence[str], tokenizer: Tokenizer) -> list[tuple[int, int, int, int]]:
    """(position, text, start, end) of the window's tokens that stand for a piece of a text. Where the window tells the
    places of its tokens itself, they lie in the last text."""
    name = next(name for name in window.arrays if name.endswith(IDS))
    ids = window.arrays[name].tolist()
    found: list[tuple[int, int, int, int]] = []
    last = len(ids)
    if window.spans is not None and (window.spans[:, 1] > window.spans[:, 0]).any():
        at = np.flatnonzero(window.spans[:, 1] > window.spans[:, 0])
        found = [(int(i), len(texts) - 1, int(window.spans[i, 0]), int(window.spans[i, 1])) for i in at]
        texts, last = texts[:-1], int(at[0])
    tokenizer.no_truncation()
    begin = 0
    for number, text in enumerate(texts):
        encoding = tokenizer.encode(text, add_special_tokens=False)
        pairs = _matched(ids[begin:last], encoding.ids)
        if pairs:
            found += [(begin + i, number, *encoding.offsets[j]) for i, j in pairs]
            begin += pairs[-1][0] + 1
    return sorted(found)


def _matched(ids: Sequence[int], wanted: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of equal tokens, in order, of a text within what was made of it: at its edges tokens may have been joined
    with others, and its beginning or its end may be cut off."""
    blocks = SequenceMatcher(None, ids, wanted, autojunk=False).get_matching_blocks()
    pairs = [(block.a + k, block.b + k) for block in blocks for k in range(block.size)]
    return pairs if len(pairs) >= min(_FEW, _LEAST_FOUND * len(wanted)) else []


def without_words(codec: Codec, written: Any, words: Sequence[Word]) -> Any:
    """The input as it was written, with words taken out together with the white space before them."""
    texts = texts_of(codec, written)
    for number in {word.text for word in words}:
        own = sorted((word for word in words if word.text == number), key=lambda word: -word.start)
        for word in own:
            texts[number] = texts[number][: word.start - word.lead] + texts[number][word.end :]
        texts[number] = texts[number].lstrip() if own[-1].start - own[-1].lead == 0 else texts[number]
    return with_texts(codec, written, texts)
