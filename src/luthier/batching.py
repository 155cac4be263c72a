"""How windows are cut into batches that fit into memory, with little padding.

Two numbers, two meanings. batch_size is statistical: windows per optimiser step, over all processes.
max_tokens is physical: tokens per forward pass, with any padding. Gradient accumulation follows from the two
and is nobody's setting; halving max_tokens after an out-of-memory error leaves the result the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def cut(
    windows: Sequence[int] | np.ndarray, lengths: Sequence[int] | np.ndarray, max_tokens: int, *, packed: bool = False
) -> list[list[int]]:
    """Windows to micro-batches of like length, each at most max_tokens as a padded rectangle; as one row where they
    are packed.

    A single window longer than max_tokens gets a micro-batch of its own.
    """
    micro_batches: list[list[int]] = []
    tokens = 0  # of the last one
    for i in sorted(map(int, windows), key=lambda i: (lengths[i], i)):  # ascending: i is the longest so far
        with_it = tokens + lengths[i] if packed else (len(micro_batches[-1]) + 1 if tokens else 1) * lengths[i]
        if micro_batches and with_it <= max_tokens:
            micro_batches[-1].append(i)
            tokens = with_it
        else:
            micro_batches.append([i])
            tokens = lengths[i]
    return micro_batches
