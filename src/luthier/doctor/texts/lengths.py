"""How long are the texts, and is one of them no text but half a file?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from luthier.data.findings import WARNING
from luthier.doctor.check import Check, Context
from luthier.doctor.gathered import Gathered
from luthier.language import t
from luthier.types import Finding

_LONG = 100_000
"""Characters: more than any encoder reads, more than a chapter of a book."""
_BARS = 30


class Lengths(Check):
    """long-cell."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._histogram: dict[str, Any] = {}

    def findings(self, data: Gathered) -> Iterable[Finding]:
        self._histogram = histogram(data.characters)
        rows = np.flatnonzero(data.characters >= _LONG)
        if len(rows):
            rows = rows[np.argsort(-data.characters[rows], kind="stable")]
            longest, typical = int(data.characters[rows[0]]), int(np.median(data.characters))
            what = t("{count} texts are longer than {limit:,} characters, the longest {longest:,}; half of all texts "
                     "have at most {typical:,}", count=len(rows), limit=_LONG, longest=longest,
                     typical=typical)  # fmt: skip
            most = self.context.max_length
            cut = t("; the model reads the first {most} tokens of each", most=most) if most else ""
            fix = t("is a quotation mark missing, or is a cell a whole document? cut it into passages") + cut
            yield Finding(WARNING, "long-cell", what, fix, data.places(rows, data.text_column))

    def facts(self) -> dict[str, Any]:
        return self._histogram


def histogram(values: np.ndarray, limit: int | None = None) -> dict[str, Any]:
    """Bars of equal width up to the 99.5th percentile, the last one open: what lies above is in it. limit: a value
    that the bars must reach. edges: [bars + 1]."""
    top = max(float(np.quantile(values, 0.995)), float(limit or 0), 1.0)
    width = max(1, int(np.ceil(top / _BARS)))
    edges = np.arange(0, (int(values.max()) // width + 2) * width, width)[: _BARS + 1]
    counts = np.bincount(np.minimum(values // width, len(edges) - 2).astype(np.int64), minlength=len(edges) - 1)
    return {
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "median": int(np.median(values)),
        "most": int(values.max()),
    }
