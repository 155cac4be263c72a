"""What a model read in a text: the probabilities of the words' tags, and the entities that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from luthier.formats.cells.moved import moved
from luthier.formats.marked.spans import Entity
from luthier.tagging.scheme import Scheme


@dataclass(frozen=True, eq=False)
class Reading:
    """words: int [U, 2], the places of the words that were tagged. log_probs: float32 [U, K], of each word's tags.
    path: int [U], the tags that were decided on, which break no rule. text: in which the words and entities lie.
    entities: with their scores, the mean probability of an entity's tags."""

    text: str
    words: np.ndarray
    log_probs: np.ndarray
    path: np.ndarray
    entities: tuple[tuple[Entity, float], ...]

    @property
    def spans(self) -> list[Entity]:
        return [entity for entity, _ in self.entities]

    def moved_to(self, read: str, written: str) -> Self:
        """In the text as it was written, before it was cleaned to what was read."""
        words = moved([(int(start), int(end)) for start, end in self.words], read, written)
        places = moved([entity[:2] for entity in self.spans], read, written)
        found = tuple(
            (Entity(start, end, entity.label), score)
            for (start, end), (entity, score) in zip(places, self.entities, strict=True)
            if start < end
        )
        return replace(self, text=written, words=np.array(words, np.int64).reshape(-1, 2), entities=found)


def read_tags(scheme: Scheme, text: str, words_U2: np.ndarray, log_probs_UK: np.ndarray) -> Reading:
    """The best tags that break no rule, and their entities."""
    path_U = scheme.best_path(log_probs_UK)
    sure_U = np.exp(log_probs_UK[np.arange(len(path_U)), path_U])
    found = tuple(
        (Entity(int(words_U2[first, 0]), int(words_U2[last - 1, 1]), label), float(sure_U[first:last].mean()))
        for first, last, label in scheme.read(path_U)
    )
    return Reading(text, words_U2, log_probs_UK, path_U, found)
