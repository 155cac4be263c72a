"""Are there groups with rows on both sides of a given split?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from luthier.data.findings import WARNING
from luthier.doctor.check import Check
from luthier.doctor.gathered import Gathered
from luthier.errors import shown
from luthier.language import t
from luthier.types import PARTS, Finding

_NAMED = 5


class Groups(Check):
    """group-leak: rows to validate or test on whose group training has seen. Where no group is named there are none."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        for i, name in enumerate(PARTS[1:], 1):
            rows = np.flatnonzero((data.part == i) & (data.group != 0))
            seen = np.unique(data.group[(data.part < i) & (data.group != 0)])
            leaked = rows[np.isin(data.group[rows], seen)]
            if len(leaked):
                groups = np.unique(data.group[leaked])
                known = {hash(row.example.group): row.example.group for row in data.sample.rows if row.example.group}
                named = [shown(known[group], 30) for group in groups.tolist() if group in known]
                names = ", ".join(named[:_NAMED]) + (" …" if len(groups) > _NAMED else "")
                what = t("{count} of {all} {part} rows are of {groups} groups that training has rows of ({names})",
                         count=len(leaked), all=int((data.part == i).sum()), part=t(name), groups=len(groups),
                         names=names)  # fmt: skip
                fix = t("give all rows as data.train alone: data.split.group then keeps each group on one side")
                yield Finding(WARNING, "group-leak", what, fix, data.places(leaked))
