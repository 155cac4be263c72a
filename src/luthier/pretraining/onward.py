"""A text as a model reads it that predicts each token from those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier.pretraining.blocks import cut, rejoined
from luthier.text.tokenizer import TextRule
from luthier.types import IDS, LabelledWindow, Window
from luthier.writer import TARGETS


@dataclass(frozen=True)
class Onward:
    """before: the token that every text begins behind. after: what ends it, and is learnt. new: tokens for which a
    prompt leaves room."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    new: int

    def documents(self, texts: Sequence[str], text: TextRule) -> list[list[Window]]:
        """Of each text as many windows as it needs: every token of it, and its end, is predicted once."""
        return [self._document(ids_T, text.max_length) for ids_T in text.pieces(texts)]

    def prompts(self, texts: Sequence[str], text: TextRule) -> list[list[Window]]:
        """Of each text what the model goes on from: of a long one its end."""
        room = max(1, text.max_length - min(self.new, text.max_length // 2))
        windows: list[list[Window]] = []
        for ids_T in text.pieces(texts):
            whole = np.concatenate([_row(self.before), ids_T])
            windows.append([Window({IDS: whole[-room:]}, cut=max(0, len(whole) - room))])
        return windows

    def joined(self, windows: Sequence[LabelledWindow], length: int) -> list[LabelledWindow]:
        """One text after another, in blocks; a text may see the end of the one before (as GPT-2 and Llama were
        trained), and the token between them says that it is another."""
        parts = [(window.window.arrays[IDS], window.targets) for window in windows]
        return [LabelledWindow(Window({IDS: ids}), targets) for ids, targets in rejoined(parts, length)]

    def _document(self, ids_T: np.ndarray, length: int) -> list[Window]:
        whole = np.concatenate([_row(self.before), ids_T, _row(self.after)])
        pairs = zip(cut(whole[:-1], length), cut(whole[1:] + 1, length), strict=True)
        return [Window({IDS: given, TARGETS: wanted}) for given, wanted in pairs]


def _row(ids: Sequence[int]) -> np.ndarray:
    return np.array(ids, np.int32)
