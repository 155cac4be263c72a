"""What a layout of labelled rows is: which columns it has, how a row is read, which texts people wrote in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic

from luthier.errors import Problem
from luthier.types import AnswerT, Column, Example, InputT, Row


class Format(ABC, Generic[InputT, AnswerT]):
    """A layout of rows, without any state. InputT and AnswerT are hashable: splits and checks compare them."""

    columns: ClassVar[tuple[Column, ...]]
    tasks: ClassVar[tuple[str, ...]]
    """Names of the tasks whose data look like this, the commonest first."""

    @property
    def name(self) -> str:
        """The file's name."""
        return type(self).__module__.rpartition(".")[2]

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        """How surely rows are of this format, 0 to 1, judged by the file's column names and the values of its first
        rows; 0 where another format may read them as well."""
        return 0.0

    @abstractmethod
    def parse(self, row: Row) -> Example[InputT, AnswerT]:
        """Reads a row under the format's own column names. Errors: DataError with the place; a row for which it is
        raised cannot be used."""

    @abstractmethod
    def parse_input(self, row: Row) -> InputT:
        """Reads a row that may have no answer."""

    def remarks(self, example: Example[InputT, AnswerT]) -> Iterator[Problem]:
        """What is odd about a row that can be used all the same."""
        return iter(())

    def stratum(self, answer: AnswerT) -> Hashable:
        """The class of an answer, whose share every part of a split should keep; a frozenset of classes where a row
        has several; None where there are no classes."""
        return None

    @abstractmethod
    def plain_text(self, input: InputT) -> str:
        """The input as one text: what duplicates are told by, what a baseline counts words of."""

    def answer_text(self, answer: AnswerT) -> str:
        """What a person wrote in the answer, where that is a text; "" where it is a label or a number."""
        return ""

    @abstractmethod
    def map_texts(self, input: InputT, change: Callable[[str], str]) -> InputT:
        """The input with every text in it changed, as cleaning does."""


AnyFormat = Format[Any, Any]
