"""Which words must stay, so that a changed text still has its answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from luthier.text.words import core, is_negation, name_words, units

_FEWEST = 3
"""Rows that a word must stand in before it is said to tell a class."""


@dataclass(frozen=True)
class Safety:
    """named: words of the labels' names. telling: words that go with one class: from which the class is guessed at
    least half of the way between its share of all rows and certainty. All of them cores."""

    named: frozenset[str] = frozenset()
    telling: frozenset[str] = frozenset()

    @classmethod
    def of(cls, texts: Sequence[str], classes: Sequence[Hashable]) -> Safety:
        """classes: of each text, None for a task without."""
        if None in classes:
            return cls()
        shares = {name: count / len(classes) for name, count in Counter(classes).items()}
        named = frozenset(word for name in shares for word in name_words(str(name)))
        met: dict[str, Counter[Hashable]] = defaultdict(Counter)
        for text, name in zip(texts, classes, strict=True):
            for word in {core(unit) for unit in units(text)}:
                met[word][name] += 1
        telling: set[str] = set()
        for word, counts in met.items():
            name, count = counts.most_common(1)[0]
            guess = (count + shares[name]) / (counts.total() + 1)
            if counts.total() >= _FEWEST and guess >= (1 + shares[name]) / 2:
                telling.add(word)
        return cls(named, frozenset(telling))

    def stays(self, unit: str) -> bool:
        """Whether a word is neither dropped nor moved: it is part of a label's name, or turns the sentence round."""
        word = core(unit)
        return word in self.named or is_negation(word)

    def is_replaceable(self, unit: str) -> bool:
        """Whether another word may stand in its place: not for a number or a sign, nor where the class hangs on it."""
        word = core(unit)
        return word.isalpha() and word not in self.telling and not self.stays(unit)
