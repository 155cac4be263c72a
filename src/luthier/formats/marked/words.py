"""Words to a text and back to their places in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

UNSPACED = re.compile(
    "[\u2e80-\u303f\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\U00020000-\U0003fffd]"
)
"""Characters of scripts that are written without spaces: Han, kana, their punctuation, Thai, Lao, Burmese, Khmer."""
_FIRST = "\u0e00"
"""The lowest of them."""


def join_words(words: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The words as one text, and where each lies in it.

    A space stands between two words, unless both sides of the gap are written without spaces. A sentence of single
    characters, one of them such, is taken for a text that was cut into characters: it has no spaces at all.
    """
    whole = all(len(word) == 1 for word in words) and any(UNSPACED.match(word) for word in words)
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    at = 0
    before = ""
    for word in words:
        if before and not whole and not (before > _FIRST and UNSPACED.match(before) and UNSPACED.match(word)):
            pieces.append(" ")
            at += 1
        pieces.append(word)
        places.append((at, at + len(word)))
        at += len(word)
        before = word[-1:]
    return "".join(pieces), tuple(places)
