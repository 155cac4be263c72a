"""Arrays that need not stay in memory: they lie in a file that the system reads back, and drops, as it sees fit."""

from __future__ import annotations

import math
import tempfile

import numpy as np

_BLOCK = 64 * 2**20
"""Bytes mapped at a time: each block costs an open file."""
_ALIGNED = 64


class ArrayStore:
    """By key, each written once. What is got is a view into the file, which has no name and goes with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="luthier-")  # noqa: SIM115  lives as long as the store
        self._views: dict[str, np.ndarray] = {}
        self._block = np.zeros(0, np.uint8)
        self._used, self._bytes = 0, 0

    def __contains__(self, key: str) -> bool:
        return key in self._views

    def __getitem__(self, key: str) -> np.ndarray:
        return self._views[key]

    def put(self, key: str, array: np.ndarray) -> None:
        size = math.ceil(array.nbytes / _ALIGNED) * _ALIGNED
        if self._used + size > len(self._block):
            length = max(_BLOCK, size)
            self._file.truncate(self._bytes + length)
            self._block = np.memmap(self._file, np.uint8, "r+", offset=self._bytes, shape=(length,))
            self._bytes, self._used = self._bytes + length, 0
        view = self._block[self._used : self._used + array.nbytes].view(array.dtype).reshape(array.shape)
        view[...] = array
        view.flags.writeable = False
        self._used += size
        self._views[key] = np.asarray(view)
