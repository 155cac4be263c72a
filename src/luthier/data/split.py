"""Which examples train, which choose the checkpoint, which judge the result. How they are chosen: see splitting/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from luthier.types import AnswerT, Example, InputT


@dataclass(frozen=True)
class Split(Generic[InputT, AnswerT]):
    """train moves weights, validation chooses among what was trained, test is looked at once, at the end.

    validation or test may be empty. notes: what could not be done as asked, for the report.
    """

    train: Sequence[Example[InputT, AnswerT]]
    validation: Sequence[Example[InputT, AnswerT]]
    test: Sequence[Example[InputT, AnswerT]]
    notes: tuple[str, ...] = ()

    def part(self, name: str) -> Sequence[Example[InputT, AnswerT]]:
        return getattr(self, name)
