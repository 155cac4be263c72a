"""Which word of the text is each token part of? Asked once, for training, serving and scores alike.

Where the file has words of its own, these. Else a word begins at every token, but not within a run of letters or digits
of a script that sets words apart, and not before what clings to the character in front of it: a combining mark, a
joiner, the second half of an emoji. The pieces of a file's words, such as those of O'Neil, are not learnt as words of
their own: on WNUT 2017 that cost 0.05 of F1, and 0.03 on the same texts given without their words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from luthier.formats.marked.spans import cuts_word
from luthier.formats.marked.words import UNSPACED

Places = Sequence[tuple[int, int]]
"""(start, end) in characters, in the order of the text."""

_JOINER = "\u200d"
_LONGEST_RUN = 100
"""Of flags that are looked back over: an even number, so that halves stay together."""


def within_word(text: str, place: int) -> bool:
    """Whether a word of a script that sets words apart goes on over this place: letters or digits on both sides."""
    return 0 < place < len(text) and _kind(text[place - 1]) == _kind(text[place]) != ""


def word_spans(text: str, words: Places, windows: Sequence[np.ndarray], torn: bool = False) -> list[np.ndarray]:
    """For the tokens of each window of a text, int [T, 2], the places of the words that they are part of; (0, 0) for a
    token that is part of none. A word is never torn between two windows: all its tokens have one place.

    words: of the file; none where it has only the text. windows: the places of the tokens, (0, 0) for special ones.
    torn: whether entities may begin and end within words, as Korean ones do before a particle: then a word is torn at
    each token, but not in Latin, Greek or Cyrillic, where no entity that cuts a word is read either (`cuts_word`).
    """
    tokens_M2 = _stripped(text, np.concatenate(windows))
    pieces = [(int(start), int(end)) for start, end in np.unique(tokens_M2, axis=0)]
    found_W2 = _grouped(text, pieces, torn, frozenset(start for start, _ in words))
    return np.split(_covering(found_W2, tokens_M2), np.cumsum(list(map(len, windows)))[:-1])


def whole_words(text: str, words: Places, pieces_U2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the file's words, [W, 2], and of each the number of the piece that stands for it, [W]. The pieces
    themselves where the file has no words.

    A word in which no piece begins is put to the one before it where a piece goes on into it, as of single letters
    that a tokenizer reads as one word; else no token stands for it, and it is left out. pieces: in the order of the
    text, as `word_spans` makes them.
    """
    if not words:
        return pieces_U2, np.arange(len(pieces_U2))
    known_W2 = plain_words(text, words)
    first_W = np.searchsorted(pieces_U2[:, 0], known_W2[:, 0])
    begun_W = np.append(pieces_U2[:, 0], len(text))[first_W] < known_W2[:, 1]
    first_W = first_W[begun_W]
    last_W = np.append(first_W[1:], len(pieces_U2)) - 1
    places_W2 = known_W2[begun_W]
    reached_W = np.searchsorted(known_W2[:, 0], pieces_U2[last_W, 1]) - 1  # the word in which the last piece ends
    return np.stack([places_W2[:, 0], np.maximum(places_W2[:, 1], known_W2[reached_W, 1])], 1), first_W


def plain_words(text: str, words: Places = (), torn: bool = False) -> np.ndarray:
    """int [W, 2]: the file's words, else words as they are seen without a tokenizer: every character that is no white
    space for itself, put together as `word_spans` puts tokens together."""
    if words:
        known_W2 = _stripped(text, np.array(words, np.int64))
        return known_W2[known_W2[:, 1] > 0]
    return _grouped(
        text, [(i, i + 1) for i, character in enumerate(text) if not character.isspace()], torn, frozenset()
    )


def first_tokens(spans_T2: np.ndarray) -> np.ndarray:
    """Numbers of the tokens with which a word begins in a window. spans: as `word_spans` gives them."""
    before_T2 = np.concatenate([np.zeros((1, 2), spans_T2.dtype), spans_T2[:-1]])
    return np.flatnonzero((spans_T2[:, 1] > 0) & (spans_T2 != before_T2).any(1))


