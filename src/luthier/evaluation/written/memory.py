"""What a model says in the words of its training answers: verbatim overlap, as in the memorisation studies of Carlini
et al. (2021, 2023), by runs of eight words; in scripts without spaces a word is a character."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.language import t
from luthier.metrics.overlap import words_of

RUN = 8
"""Words that have to follow each other as they do in a training answer."""
HALF = 0.5
_MOST_NAMED = 20

Gram = tuple[str, ...]


@dataclass(frozen=True)
class Copied:
    """number: of the answer. of: of the training answer that it is likest. share: of the answer's runs that stand in
    that one and not in the right answer. longest: words in a row that both have; words: of the answer."""

    number: int
    of: int
    share: float
    longest: int
    words: int


@dataclass(frozen=True)
class Memory:
    """judged: answers long enough to have a run. copied: of them those at least half of whose runs stand in one
    training answer. longest_share: on average over the judged, the longest common run's share of the answer."""

    judged: int
    copied: Sequence[Copied]
    longest_share: float

    @property
    def sentence(self) -> str:
        share = len(self.copied) / self.judged if self.judged else 0.0
        return t("{copied} of {judged} written answers ({share:.0%}) repeat a training answer by the half or more",
                 copied=len(self.copied), judged=self.judged, share=share)  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        rows = [vars(one) for one in self.copied[:_MOST_NAMED]]
        counts = {"judged": self.judged, "copied": len(self.copied), "longest_share": self.longest_share}
        return {**counts, "rows": rows, "sentence": self.sentence}


def memory_of(said: Sequence[str], right: Sequence[str], trained: Iterable[str]) -> Memory | None:
    """said: what the model wrote. right: what should stand there instead; what both share is no sign of learning by
    heart. trained: all training answers. None where every answer is shorter than a run."""
    words = [words_of(text) for text in said]
    places: dict[Gram, list[tuple[int, int]]] = defaultdict(list)
    for number, (own, allowed) in enumerate(zip(words, map(words_of, right), strict=True)):
        known = set(_grams(allowed))
        for i, gram in enumerate(_grams(own)):
            if gram not in known:
                places[gram].append((number, i))
    best: dict[int, Copied] = {}
    for of, text in enumerate(trained):
        for found in _against(of, words_of(text), places, words):
            if found.number not in best or _rank(found) > _rank(best[found.number]):
                best[found.number] = found
    judged = [number for number, own in enumerate(words) if len(own) >= RUN]
    if not judged:
        return None
    copied = sorted((one for one in best.values() if one.share >= HALF), key=_rank, reverse=True)
    longest = sum(one.longest / one.words for one in best.values()) / len(judged)
    return Memory(len(judged), copied, longest)


def _against(
    of: int, trained: Sequence[str], places: dict[Gram, list[tuple[int, int]]], words: Sequence[Sequence[str]]
) -> Iterable[Copied]:
    """What each answer has in common with one training answer."""
    positions: dict[int, set[int]] = defaultdict(set)
    runs: Counter[tuple[int, int]] = Counter()  # by answer and offset: how long the run is that ends at this word
    last: dict[tuple[int, int], int] = {}
    longest: Counter[int] = Counter()
    for j, gram in enumerate(_grams(trained)):
        for number, i in places.get(gram, ()):
            positions[number].add(i)
            line = (number, i - j)
            runs[line] = runs[line] + 1 if last.get(line) == j - 1 else RUN
            last[line] = j
            longest[number] = max(longest[number], runs[line])
    for number, found in positions.items():
        count = len(words[number])
        yield Copied(number, of, len(found) / (count - RUN + 1), longest[number], count)


def _grams(words: Sequence[str]) -> Iterable[Gram]:
    return zip(*(words[i:] for i in range(RUN)), strict=False)


def _rank(one: Copied) -> tuple[float, int]:
    return one.share, one.longest
