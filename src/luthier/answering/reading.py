"""What a model says of a question: for every piece of the context, how much likelier it is the answer than none.

P: tokens of a window that stand for a piece of the context. L: the most tokens of an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from luthier.answering.locate import places, tokens_of, with_marks
from luthier.formats.cells.moved import moved
from luthier.formats.questions import Answers
from luthier.types import Window

CERTAIN = 50.0
"""Log odds of an answer that came from no model: surer than any threshold."""


class Found(NamedTuple):
    """start, end: in characters of the context. odds: natural logarithm of how much likelier than no answer."""

    start: int
    end: int
    odds: float


@dataclass(frozen=True, eq=False)
class Part:
    """What the model says of one window. spans_P2: of its tokens, in characters. logits: [P + 1, 2] float32, that the
    answer starts and ends here; first those of the window's first token, which stands for no answer."""

    spans_P2: np.ndarray
    logits: np.ndarray

    def odds(self, most: int) -> np.ndarray:
        """[P, L]: of the answer that starts at a token and is 1, 2 … L tokens long; -inf where it would run out of
        the window. Every pair of a start and an end is there."""
        above_P2 = self.logits[1:] - self.logits[0]
        longest = min(most, len(above_P2))
        ends = np.concatenate([above_P2[:, 1], np.full(longest - 1, -np.inf, np.float32)])
        return above_P2[:, :1] + np.lib.stride_tricks.sliding_window_view(ends, longest)

    def loss(self, answers: Answers) -> float:
        """Cross entropy of start and end, as training has it, mean of both."""
        where = tokens_of(self.spans_P2, answers)
        targets = np.array([0, 0] if where is None else where) + (where is not None)
        peak_2 = self.logits.max(0)
        total_2 = peak_2 + np.log(np.exp(self.logits - peak_2).sum(0))
        return float((total_2 - self.logits[targets, [0, 1]]).mean())


@dataclass(frozen=True, eq=False)
class Reading:
    """context: the user's own. parts: of the model's windows; none where no model was asked. most: tokens of an answer.
    found: the best answer; None where there is none at all. mass: natural logarithm of the sum of the odds of all.
    none: the log odds of no answer, which is given where none is likelier; -inf where one has to be given.
    by_character: how the answer is compared with the right ones. kind: of question, its first word."""

    context: str
    parts: Sequence[Part]
    most: int
    found: Found | None
    mass: float
    none: float
    by_character: bool
    kind: str

    @property
    def said(self) -> str:
        """The answer; "" for none."""
        found = self.found
        return "" if found is None or found.odds < self.none else self.context[found.start : found.end]

    def ranked(self, count: int) -> list[tuple[Found, float]]:
        """So many answers at most, no answer (0, 0) among them where it is allowed, each with its probability; the
        likeliest first."""
        found = self.best(count) if count > 1 and self.parts else [self.found] if self.found else []
        none = [Found(0, 0, self.none)] if np.isfinite(self.none) else [] if found else [Found(0, 0, 0.0)]
        total = np.logaddexp.reduce([self.mass, *(answer.odds for answer in none)])
        ranked = sorted([*found, *none], key=lambda answer: -answer.odds)[:count]
        return [(answer, float(np.exp(answer.odds - total))) for answer in ranked]

    def best(self, count: int) -> list[Found]:
        """So many answers at most, the best first; each piece of the context once, however many windows hold it."""
        odds: dict[tuple[int, int], float] = {}
        for part in self.parts:
            for start, end, value in _best_of(part, self.most, count):
                odds[start, end] = max(value, odds.get((start, end), -np.inf))
        found = [Found(start, end, value) for (start, end), value in odds.items()]
        return sorted(found, key=lambda answer: (-answer.odds, answer.start, answer.end))[:count]

    def loss(self, answers: Answers) -> float:
        """Mean over the windows; NaN where no model was asked."""
        return float(np.mean([part.loss(answers) for part in self.parts])) if self.parts else float("nan")

    def moved(self, context: str) -> Reading:
        """The same about another wording of the context: what was read cleaned, in the places of what was written."""
        ends = [0, *accumulate(len(part.spans_P2) for part in self.parts)]
        spans = [tuple(span) for part in self.parts for span in part.spans_P2.tolist()]
        there = moved([*spans, *([] if self.found is None else [self.found[:2]])], self.context, context)
        parts = [
            replace(part, spans_P2=np.array(there[first:last], np.int32))
            for part, first, last in zip(self.parts, ends, ends[1:], strict=False)
        ]
        found = None if self.found is None else Found(*there[-1], self.found.odds)
        return replace(self, context=context, parts=parts, found=found)


def read_windows(
    context: str, windows: Sequence[Window], logits: Sequence[np.ndarray], most: int
) -> tuple[list[Part], float]:
    """The windows' parts and the mass of all answers. logits: of each window [T or more, 2]."""
    parts: list[Part] = []
    sums: list[float] = []
    for window, logits_T2 in zip(windows, logits, strict=True):
        inside = places(window)
        if len(inside) and window.spans is not None:
            spans_P2 = window.spans[inside].astype(np.int32)
            spans_P2[:, 1] = with_marks(context, spans_P2[:, 1])
            parts.append(Part(spans_P2, logits_T2[[0, *inside]]))
            odds_PL = parts[-1].odds(most)
            peak = float(odds_PL.max())
            sums.append(peak + float(np.log(np.exp(odds_PL - peak).sum())))
    return parts, float(np.logaddexp.reduce(sums)) if sums else -np.inf


def given(context: str, span: tuple[int, int] | None, by_character: bool, kind: str) -> Reading:
    """An answer that came from no model. span: in characters; None for no answer."""
    found = None if span is None else Found(*span, CERTAIN)
    return Reading(context, (), 1, found, CERTAIN if found else -np.inf, -np.inf, by_character, kind)


def _best_of(part: Part, most: int, count: int) -> list[Found]:
    odds_PL = part.odds(most)
    flat = odds_PL.ravel()
    count = min(count, int(np.isfinite(flat).sum()))
    if not count:
        return []  # weights that are no numbers any more
    chosen = [int(flat.argmax())] if count == 1 else np.argpartition(-flat, count - 1)[:count].tolist()
    made: list[Found] = []
    for first, more in (divmod(int(i), odds_PL.shape[1]) for i in chosen):
        start, end = int(part.spans_P2[first, 0]), int(part.spans_P2[first + more, 1])
        made.append(Found(start, end, float(odds_PL[first, more])))
    return made
