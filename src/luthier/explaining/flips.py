"""The fewest words without which the model would say something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from luthier.claims import LOG_ODDS, Claim
from luthier.explaining.asking import blank_id, numbers, taken
from luthier.explaining.explanation import Flip, Reason
from luthier.explaining.words import Word, texts_of, without_words
from luthier.inference.artifact import Predictor

MOST_WORDS = 5
_TRIED = 12
"""Words that are tried at each step, those first that speak most for the answer."""
_NOT_SAID = ("score", "start", "end")
"""Of what is shown, that which may change while the answer stays."""


def smallest_flip(
    predictor: Predictor, claim: Claim, input: Any, reason: Reason, *, most: int = MOST_WORDS
) -> Flip | None:
    """Found greedily: at each step the word goes without which the claim is weakest, until the answer changes; then
    every word is put back that is not needed. So no word of it can be left out, but another edit may be as small.
    most: words. input: as the user wrote it. None for a claim that is more or less so, as a number is."""
    if claim.unit != LOG_ODDS:
        return None
    search = _Search(predictor, claim, input)
    order = np.argsort(-np.array(reason.values), kind="stable")
    left = [reason.words[i] for i in order if reason.words[i].is_read]
    gone: list[Word] = []
    while left and len(gone) < most:
        tried = left[:_TRIED]
        found = numbers(predictor, claim, [search.windows([*gone, word]) for word in tried])
        word = tried[int(found.argmin())]
        gone.append(word)
        left.remove(word)
        if search.flips(gone, float(found.min())):
            return search.told(search.minimal(gone), most)
    return Flip((), most, claim.again is not None)


class _Search:
    def __init__(self, predictor: Predictor, claim: Claim, input: Any) -> None:
        self._predictor, self._claim, self._input = predictor, claim, input
        self._blank = blank_id(predictor.codec)
        self._was = self._answer(input)

    def windows(self, words: Sequence[Word]) -> Any:
        return taken(self._predictor, self._claim, self._input, words, self._blank)

    def flips(self, words: Sequence[Word], number: float | None = None) -> bool:
        """number: the claim's without these words, where it is known. A claim that outlives a change of the words is
        asked for its answer; the others hold as long as they are likelier than not."""
        if self._claim.again is None:
            value = numbers(self._predictor, self._claim, [self.windows(words)])[0] if number is None else number
            return bool(value < 0)
        return _said(self._answer(self._without(words))) != _said(self._was)

    def minimal(self, words: Sequence[Word]) -> list[Word]:
        """Without those that the answer changes without, the last taken being needed."""
        kept = list(words)
        for word in words[:-1]:
            fewer = [other for other in kept if other is not word]
            if self.flips(fewer):
                kept = fewer
        return sorted(kept, key=lambda word: (word.text, word.start))

    def told(self, words: Sequence[Word], most: int) -> Flip:
        if self._claim.again is None:
            return Flip(words, most, deleted=False)
        left = self._without(words)
        return Flip(words, most, True, texts_of(self._predictor.codec, left), self._answer(left))

    def _without(self, words: Sequence[Word]) -> Any:
        return without_words(self._predictor.codec, self._input, words)

    def _answer(self, input: Any) -> Any:
        task = self._predictor.codec.task
        return task.show(self._predictor.raw([input])[0])


def _said(shown: Any) -> Any:
    """What was said, without how sure and where."""
    if isinstance(shown, Mapping):
        return {key: _said(value) for key, value in shown.items() if key not in _NOT_SAID}
    if isinstance(shown, (list, tuple)):
        return sorted((_said(one) for one in shown), key=str)
    return shown
