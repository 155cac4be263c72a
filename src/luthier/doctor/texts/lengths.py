"""How long are the texts, and is one of them no text but half a file?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from luthier.data.findings import WARNING
from luthier.doctor.check import Check
from luthier.doctor.gathered import Gathered
from luthier.language import t
from luthier.types import Finding

_LONG = 100_000
"""Characters: more than any encoder reads, more than a chapter of a book."""


class Lengths(Check):
    """long-cell."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
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
