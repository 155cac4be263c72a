"""Arrays of ids, cut into blocks of one length without losing any."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

WORDS = "words"
"""Array of a window with hidden tokens: of each token the number of its word; 0 for special tokens, -1 for the one that
ends a text. No model sees it."""


def cut(ids_T: np.ndarray, length: int) -> list[np.ndarray]:
    """All pieces but the last have that length. One, even of nothing."""
    return [ids_T[start : start + length] for start in range(0, max(1, len(ids_T)), length)]


def rejoined(parts: Sequence[Sequence[np.ndarray]], length: int) -> list[tuple[np.ndarray, ...]]:
    """parts: for each part its parallel arrays, such as ids and targets, of one length. Each is joined over all parts
    and cut anew, so that no piece but the last is short."""
    if not parts:
        return []
    whole = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return list(zip(*(cut(column, length) for column in whole), strict=True))
