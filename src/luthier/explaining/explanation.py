"""What an explanation holds, and how programs get it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.explaining.marked import fragment
from luthier.explaining.words import Word


@dataclass(frozen=True, eq=False)
class Reason:
    """Which words speak for one thing that was said, and which against it.

    about: what was said. unit: what `value` counts, as in luthier.claims. value: the claim's number of the text; base:
    of the text with all words hidden, None where nobody asked. words, values: each word and what it adds to the number.
    error: what the values miss of value - base; None where they are not meant to add up.
    """

    about: str
    unit: str
    value: float
    base: float | None
    words: Sequence[Word]
    values: Sequence[float]
    error: float | None

    def as_json(self, texts: Sequence[str]) -> dict[str, Any]:
        words = [
            {"text": w.text, "word": texts[w.text][w.start : w.end], "start": w.start, "end": w.end,
             "value": round(float(v), 6), **({} if w.is_read else {"unread": True})}
            for w, v in zip(self.words, self.values, strict=True)
        ]  # fmt: skip
        return {
            "about": self.about, "unit": self.unit, "value": self.value, "base": self.base,
            "completeness_error": self.error, "words": words,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Explanation:
    """input: as the task has it. texts: of the input, as the user wrote them. answer: as `predict` shows it. how:
    gradient, integrated or occlusion. reasons: one for each thing that was said."""

    input: Any = field(repr=False)
    texts: Sequence[str]
    answer: Any
    how: str
    reasons: Sequence[Reason]

    def as_json(self) -> dict[str, Any]:
        return {
            "texts": list(self.texts),
            "answer": self.answer,
            "method": self.how,
            "reasons": [reason.as_json(self.texts) for reason in self.reasons],
        }

    def html(self) -> str:
        """A piece of a page: the texts with their words marked, readable without colour and without a screen."""
        return fragment(self.as_json())
