"""GGUF with matrices in eight bits: half of the size of half precision."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from luthier.exporting.formats.gguf import Gguf

_BLOCK = 32
"""Numbers that share a scale in Q8_0."""
_HALF_STEP = 0.51
"""A number is rounded to the nearest of 255 steps; the rest is the scale's own rounding, to fp16."""


class GgufQ8(Gguf):
    kind: ClassVar[str] = "Q8_0"
    bound: ClassVar[float] = 5e-2

    def _kind(self, values: np.ndarray) -> Any:
        """Rows that do not fill whole blocks stay in half precision."""
        import gguf

        if values.ndim > 1 and values.shape[-1] % _BLOCK:
            return gguf.GGMLQuantizationType.F16
        return super()._kind(values)

    def same(self, values: np.ndarray, again: np.ndarray) -> bool:
        """Each number within half a step of its block, which is a 127th of the block's largest."""
        if values.ndim < 2 or values.shape[-1] % _BLOCK:
            return super().same(values, again)
        blocks = values.reshape(-1, _BLOCK)
        step = np.abs(blocks).max(1, keepdims=True) / 127
        rounded = 2.0**-10 * np.abs(blocks)
        return bool((np.abs(blocks - again.reshape(-1, _BLOCK)) <= _HALF_STEP * step + rounded).all())
