"""Of rows that belong to several parts those of one, as they would be alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from luthier.errors import DataError
from luthier.formats.several.parts import Pairs
from luthier.parts.windows import bare
from luthier.seen import Frozen, Seen
from luthier.task import AnyTask
from luthier.types import Example


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


def place_each(
    parts: Mapping[str, AnyTask], predictions: Sequence[Mapping[str, Any]], answers: Sequence[Pairs]
) -> tuple[dict[str, AnyTask], str, bool]:
    """Every part with its own decisions placed by validation rows, what to tell of it, and whether something lies in
    the Codec alone. Shifts stay in the part's task: heads that share an encoder are read by Luthier only."""
    made, notes, apart = dict(parts), [], False
    for name, part in parts.items():
        rows = numbers_of(name, answers)
        if rows and part.needs_placing():
            own = part.placed([predictions[i][name] for i in rows], answers_of(name, answers))
            made[name] = own.task if own.shifts_C is None else own.task.with_shifts(own.shifts_C)
            notes += [f"{name}: {own.note}"] if own.note else []
            apart = apart or own.apart
    return made, "\n".join(notes), apart


def read_each(parts: Mapping[str, AnyTask], value: Any) -> Pairs:
    """By part the value as its input; without parts that cannot read it. Errors: DataError, the first's where none
    can."""
    found: dict[str, Any] = {}
    errors: list[DataError] = []
    for name, part in parts.items():
        try:
            found[name] = part.as_input(value)
        except DataError as error:
            errors.append(error)
    if not found:
        raise errors[0]
    return tuple(found.items())
