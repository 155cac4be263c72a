"""Several training sets, each with its share of the rows that training shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.types import Example


@dataclass(frozen=True)
class Mixture:
    """names: of the sets, as the user named them. shares: of each set of the rows shown; 1 together. set_of: of each
    file, as it stands in the places of its rows, the number of its set."""

    names: Sequence[str]
    shares: Sequence[float]
    set_of: Mapping[str, int]

    def sets(self, examples: Sequence[Example[Any, Any]]) -> np.ndarray:
        """[N], the number of each row's set."""
        return np.array([self.set_of[example.place.file] for example in examples], np.int64)

    def rates(self, sets_N: np.ndarray) -> list[float]:
        """Of each set, how often an epoch shows a row of it on average: at most once. The epoch ends where the first
        set has been shown whole; of the others it shows as many rows as their shares ask for. sets_N: one row at least.
        """
        counts = np.bincount(sets_N, minlength=len(self.names)).tolist()
        rows = min(count / share for count, share in zip(counts, self.shares, strict=True) if count)
        return [share * rows / max(1, count) for count, share in zip(counts, self.shares, strict=True)]
