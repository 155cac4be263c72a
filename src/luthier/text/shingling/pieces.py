"""A text as a row of pieces: words, and single characters where words do not stand apart."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_PICTURES = "\u2190-\u2bff\U0001f000-\U0001faff"
_BETWEEN = (
    r"\s!-/:-@\[-`{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb\u00bf\u060c\u061b\u061f\u0964\u0965"
    r"\u2000-\u206f\u3000-\u303f\ufe00-\ufe0f"
)
_PIECE = re.compile(f"[{_UNSPACED}]|[{_PICTURES}]|[^{_BETWEEN}{_UNSPACED}{_PICTURES}]+")
_JOINT = re.compile(r"(?<=[^\W_])(?:[-_.:/@&'\u2019]|,(?=\d))(?=[^\W_])")
"""Within a word: top-up, it's, 10.30, a@b.org, 1,000. What joins its parts is left out."""
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]").match
_KEPT = 256
"""Pieces of a text that are kept: what differs behind them is not seen."""
AT_ONCE = 1 << 22
"""Pieces or keys that are worked on at once: what bounds the memory."""


@dataclass(frozen=True)
class HashedRows:
    """N rows of hashes, one behind the other. hashes: uint64 [W]. starts: int64 [N + 1], where each row begins."""

    hashes: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """int64 [N]."""
        return np.diff(self.starts)

    def chunks(self, chosen: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The chosen rows in order, some at a time: their numbers [M], all their hashes, and where each begins
        [M + 1]."""
        lengths = self.lengths[chosen]
        for part in in_chunks(lengths):
            starts = begins(lengths[part])
            yield chosen[part], self.hashes[stretches(self.starts[chosen[part]], starts)], starts


@dataclass(frozen=True)
class Pieces(HashedRows):
    """The pieces of N texts.

    words: the different ones. numbers: uint32 [W], which of them each is. whole: uint64 [N], equal for texts that are
    the same but for case, width, spaces and punctuation. unspaced: bool [N], texts most of whose pieces are characters.
    """

    words: Sequence[str]
    numbers: np.ndarray
    whole: np.ndarray
    unspaced: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str]) -> Pieces:
        known: dict[str, int] = {}
        numbers, lengths, whole, unspaced = array("I"), array("q"), array("Q"), array("b")
        for text in texts:
            pieces = pieces_of(text)
            digest = blake2b("".join(pieces).encode("utf-8", "surrogatepass"), digest_size=8).digest()
            whole.append(int.from_bytes(digest, "little"))
            del pieces[_KEPT:]
            characters = sum(piece[0] >= "\u0e00" and _IS_UNSPACED(piece) is not None for piece in pieces)
            unspaced.append(2 * characters > len(pieces))
            numbers.extend([known.setdefault(piece, len(known)) for piece in pieces])
            lengths.append(len(pieces))
        hashes, starts = mixed(np.array(numbers, np.uint64)), begins(np.array(lengths, np.int64))
        return cls(hashes, starts, list(known), np.array(numbers, np.uint32), np.array(whole, np.uint64),
                   np.array(unspaced, bool))  # fmt: skip


def pieces_of(text: str) -> list[str]:
    """In lower case and one width, without punctuation; a text of nothing but punctuation is one piece."""
    folded = _JOINT.sub("", unicodedata.normalize("NFKC", text).casefold())
    return _PIECE.findall(folded) or ["".join(folded.split()) or "\0"]


def begins(lengths: np.ndarray) -> np.ndarray:
    """int64 [M + 1]: where each of M stretches begins that stand one behind the other, and where the last ends."""
    return np.concatenate([np.zeros(1, np.int64), lengths.cumsum()])


def stretches(firsts: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The indices of M stretches, one behind the other. firsts: [M], of each its first. starts: [M + 1], `begins`."""
    return np.repeat(firsts - starts[:-1], np.diff(starts)) + np.arange(starts[-1])


def in_chunks(costs: np.ndarray) -> list[np.ndarray]:
    """0 to N in groups that follow each other and cost AT_ONCE or little more each."""
    if not len(costs):
        return []
    return np.split(np.arange(len(costs)), np.flatnonzero(np.diff(costs.cumsum() // AT_ONCE)) + 1)


def mixed(keys: np.ndarray) -> np.ndarray:
    """uint64: the finaliser of SplitMix64 (Steele et al. 2014), where every bit of a key turns half of the bits."""
    keys = (keys + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def distinct(pairs: np.ndarray) -> np.ndarray:
    """int64 [P, 2]: each pair once, the smaller number first, in order."""
    low, high = pairs.min(1, initial=1 << 62).astype(np.uint64), pairs.max(1, initial=0).astype(np.uint64)
    keys = np.unique(low << np.uint64(32) | high)
    return np.stack([keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF)], 1).astype(np.int64)
