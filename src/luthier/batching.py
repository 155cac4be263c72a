"""How windows are cut into batches that fit into memory, with little padding.

Two numbers, two meanings. batch_size is statistical: windows per optimiser step, over all processes.
max_tokens is physical: tokens per forward pass, padding included. Gradient accumulation follows from the
two and is nobody's setting; halving max_tokens after an out-of-memory error leaves the result the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def cut(windows: Sequence[int] | np.ndarray, lengths: Sequence[int] | np.ndarray, max_tokens: int) -> list[list[int]]:
    """Windows to micro-batches of like length, each at most max_tokens as a padded rectangle.

    A single window longer than max_tokens gets a micro-batch of its own.
    """
    micro_batches: list[list[int]] = []
    for i in sorted(map(int, windows), key=lambda i: (lengths[i], i)):  # ascending: i is the longest so far
        if micro_batches and (len(micro_batches[-1]) + 1) * lengths[i] <= max_tokens:
            micro_batches[-1].append(i)
        else:
            micro_batches.append([i])
    return micro_batches