def merged(windows: Sequence[np.ndarray]) -> tuple[np.ndarray, list[tuple[int, np.ndarray, np.ndarray]]]:
    """The words of a text from its windows, [U, 2]; and for each window that is read from its number, the numbers of
    words, and of these the first tokens in it.

    Each word is taken from the window in which it has most context: in which it lies farthest from the nearer edge,
    the text's own ends not being counted as edges. windows: as `word_spans` gives them.
    """
    at = [first_tokens(spans_T2) for spans_T2 in windows]
    places = [spans_T2[first] for spans_T2, first in zip(windows, at, strict=True)]
    context: list[np.ndarray] = []
    for number, (spans_T2, first) in enumerate(zip(windows, at, strict=True)):
        left = first if number else np.full(len(first), len(spans_T2))
        right = len(spans_T2) - 1 - first if number + 1 < len(windows) else np.full(len(first), len(spans_T2))
        context.append(np.minimum(left, right))
    all_2, all_context = np.concatenate(places), np.concatenate(context)
    window = np.repeat(np.arange(len(windows)), [len(first) for first in at])
    order = np.lexsort((-all_context, all_2[:, 0]))
    starts = all_2[order, 0]
    best = order[np.concatenate([[True], starts[1:] != starts[:-1]])] if len(order) else order
    words_U2, of_U, token_U = all_2[best], window[best], np.concatenate(at)[best]
    by_window = np.argsort(of_U, kind="stable")
    parts = np.split(by_window, np.searchsorted(of_U[by_window], np.arange(1, len(windows))))
    return words_U2, [(number, words, token_U[words]) for number, words in enumerate(parts) if len(words)]


def _covering(words_W2: np.ndarray, tokens_T2: np.ndarray) -> np.ndarray:
    """Of each token the word in which it begins, or the next one where it begins in a gap and ends beyond."""
    if not len(words_W2):
        return np.zeros_like(tokens_T2)
    at = np.searchsorted(words_W2[:, 1], tokens_T2[:, 0], "right").clip(max=len(words_W2) - 1)
    found = words_W2[at]
    inside = (tokens_T2[:, 1] > np.maximum(found[:, 0], tokens_T2[:, 0])) & (tokens_T2[:, 0] < found[:, 1])
    return np.where(inside[:, None], found, 0)


def _stripped(text: str, spans_N2: np.ndarray) -> np.ndarray:
    """Without the white space at both ends; (0, 0) where nothing is left."""
    if not len(spans_N2):
        return spans_N2.reshape(0, 2)
    blank = np.fromiter(map(str.isspace, text), bool, len(text))
    places = np.arange(len(text) + 1)
    after = np.minimum.accumulate(np.where(np.append(blank, False), len(text), places)[::-1])[::-1]
    before = np.maximum.accumulate(np.where(np.append(False, blank), 0, places))
    starts, ends = after[spans_N2[:, 0]], before[spans_N2[:, 1]]
    return np.where((starts < ends)[:, None], np.stack([starts, ends], 1), 0)


def _grouped(text: str, pieces: Places, torn: bool, starts: frozenset[int]) -> np.ndarray:
    """Pieces of the text put together to words, [W, 2], each with the marks that cling to its end. starts: where
    the file's words begin, where it has any."""
    words: list[tuple[int, int]] = []
    goes_on = cuts_word if torn else within_word
    for start, end in pieces:
        if start == end:
            continue
        bound = start not in starts and (bool(starts) or goes_on(text, start) or _clings(text, start))
        if words and (start < words[-1][1] or bound):
            words[-1] = (words[-1][0], max(end, words[-1][1]))
        else:
            words.append((start, end))
        while (last := words[-1][1]) < len(text) and last not in starts and _clings(text, last):
            words[-1] = (words[-1][0], last + 1)
    return np.array(words, np.int64).reshape(-1, 2)


def _clings(text: str, place: int) -> bool:
    """Whether the character there belongs to the one before it."""
    before = text[place - 1 : place]
    if not before or before.isspace():
        return False
    return before == _JOINER or _is_mark(text[place]) or _half_flags(text, place) % 2 == 1


def _half_flags(text: str, place: int) -> int:
    """How many there are on end before the place, where another follows; else 0. Of a very long run its end counts."""
    if not _is_half_flag(text[place]):
        return 0
    first = max(0, place - _LONGEST_RUN)
    return place - next((i + 1 for i in range(place - 1, first - 1, -1) if not _is_half_flag(text[i])), first)


def _is_half_flag(character: str) -> bool:
    """Regional indicators, two of which are a flag."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


@lru_cache(4096)
def _is_mark(character: str) -> bool:
    """Combining marks and variation selectors; the joiner; the skin tones of emoji; tags of flags."""
    return character > "\u02ff" and (
        unicodedata.category(character)[0] == "M"
        or character == _JOINER
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


@lru_cache(4096)
def _kind(character: str) -> str:
    if UNSPACED.match(character):
        return ""
    category = unicodedata.category(character)[0]
    return "letter" if category in "LM" else "digit" if category == "N" else ""
