"""Rows to what is kept of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier.codec import Codec
from luthier.evaluation.elsewhere.portrait import Portrait, unknown_shares
from luthier.evaluation.elsewhere.traits import Traits, on_axes, said_by, sketch

_DIGEST = 12
"""Bytes of the hash of a text."""


def traits_of(
    codec: Codec, inputs: Sequence[Any], said: Sequence[Any], portrait: Portrait | None, key: bytes,
    vectors: np.ndarray | None = None,
) -> list[Traits]:  # fmt: skip
    """said: the model's prediction for each input; empty where it made none. portrait: of the run; None where there is
    none, and then nothing is told of words. key: without which nobody can tell a text or a word from its hash. vectors:
    float [N, D], of the inputs."""
    task = codec.task
    texts = [task.format.plain_text(one) for one in inputs]
    ids = codec.text.pieces(texts)
    unknown = unknown_shares(codec, ids)
    told = [said_by(task.show(one)) for one in said] if said else [said_by(None)] * len(inputs)
    axes = on_axes(vectors) if vectors is not None else None
    found: list[Traits] = []
    for i, text in enumerate(texts):
        marks_W = portrait.marks(text) if portrait else np.zeros(0, np.uint32)
        found.append(Traits(
            hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST, key=key).hexdigest(),
            len(text), len(ids[i]), None if unknown is None else float(unknown[i]),
            portrait.rare_of(marks_W) if portrait else None, sketch(marks_W), told[i],
            None if axes is None else axes[i],
        ))  # fmt: skip
    return found
