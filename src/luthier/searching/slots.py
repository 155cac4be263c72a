"""A query and its documents in one window: arrays of their own for each document, taken apart again in a step."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from luthier.models.own.contrast import NEGATIVE, POSITIVE, QUERY, Texts
from luthier.objective import Part
from luthier.types import IDS, Batch, LabelledBatch, Window

_MASK = "attention_mask"
_APART = 1 << 40
"""Numbers of dropout masks: one text of a window must not have another's."""


@dataclass(frozen=True)
class Slots:
    """How many positives and hard negatives a window has room for: positive_input_ids, positive_2_input_ids …,
    negative_input_ids …"""

    positives: int
    negatives: int

    @property
    def names(self) -> list[str]:
        """What stands before input_ids: of the query nothing, then of each document's slot."""
        return ["", *_names("positive", self.positives), *_names("negative", self.negatives)]

    def filled(self, window: Window, positives: Sequence[Window], negatives: Sequence[Window], topic: str) -> Window:
        """The query's window with those of its documents. A slot without a document has no tokens. keys: of the query
        and each slot, the same for the same tokens."""
        given = [window, *self._padded(positives, self.positives), *self._padded(negatives, self.negatives)]
        ids = [one.arrays[IDS] if one is not None else np.zeros(0, np.int32) for one in given]
        arrays = {name + IDS: row for name, row in zip(self.names, ids, strict=True)}
        arrays["keys"] = np.array([_key(row.tobytes()) for row in ids], np.int64)
        arrays["topic"] = np.array([_key(topic.encode()) if topic else 0], np.int64)
        return replace(window, arrays=arrays)

    def parts(self, batch: LabelledBatch) -> list[Part]:
        """The queries, then each slot's documents, without the windows that have none there."""
        tensors, numbers = batch.inputs.tensors, batch.numbers or tuple(range(len(batch.inputs.lengths)))
        parts: list[Part] = []
        for slot, name in enumerate(self.names):
            mask_BT = tensors[name + _MASK]
            lengths = mask_BT.sum(1).tolist()
            here = [i for i, length in enumerate(lengths) if length]
            if not here:
                continue
            facts = Texts(
                QUERY if not slot else POSITIVE if slot <= self.positives else NEGATIVE,
                row=np.array([numbers[i] for i in here], np.int64),
                key=tensors["keys"][here, slot].cpu().numpy(),
                topic=tensors["topic"][here, 0].cpu().numpy(),
                score=batch.targets[here, 0].cpu().numpy(),
            )
            inputs = Batch({IDS: tensors[name + IDS][here], _MASK: mask_BT[here]}, tuple(lengths[i] for i in here))
            parts.append(Part(inputs, tuple(numbers[i] + slot * _APART for i in here), facts))
        return parts

    @staticmethod
    def _padded(windows: Sequence[Window], count: int) -> list[Window | None]:
        return [*windows[:count], *[None] * (count - len(windows))]


def _names(kind: str, count: int) -> list[str]:
    return [f"{kind}_" if i == 1 else f"{kind}_{i}_" for i in range(1, count + 1)]


def _key(content: bytes) -> int:
    """63 bits of a hash, never 0: that two of a million texts share one has a chance of one in ten million."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") >> 1 | 1
