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
    answers_apart: ClassVar[bool] = False
    """Whether a model reads the written answer as a sequence of its own, as a decoder behind an encoder does."""
    documents: ClassVar[str] = "line"
    """Of a plain text file what makes a row: a line, a paragraph, or a passage of several."""
    answers_are_places: ClassVar[bool] = False
    """Whether answers point into the text by characters, so that a text may change its length only with them."""
    several_layouts: ClassVar[bool] = False
    """Whether files with different columns may stand beside each other, because each row says how it is to be read."""
    texts_are_all: ClassVar[bool] = True
    """Whether an input is its texts and nothing else, so that rows with nearly equal texts are nearly equal."""

    @property
    def name(self) -> str:
        """The file's name."""
        return type(self).__module__.rpartition(".")[2]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    # ---- from the user's rows, and back

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

    @abstractmethod
    def as_row(self, input: InputT, answer: AnswerT) -> dict[str, Any]:
        """The inverse of `parse`: JSON-able values under the format's own column names, as a mended copy has them."""

    def repaired(self, row: Row) -> dict[str, Any]:
        """The cells of a row that mend a fault of it which can be mended in one way only, under the format's own column
        names; nothing where there is no such fault."""
        return {}

    # ---- what checks ask

    def remarks(self, example: Example[InputT, AnswerT]) -> Iterator[Problem]:
        """What is odd about a row that can be used all the same."""
        return iter(())

    def stratum(self, answer: AnswerT) -> Hashable:
        """The class of an answer, whose share every part of a split should keep; a frozenset of classes where a row
        has several; None where there are no classes."""
        return None

    def usual_shares(self, rows: int) -> tuple[float, float]:
        """Of so many rows, how large a part is held back for the test and for validation where nobody says."""
        return 0.2, 0.1

    def shared(self, input: InputT) -> Hashable:
        """What several rows have in common and what gives each other's answers away, so that a split keeps them
        together: the text that several questions are about. None where there is no such thing."""
        return None

    def number(self, answer: AnswerT) -> float | None:
        """The answer, where it is a number: what outliers are told by."""
        return None

    def identity(self, input: InputT) -> str:
        """The id that the file gives a row and that must not stand there twice; "" where it gives none."""
        return ""

    # ---- the texts in a row

    @abstractmethod
    def plain_text(self, input: InputT) -> str:
        """The input as one text: what duplicates are told by, what a baseline counts words of."""

    def told(self, input: InputT) -> str:
        """The input as people read it: who says what, where several speak."""
        return self.plain_text(input)

    def answer_text(self, answer: AnswerT) -> str:
        """What a person wrote in the answer, where that is a text; "" where it is a label or a number."""
        return ""

    def whole_text(self, input: InputT, answer: AnswerT) -> str:
        """Everything that people wrote in a row: the input's text and on new lines the answer's."""
        text, written = self.plain_text(input), self.answer_text(answer)
        return f"{text}\n{written}" if written else text

    def answer_spans(self, input: InputT, answer: AnswerT) -> list[tuple[int, int]]:
        """Where in `whole_text` lies what is learnt, as (start, end) in characters: entities, the answer to a
        question, what an assistant says. A model that reads less than that learns nothing from it. Empty where the
        answer is about the text as a whole."""
        written = self.answer_text(answer)
        start = len(self.plain_text(input)) + 1
        return [(start, start + len(written))] if written else []

    def texts(self, input: InputT) -> list[str]:
        """Every text in the input."""
        found: list[str] = []

        def keep(text: str) -> str:
            found.append(text)
            return text

        self.map_texts(input, keep)
        return found

    @abstractmethod
    def map_texts(self, input: InputT, change: Callable[[str], str]) -> InputT:
        """The input with every text in it changed, as cleaning does."""

    def map_answer(self, answer: AnswerT, change: Callable[[str], str], before: InputT, after: InputT) -> AnswerT:
        """The answer that belongs to the input after `map_texts`: its own texts are changed alike, and what points
        into the input's text moves with that text."""
        return answer


AnyFormat = Format[Any, Any]


def classes_of(stratum: Hashable) -> list[Hashable]:
    """The classes in what `Format.stratum` gives, in a fixed order: none, one or several."""
    if isinstance(stratum, frozenset):
        return sorted(stratum, key=str)
    return [] if stratum is None else [stratum]


def stratum_text(stratum: Hashable) -> str:
    """The same text for the same classes in every process, as the order of a set is not."""
    return "None" if stratum is None else "|".join(map(str, classes_of(stratum)))
