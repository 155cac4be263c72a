"""What has to be known of a served model before its answers can be recorded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.codec import Codec
from luthier.errors import LuthierError
from luthier.evaluation.elsewhere.noted import traits_of
from luthier.evaluation.elsewhere.portrait import FILE, Portrait
from luthier.evaluation.elsewhere.traits import Traits, on_axes
from luthier.models.run import weights_digest

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.artifact import Predictor

_MOST_LOOKED = 8
"""Inputs that the model is asked again at a time."""
_SHARE = 0.05
"""Of the time of the machine that may be spent on it."""


@dataclass(eq=False)
class Known:
    """model: the SHA-256 of its weights. codec: with a tokenizer of its own: that of the model is in use by another
    thread, and how it cuts is state. portrait: of its run; None where its folder keeps none."""

    model: str
    predictor: Predictor
    codec: Codec
    portrait: Portrait | None
    key: bytes
    _rests_until: float = field(default=0.0)

    def traits(self, inputs: Sequence[Any], said: Sequence[Any], *, vectors: bool) -> list[Traits]:
        """said: an answer for each input. vectors: whether the model is asked again, if it is time."""
        found = traits_of(self.codec, inputs, said, self.portrait, self.key)
        if vectors and time.monotonic() >= self._rests_until and self.predictor.makes_vectors:
            found[:_MOST_LOOKED] = self._looked(inputs[:_MOST_LOOKED], found[:_MOST_LOOKED])
        return found

    def _looked(self, inputs: Sequence[Any], found: Sequence[Traits]) -> list[Traits]:
        from luthier.inference.frozen import pooled_alone

        begin = time.monotonic()
        axes = on_axes(pooled_alone(self.predictor.weights, self.codec, inputs, self.predictor.device))
        now = time.monotonic()
        self._rests_until = now + (now - begin) * (1 / _SHARE - 1)
        return [replace(traits, vector=vector) for traits, vector in zip(found, axes, strict=True)]


def known_of(predictor: Predictor, run: Path, key: bytes) -> Known:
    """run: the folder from which it was loaded. key: of hashes, where the run keeps none. Errors: LuthierError."""
    portrait = None
    if (run / FILE).is_file():
        try:
            portrait = Portrait.load(run / FILE)
        except LuthierError:  # told by `luthier drift`; lengths and answers are recorded all the same
            portrait = None
    codec = predictor.codec
    copied = type(codec.text.tokenizer).from_str(codec.text.tokenizer.to_str())
    own = replace(codec, text=replace(codec.text, tokenizer=copied))
    key = portrait.key if portrait and portrait.key else key
    return Known(weights_digest(run), predictor, own, portrait, key)
