"""Rows of few different lengths, on a GPU: for each shape that is new to it the matrix library looks for a kernel,
which takes it 0.4 to 0.9 ms a product instead of 0.02 (measured on an H200's host). So a row of windows ends with a
window of padding, which nobody sees and nothing is learnt of.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import pad

from luthier.types import IDS, IGNORE, Batch, LabelledBatch

_LEAST = 64
_FINE = 5
"""Sixteen lengths between two powers of two: about 2 % of padding."""
_MOST = 8192
"""Tokens of a row from which the products take so long that looking for kernels goes on meanwhile."""


def filled_length(tokens: int) -> int:
    if tokens >= _MOST:
        return tokens
    step = max(_LEAST, 1 << max(0, tokens.bit_length() - _FINE))
    return -(-tokens // step) * step


def filled(batch: LabelledBatch, pad_id: int) -> LabelledBatch:
    """batch: one row, [1, T, …]. Its lengths are those of the windows alone, as before."""
    count = batch.inputs.tensors["position_ids"].shape[1]
    more = filled_length(count) - count
    if not more:
        return batch
    tensors = {name: _longer(value, more, pad_id if name.endswith(IDS) else 0)
               for name, value in batch.inputs.tensors.items()}  # fmt: skip
    tensors["position_ids"][:, count:] = torch.arange(more)
    places = None if batch.inputs.places is None else _longer(batch.inputs.places, more, 0)
    inputs = Batch(tensors, batch.inputs.lengths, places)
    return replace(batch, inputs=inputs, targets=_longer(batch.targets, more, IGNORE))


def _longer(row_1T: Tensor, more: int, value: int) -> Tensor:
    return pad(row_1T, (*[0, 0] * (row_1T.ndim - 2), 0, more), value=value)
