"""Vectors as a file of numpy's own format, written row by row: as many as there are, in the memory of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from luthier.files import whole_file


@contextmanager
def vector_file(path: Path) -> Iterator[Callable[[np.ndarray | None], None]]:
    """Gives what writes a row, float32; None writes NaN. The file appears whole when the block ends.

    The header, which tells the number of rows, is written again at the end: numpy leaves room in it for that."""
    rows, size, waiting = 0, 0, 0
    with whole_file(path) as temporary, temporary.open("wb") as file:

        def header() -> None:
            shape = {"descr": "<f4", "fortran_order": False, "shape": (rows, size)}
            npy.write_array_header_1_0(file, shape)

        def write(row: np.ndarray | None) -> None:
            nonlocal rows, size, waiting
            if row is None and not size:
                waiting += 1  # how long a row is, the first vector tells
                return
            if not size and row is not None:
                size = len(row)
                header()
                file.write(np.full((waiting, size), np.nan, "<f4").tobytes())
                rows += waiting
            file.write((np.full(size, np.nan) if row is None else row).astype("<f4").tobytes())
            rows += 1

        yield write
        rows = rows or waiting
        file.seek(0)
        header()
