"""How the windows of several tasks travel together: what two tasks read alike is read once, and each window says whose
it is and carries the targets of each.

Letters: P parts. In the arrays of a window stand OWNERS, int [P]: of each part the how manieth of its windows this is,
from 1, and 0 where it is none of its; with targets also TARGETS, float64 [S, P], and SHAPES, int [2, P]: how many of
the S are the part's, and whether they are numbers (1) or classes (0).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from luthier.types import IGNORE, Batch, LabelledBatch, LabelledWindow, Window

if TYPE_CHECKING:
    from torch import Tensor

OWNERS, TARGETS, SHAPES = "part_owners", "part_targets", "part_shapes"
BY_TOKEN = "AutoModelForTokenClassification"
"""The kind of model whose targets are one a token."""
_OURS = (OWNERS, TARGETS, SHAPES)


def shared(windows: Sequence[Sequence[Window]]) -> list[Window]:
    """Of one input the windows of all its parts; those that two parts encode alike are one. windows: of each part, none
    where it is not asked."""
    found: list[Window] = []
    owners: list[np.ndarray] = []
    for part, own in enumerate(windows):
        for number, window in enumerate(own, 1):
            free = (i for i, other in enumerate(found) if not owners[i][part] and _alike(other, window))
            at = next(free, None)
            if at is None:
                at = len(found)
                found.append(window)
                owners.append(np.zeros(len(windows), np.int32))
            owners[at][part] = number
            if found[at].spans is None:
                found[at] = replace(found[at], spans=window.spans)
    return [
        Window({**window.arrays, OWNERS: own}, _spans(window), window.cut)
        for window, own in zip(found, owners, strict=True)
    ]


def owned(windows: Sequence[Window], part: int) -> list[int]:
    """Which of an input's windows are the part's, in its own order."""
    places = {int(window.arrays[OWNERS][part]): i for i, window in enumerate(windows)}
    return [places[number] for number in sorted(places) if number]


def bare(window: Window) -> Window:
    """As the part encoded it."""
    return replace(window, arrays={name: array for name, array in window.arrays.items() if name not in _OURS})


def with_targets(window: Window, targets: Mapping[int, np.ndarray], parts: int) -> LabelledWindow:
    """targets: [S] or none of each part that has an answer. One target is counted for the window, whatever is in it:
    the loss makes a mean of each part's own."""
    longest = max((len(own) for own in targets.values()), default=1)
    packed_SP = np.zeros((longest, parts), np.float64)
    shapes_2P = np.zeros((2, parts), np.int32)
    for part, own in targets.items():
        packed_SP[: len(own), part] = own - IGNORE  # what pads the array is 0, and so means IGNORE
        shapes_2P[:, part] = len(own), np.issubdtype(own.dtype, np.floating)
    known = bool((packed_SP != 0).any())
    arrays = {**window.arrays, TARGETS: packed_SP, SHAPES: shapes_2P}
    return LabelledWindow(replace(window, arrays=arrays), np.array([0 if known else IGNORE], np.int64))


@dataclass(frozen=True, eq=False)
class Share:
    """The windows of a micro-batch in which a part has equally many targets. rows: which they are. batch: they alone,
    as the part would have them by itself. each: targets of one window."""

    rows: Tensor
    batch: LabelledBatch
    each: int


def plain(batch: Batch) -> Batch:
    """What the model is given."""
    return replace(batch, tensors=model_inputs(batch.tensors))


def model_inputs(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a batch's tensors those that the model is given."""
    return {name: tensor for name, tensor in tensors.items() if name not in _OURS}


def shares(batch: LabelledBatch, part: int, *, by_token: bool) -> Iterator[Share]:
    """The part's own batches. by_token: whether it has a target a token, which then reach to the longest window."""
    import torch

    sizes_B, kinds_B = batch.inputs.tensors[SHAPES][:, :, part].T
    targets_BS = batch.inputs.tensors[TARGETS][:, :, part] + IGNORE
    inside_BS = torch.arange(targets_BS.shape[1], device=sizes_B.device) < sizes_B[:, None]
    counts_B = ((targets_BS != IGNORE) & inside_BS).sum(1)
    inputs = plain(batch.inputs)
    for each in counts_B.unique().tolist():
        if not each:
            continue
        rows = (counts_B == each).nonzero()[:, 0]
        length = max(batch.inputs.tensors["input_ids"].shape[1] if by_token else 0, int(sizes_B[rows].max()))
        own_RS = torch.nn.functional.pad(targets_BS[rows], (0, max(0, length - targets_BS.shape[1])), value=IGNORE)
        own_RS = own_RS[:, :length].to(torch.float32 if kinds_B[rows[0]] else torch.int64)
        numbers = rows.tolist()
        chosen = tuple(batch.numbers[i] for i in numbers) if batch.numbers else ()
        yield Share(rows, LabelledBatch(_rows(inputs, rows), own_RS, each * len(numbers), chosen), each)


def _rows(batch: Batch, rows: Tensor) -> Batch:
    """Some windows of a batch, padded as before."""
    import torch

    tensors = {name: tensor[rows] for name, tensor in batch.tensors.items()}
    others = ((f.name, getattr(batch, f.name)) for f in fields(batch))
    more = {name: value[rows] for name, value in others if isinstance(value, torch.Tensor)}
    return replace(batch, tensors=tensors, lengths=tuple(batch.lengths[i] for i in rows.tolist()), **more)


def _alike(one: Window, other: Window) -> bool:
    return one.arrays.keys() == other.arrays.keys() and all(
        np.array_equal(array, other.arrays[name]) for name, array in one.arrays.items()
    )


def _spans(window: Window) -> np.ndarray:
    """A window that points nowhere gets empty spans, so that it can stand in a batch with others that do."""
    return np.zeros((len(window), 2), np.int64) if window.spans is None else window.spans
