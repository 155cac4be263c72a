"""Which tokens are hidden from a masked language model, and what stands in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from tokenizers import Encoding

from luthier.types import IGNORE

_HIDDEN, _OTHER = 0.8, 0.9
"""Of the chosen tokens 80 % become the mask, 10 % some other token, and 10 % stay (Devlin et al. 2019)."""
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0xA4CF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
"""Of scripts without spaces between words (Thai, Lao, Burmese, Khmer, Chinese, Japanese) as ranges of characters."""


@dataclass(frozen=True)
class Masking:
    """share: of the tokens, that are to be predicted. vocabulary: ids that a token may be replaced by lie below it,
    except the special ones."""

    share: float
    mask_id: int
    vocabulary: int
    special: tuple[int, ...]

    @cached_property
    def ordinary(self) -> np.ndarray:
        return np.setdiff1d(np.arange(self.vocabulary, dtype=np.int32), np.array(self.special, np.int32))

    def __call__(self, ids_T: np.ndarray, words_T: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """What the model is given, int32 [T], and what it is to predict, int64 [T], IGNORE where nothing.

        words: of each token the number of its word, from 1; less where it is never hidden. A word is hidden whole or
        not at all; at least one is.
        """
        order_W = rng.permutation(int(words_T.max(initial=0))) + 1
        sizes_W = np.bincount(np.maximum(words_T, 0), minlength=len(order_W) + 1)[order_W]
        wanted = self.share * sizes_W.sum()
        before_W = np.cumsum(sizes_W) - sizes_W
        chosen_W = order_W[before_W + sizes_W / 2 < wanted] if wanted else order_W[:0]
        chosen_W = chosen_W if len(chosen_W) else order_W[:1]
        hidden = np.isin(words_T, chosen_W) & (words_T > 0)
        places = np.flatnonzero(hidden)
        draw = rng.random(len(places))
        others = self.ordinary[rng.integers(0, len(self.ordinary), len(places))]
        given_T = ids_T.copy()
        given_T[places] = np.where(draw < _HIDDEN, self.mask_id, np.where(draw < _OTHER, others, ids_T[places]))
        return given_T, np.where(hidden, ids_T, IGNORE).astype(np.int64)


def word_numbers(encoding: Encoding, text: str, *, whole: bool) -> np.ndarray:
    """int32 [T], from 1: tokens of one word have the same number. What is a word the tokenizer's own first cut says; in
    scripts that write no spaces every token is one. whole: False makes every token one."""
    words = encoding.word_ids
    if not whole:
        return np.arange(1, len(words) + 1, dtype=np.int32)
    starts = [
        i == 0 or words[i] != words[i - 1] or (first != encoding.offsets[i - 1][0] and _is_unspaced(text, first))
        for i, (first, _) in enumerate(encoding.offsets)
    ]
    return np.cumsum(starts, dtype=np.int32)


def renumbered(words: Sequence[np.ndarray]) -> np.ndarray:
    """One after another, so that words of different parts stay different. int32 [T]."""
    last, parts = 0, []
    for words_T in words:
        parts.append(np.where(words_T > 0, words_T + last, words_T))
        last += int(words_T.max(initial=0))
    return np.concatenate(parts).astype(np.int32)


def _is_unspaced(text: str, place: int) -> bool:
    """Whether the first character that is no space is of a script without spaces."""
    number = ord(text[place : place + 2].strip()[:1] or " ")
    return any(low <= number <= high for low, high in _UNSPACED)
