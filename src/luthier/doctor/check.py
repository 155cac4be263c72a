"""What a check is: one question to the data, told every row once, asked for its findings at the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from tokenizers import Tokenizer

from luthier.doctor.gathered import Gathered, Piece
from luthier.formats.format import AnyFormat
from luthier.types import Finding


@dataclass(frozen=True)
class Context:
    """What checks may use beside the rows.

    tokenizer, max_length: of the model that will be tuned, None where none is known. embed: texts to unit vectors
    [N, D] by the untuned model, None where there is none. deep: costly checks look at every row and use all means.
    split_told: the user said by what column to split.
    """

    format: AnyFormat
    tokenizer: Tokenizer | None = None
    max_length: int | None = None
    embed: Callable[[Sequence[str]], np.ndarray] | None = None
    deep: bool = False
    split_told: bool = False


class Check(ABC):
    """One question. It keeps little of a row: memory must not grow by more than some bytes each.

    costly: takes seconds; left out where the data are refused anyway.
    """

    costly: ClassVar[bool] = False

    def __init__(self, context: Context) -> None:
        self.context = context

    def see(self, piece: Piece) -> None:  # noqa: B027  a check that only looks at what was gathered sees no rows
        """The next rows."""

    @abstractmethod
    def findings(self, data: Gathered) -> Iterable[Finding]:
        """After the last row."""

    def notes(self) -> list[str]:
        """What was not looked for, and why, known after `findings`."""
        return []

    def facts(self) -> dict[str, Any]:
        """Numbers for the page, JSON-able, known after `findings`."""
        return {}
