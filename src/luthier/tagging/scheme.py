"""The tags of a scheme: entities as tags, tags as entities, and the best sequence that breaks no rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from luthier.formats.marked.spans import Entity
from luthier.types import IGNORE

OUTSIDE = 0
"""The number of the tag O. The tags of the first type come next, then those of the second …"""


@dataclass(frozen=True)
class Scheme:
    """BIO (IOB2): B begins an entity, I goes on. ends: BIOES, in which E ends one and S is one of a single word
    (Ratinov and Roth 2009). labels: the types."""

    labels: tuple[str, ...]
    ends: bool = False

    @property
    def prefixes(self) -> str:
        return "BIES" if self.ends else "BI"

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """By number: O, B-first, I-first …"""
        return ("O", *(f"{prefix}-{label}" for label in self.labels for prefix in self.prefixes))

    def write(self, words_U2: np.ndarray, entities: Sequence[Entity]) -> np.ndarray:
        """int64 [U]: the number of each word's tag; IGNORE where the type is unknown. An entity has the words that it
        overlaps. words: in the order of the text; where they are but a window of it, its first word may go on with an
        entity and its last be left open."""
        tags_U = np.zeros(len(words_U2), np.int64)
        taken = 0
        for entity in entities:
            first = max(taken, int(np.searchsorted(words_U2[:, 1], entity.start, "right")))
            taken = max(first, int(np.searchsorted(words_U2[:, 0], entity.end, "left")))
            if first == taken:
                continue
            label = self._number.get(entity.label)
            if label is None:
                tags_U[first:taken] = IGNORE
                continue
            begins = first > 0 or words_U2[0, 0] <= entity.start
            closes = taken < len(words_U2) or words_U2[-1, 1] >= entity.end
            tags_U[first:taken] = self._run(label, taken - first, begins, closes)
        return tags_U

    def _run(self, label: int, length: int, begins: bool, closes: bool) -> np.ndarray:
        """The tags of an entity's words. begins, closes: whether its own first and last word are among them."""
        kinds = np.ones(length, np.int64)
        kinds[0] = 0 if begins else 1
        if self.ends and closes:
            kinds[-1] = 3 if length == 1 and begins else 2
        return 1 + label * len(self.prefixes) + kinds

    def read(self, tags_U: np.ndarray) -> list[tuple[int, int, str]]:
        """(first word, behind the last word, type) of each entity. tags: that break no rule."""
        kinds_U = (tags_U - 1) % len(self.prefixes)
        firsts = np.flatnonzero((tags_U > OUTSIDE) & ((kinds_U == 0) | (kinds_U == 3)))
        if not len(firsts):
            return []
        breaks = np.flatnonzero((tags_U == OUTSIDE) | (kinds_U == 0) | (kinds_U == 3))
        behind = np.append(breaks, len(tags_U))[np.searchsorted(breaks, firsts, "right")]
        labels = (tags_U[firsts] - 1) // len(self.prefixes)
        return [(int(a), int(b), self.labels[c]) for a, b, c in zip(firsts, behind, labels, strict=True)]

    def best_path(self, scores_UK: np.ndarray) -> np.ndarray:
        """int64 [U]: the tags with the highest sum of scores (log-probabilities) among all sequences that break no
        rule (Viterbi 1967). A step costs O(K): what may come before a tag hangs on no more than its own type."""
        greedy_U = scores_UK.argmax(1)
        return greedy_U if self.is_valid(greedy_U) else self._viterbi(scores_UK)

    def is_valid(self, tags_U: np.ndarray) -> bool:
        """Whether every I and E goes on with an entity of its type, and in BIOES every entity is closed."""
        if not len(tags_U):
            return True
        opens_U, goes_on_U = self._opens[tags_U], self._goes_on[tags_U]
        before_U = np.append(OUTSIDE, tags_U[:-1])
        follows = np.append(False, opens_U[:-1]) & (self._type[before_U] == self._type[tags_U])
        if self.ends and (opens_U & ~np.append(goes_on_U[1:], False)).any():
            return False
        return bool((follows | ~goes_on_U).all())

    def _viterbi(self, scores_UK: np.ndarray) -> np.ndarray:
        width = len(self.prefixes)
        goes_on_K = self._goes_on
        may_stand_last = ~self._opens if self.ends else np.ones(len(self.tags), bool)
        best_K = np.where(goes_on_K, -np.inf, scores_UK[0])
        back_UK = np.zeros(scores_UK.shape, np.int64)
        begun = 1 + width * np.arange(len(self.labels))
        for u in range(1, len(scores_UK)):
            closed = int(np.where(may_stand_last, best_K, -np.inf).argmax())
            inner = np.where(best_K[begun + 1] > best_K[begun], begun + 1, begun)
            back_UK[u] = np.where(goes_on_K, np.append(OUTSIDE, np.repeat(inner, width)), closed)
            best_K = best_K[back_UK[u]] + scores_UK[u]
        path_U = np.empty(len(scores_UK), np.int64)
        path_U[-1] = np.where(may_stand_last, best_K, -np.inf).argmax()
        for u in range(len(scores_UK) - 1, 0, -1):
            path_U[u - 1] = back_UK[u, path_U[u]]
        return path_U

    @cached_property
    def _number(self) -> Mapping[str, int]:
        return {label: i for i, label in enumerate(self.labels)}

    @cached_property
    def _opens(self) -> np.ndarray:
        """bool [K]: B and I, behind which an entity may go on."""
        return np.array([tag[:2] in ("B-", "I-") for tag in self.tags])

    @cached_property
    def _goes_on(self) -> np.ndarray:
        """bool [K]: I and E."""
        return np.array([tag[:2] in ("I-", "E-") for tag in self.tags])

    @cached_property
    def _type(self) -> np.ndarray:
        return np.append(-1, np.repeat(np.arange(len(self.labels)), len(self.prefixes)))
