"""A check that looks at one text at a time: which rows have the fault, and what does the first look like?"""

from __future__ import annotations

from abc import abstractmethod
from array import array
from collections.abc import Iterable

from luthier.doctor.check import Check, Context
from luthier.doctor.gathered import Gathered, Piece
from luthier.types import Finding


class TextFault(Check):
    """rows: numbers of those that have it. sample: what `fault` said of the first of them."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.rows: array[int] = array("q")
        self.sample = ""

    @abstractmethod
    def is_possible(self, joined: str) -> bool:
        """Whether one of many texts, joined by line breaks, may have it; quick, and never wrong when it says no."""

    @abstractmethod
    def fault(self, text: str) -> str | None:
        """What is wrong, as a user should see it; None where nothing is."""

    @abstractmethod
    def told(self, data: Gathered) -> Iterable[Finding]:
        """Asked where there are rows."""

    def see(self, piece: Piece) -> None:
        if not self.is_possible(piece.joined):
            return
        for number, text in enumerate(piece.texts, piece.first):
            fault = self.fault(text)
            if fault is not None:
                self.rows.append(number)
                self.sample = self.sample or fault

    def findings(self, data: Gathered) -> Iterable[Finding]:
        if self.rows:
            yield from self.told(data)


def around(text: str, start: int, end: int, reach: int = 25) -> str:
    """The text about a place, with dots where it is cut."""
    left, right = max(0, start - reach), min(len(text), end + reach)
    return ("…" if left else "") + text[left:right] + ("…" if right < len(text) else "")
