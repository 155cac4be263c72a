"""A text as a model reads it that guesses hidden tokens from all others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from tokenizers import Tokenizer

from luthier.pretraining.blocks import WORDS, cut
from luthier.pretraining.masks import Masking, renumbered, word_numbers
from luthier.text.tokenizer import TextRule
from luthier.types import IDS, IGNORE, LabelledWindow, Window
from luthier.writer import TARGETS

_STREAM, _FIXED = 0x3A5C, 0x3A5D
"""Set the random numbers of masks apart from others of the same seed; those of masks that are always the same."""


@dataclass(frozen=True)
class Hiding:
    """before, after: special tokens around a text. whole: words are hidden whole."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    masking: Masking
    whole: bool

    def documents(self, texts: Sequence[str], text: TextRule) -> list[list[Window]]:
        """Of each text as many windows as it needs. Which tokens are hidden hangs on the text alone."""
        room = self._room(text.max_length)
        text.tokenizer.no_truncation()
        with _nothing_but_text(text.tokenizer):
            encodings = text.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        windows: list[list[Window]] = []
        for words, encoding in zip(texts, encodings, strict=True):
            ids_T = np.array(encoding.ids, np.int32)
            words_T = word_numbers(encoding, words, whole=self.whole)
            made = [self._window(i, w) for i, w in zip(cut(ids_T, room), cut(words_T, room), strict=True)]
            if self.after:
                made[-1].arrays[WORDS][-1] = -1
            windows.append(made)
        return windows

    def filled(self, texts: Sequence[str], text: TextRule) -> list[list[Window]]:
        """Of each text what the model fills; one in which nothing is hidden is read as a document."""
        found: list[list[Window]] = []
        for words, window in zip(texts, text.windows(texts), strict=True):
            asked = self.masking.mask_id in window.arrays[IDS]
            found.append(
                [replace(window, arrays={IDS: window.arrays[IDS]})] if asked else self.documents([words], text)[0]
            )
        return found

    def joined(self, windows: Sequence[LabelledWindow], length: int) -> list[LabelledWindow]:
        """One text after another, with what ends a text between them, in blocks that begin and end as a text does (as
        RoBERTa was trained, Liu et al. 2019)."""
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        for window in windows:
            ids_T, words_T = _as_it_was(window), window.window.arrays[WORDS]
            ends = len(words_T) - (0 if words_T[-1] < 0 else len(self.after))
            parts.append((ids_T[len(self.before) : ends], words_T[len(self.before) : ends]))
        if not parts:
            return []
        ids_T, words_T = np.concatenate([p[0] for p in parts]), renumbered([p[1] for p in parts])
        last = len(ids_T) - (len(self.after) if words_T[-1] < 0 else 0)
        room = self._room(length)
        pairs = zip(cut(ids_T[:last], room), cut(words_T[:last], room), strict=True)
        return [labelled(self._window(ids, words)) for ids, words in pairs]

    def again(self, window: LabelledWindow, draw: tuple[int, int, int]) -> LabelledWindow:
        """With other tokens hidden, as `draw` has it."""
        rng = np.random.default_rng((_STREAM, *draw))
        given_T, targets_T = self.masking(_as_it_was(window), window.window.arrays[WORDS], rng)
        return LabelledWindow(Window({IDS: given_T}), targets_T)

    def _room(self, length: int) -> int:
        return max(1, length - len(self.before) - len(self.after))

    def _window(self, ids_T: np.ndarray, words_T: np.ndarray) -> Window:
        """words: numbers that may begin anywhere."""
        first = np.min(words_T, initial=np.iinfo(np.int32).max, where=words_T > 0)
        numbers_T = np.where(words_T > 0, words_T - first + 1, 0).astype(np.int32)
        before, after = np.array(self.before, np.int32), np.array(self.after, np.int32)
        whole_T = np.concatenate([before, ids_T, after])
        numbers_T = np.concatenate([before * 0, numbers_T, after * 0])
        rng = np.random.default_rng((_FIXED, crc32(whole_T.tobytes())))
        given_T, targets_T = self.masking(whole_T, numbers_T, rng)
        wanted_T = np.where(targets_T == IGNORE, 0, targets_T + 1).astype(np.int32)
        return Window({IDS: given_T, TARGETS: wanted_T, WORDS: numbers_T})


def labelled(window: Window) -> LabelledWindow:
    """A window that asks how likely its text is, as one to learn from."""
    arrays = {name: array for name, array in window.arrays.items() if name != TARGETS}
    targets_T = window.arrays[TARGETS].astype(np.int64) - 1
    return LabelledWindow(Window(arrays), np.where(targets_T < 0, IGNORE, targets_T))


@contextmanager
def _nothing_but_text(tokenizer: Tokenizer) -> Iterator[None]:
    """Inside the block names of special tokens that stand in a text are no such tokens."""
    before = tokenizer.encode_special_tokens
    tokenizer.encode_special_tokens = True
    try:
        yield
    finally:
        tokenizer.encode_special_tokens = before


def _as_it_was(window: LabelledWindow) -> np.ndarray:
    """Its ids with nothing hidden."""
    hidden = window.targets != IGNORE
    return np.where(hidden, window.targets, window.window.arrays[IDS]).astype(np.int32)
