"""Of rows that belong to several parts those of one, as they would be alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from luthier.formats.several.parts import Pairs
from luthier.parts.windows import bare
from luthier.types import Example, Frozen, Seen


def numbers_of(part: str, answers: Sequence[Pairs]) -> list[int]:
    """Which rows have an answer of the part."""
    return [i for i, answer in enumerate(answers) if any(name == part for name, _ in answer)]


def answers_of(part: str, answers: Sequence[Pairs]) -> list[Any]:
    return [own for answer in answers for name, own in answer if name == part]


def examples_of(part: str, examples: Sequence[Example[Pairs, Pairs]]) -> list[Example[Any, Any]]:
    mine = numbers_of(part, [example.answer for example in examples])
    return [
        replace(examples[i], input=dict(examples[i].input)[part], answer=dict(examples[i].answer)[part]) for i in mine
    ]


def wrapped(part: str, example: Example[Any, Any]) -> Example[Pairs, Pairs]:
    """The inverse, for one part."""
    return replace(example, input=((part, example.input),), answer=((part, example.answer),))


def frozen_of(part: str, frozen: Frozen[Pairs, Pairs]) -> Frozen[Any, Any]:
    def own(seen: Seen[Pairs, Pairs]) -> Seen[Any, Any]:
        features = seen.features.rows(numbers_of(part, seen.answers))
        windows = [bare(window) for window in features.windows]
        return Seen(examples_of(part, seen.examples), replace(features, windows=windows))

    checked = own(frozen.validation) if frozen.validation else None
    return Frozen(own(frozen.train), checked if checked and checked.examples else None, own(frozen.judged))
