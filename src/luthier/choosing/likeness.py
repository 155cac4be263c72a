"""Texts that say the same: equal but for case, width, space and punctuation, or nearly equal letter by letter."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from typing import Any

_NEAR = 0.8
"""Cosine of the sets of three-letter pieces: one word changed in a sentence of a dozen."""
_MOST_TEXTS = 50_000
"""Labelled texts that are compared letter by letter. Equal ones are told in any number."""
_NOT_WORDS = re.compile(r"[\W_]+")


def folded(text: str) -> str:
    """What is left of a text when case, width, space and punctuation do not count; the text itself where nothing is."""
    return _NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip() or text


class Known:
    """Texts that were met. Eight bytes of each are kept, and of the first 50,000 the text."""

    def __init__(self, *, keep_texts: bool = True) -> None:
        self.texts: list[str] = []
        self._marks: set[bytes] = set()
        self._keep = _MOST_TEXTS if keep_texts else 0

    def add(self, text: str) -> None:
        self._marks.add(_mark(text))
        if len(self.texts) < self._keep:
            self.texts.append(folded(text))

    def __contains__(self, text: str) -> bool:
        return _mark(text) in self._marks


class Likeness:
    """Whether one of N candidates is nearly equal to a labelled text, or to a candidate that was taken."""

    def __init__(self, candidates: Sequence[str], labelled: Sequence[str]) -> None:
        self._candidates, self._labelled = candidates, labelled

    def is_near(self, row: int, taken: Sequence[int]) -> bool:
        pieces = self._pieces[row]
        if taken and (self._pieces[list(taken)] @ pieces.T).max() >= _NEAR:
            return True
        return self._known is not None and (self._known @ pieces.T).max() >= _NEAR

    @cached_property
    def _pieces(self) -> Any:
        return _cut([folded(text) for text in self._candidates])

    @cached_property
    def _known(self) -> Any:
        return _cut(self._labelled) if self._labelled else None


def _cut(texts: Sequence[str]) -> Any:
    """Sets of three-letter pieces as sparse rows of length 1, [N, 2^20]."""
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        analyzer="char", ngram_range=(3, 3), binary=True, norm="l2", alternate_sign=False, lowercase=False
    ).transform([f" {text} " for text in texts])


def _mark(text: str) -> bytes:
    return hashlib.blake2b(folded(text).encode("utf-8", "surrogatepass"), digest_size=8).digest()
