"""What one pass over all rows keeps of them: some thirty bytes a row, and the texts of a sample."""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

import numpy as np

from luthier.doctor.parts.dates import Dates
from luthier.errors import Place
from luthier.formats.format import AnyFormat
from luthier.text.shingling.pieces import Pieces
from luthier.types import PARTS, Example

MOST_ROWS = 50_000
"""Rows of the sample on which runs what costs more than a pass; with deep all rows are in it."""
_MOST_CHARACTERS = 100_000_000
"""In the sample's texts. Long documents make the sample smaller instead of the memory larger."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A row of the sample. number: among all rows. text: as the Piece has it."""

    number: int
    text: str
    example: Example[Any, Any]


@dataclass(frozen=True)
class Piece:
    """Some hundred rows on their way past the checks. first: the number of the first, counted over all parts.

    texts: of each row its input as one text, and behind it what a person wrote as the answer, if anybody did.
    """

    first: int
    part: str
    examples: Sequence[Example[Any, Any]]
    texts: Sequence[str]

    @cached_property
    def joined(self) -> str:
        """All texts in one: where a pattern is not in here, no row need be looked at."""
        return "\n".join(self.texts)


class Sample:
    """A uniform sample of rows that come one by one (Vitter 1985, algorithm R), the same for the same rows."""

    def __init__(self, capacity: int | None) -> None:
        self.rows: list[Sampled] = []
        self._capacity, self._seen, self._characters = capacity, 0, 0
        self._draw = random.Random(0)

    def add(self, row: Sampled) -> None:
        self._seen += 1
        if self._capacity is None or len(self.rows) < self._capacity:
            self.rows.append(row)
            self._characters += len(row.text)
        else:
            place = self._draw.randrange(self._seen)
            if place < self._capacity:
                self._characters += len(row.text) - len(self.rows[place].text)
                self.rows[place] = row
        if self._capacity is not None and self._characters > _MOST_CHARACTERS and len(self.rows) > 1:
            self._capacity = len(self.rows) // 2
            self.rows = self._draw.sample(self.rows, self._capacity)
            self._characters = sum(len(kept.text) for kept in self.rows)

    @property
    def is_whole(self) -> bool:
        """Whether every row is in it."""
        return len(self.rows) == self._seen


@dataclass
class Gathered:
    """Facts about all rows, by row number. Rows that cannot be used have none.

    labels: each class to its number, in the order of appearance. A row's `label` is -1 where there is none. Where a
    row has several classes, `label` is that of the set. text_hash, answer_hash: equal for equal inputs and answers.
    sample: in the order of the rows.
    """

    format: AnyFormat
    sample: Sample
    files: list[str] = field(default_factory=list)
    labels: dict[Hashable, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    """The format's names of columns to the file's."""
    dates: Dates = field(default_factory=Dates)
    near: np.ndarray | None = None
    """int64 [P, 2], near-duplicates in the sample, once somebody has looked for them."""
    _file: array[int] = field(default_factory=lambda: array("H"))
    _line: array[int] = field(default_factory=lambda: array("q"))
    _part: array[int] = field(default_factory=lambda: array("B"))
    _label: array[int] = field(default_factory=lambda: array("i"))
    _text: array[int] = field(default_factory=lambda: array("q"))
    _answer: array[int] = field(default_factory=lambda: array("q"))
    _characters: array[int] = field(default_factory=lambda: array("q"))
    _group: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self._line)

    def add(self, piece: Piece) -> None:
        """Takes in the next rows."""
        files, labels, stratum = self.files, self.labels, self.format.stratum
        part = PARTS.index(piece.part)
        for number, (example, text) in enumerate(zip(piece.examples, piece.texts, strict=True), piece.first):
            place = example.place
            if not files or files[-1] != place.file:
                files.append(place.file)
            self._file.append(len(files) - 1)
            self._line.append(place.line or 0)
            self._part.append(part)
            label = stratum(example.answer)
            self._label.append(-1 if label is None else labels.setdefault(label, len(labels)))
            self._text.append(hash(example.input))
            self._answer.append(hash(example.answer))
            self._characters.append(len(text))
            self._group.append(hash(example.group) if example.group else 0)
            self.sample.add(Sampled(number, text, example))

    @cached_property
    def label(self) -> np.ndarray:
        """int32 [N]."""
        return np.array(self._label, np.int32)

    @cached_property
    def part(self) -> np.ndarray:
        """uint8 [N], indices into PARTS."""
        return np.array(self._part, np.uint8)

    @cached_property
    def file(self) -> np.ndarray:
        """uint16 [N], indices into files."""
        return np.array(self._file, np.uint16)

    @cached_property
    def text_hash(self) -> np.ndarray:
        """int64 [N]."""
        return np.array(self._text, np.int64)

    @cached_property
    def answer_hash(self) -> np.ndarray:
        """int64 [N]."""
        return np.array(self._answer, np.int64)

    @cached_property
    def characters(self) -> np.ndarray:
        """int64 [N], of each row's text."""
        return np.array(self._characters, np.int64)

    @cached_property
    def group(self) -> np.ndarray:
        """int64 [N], equal for equal groups, 0 where a row has none."""
        return np.array(self._group, np.int64)

    @cached_property
    def label_names(self) -> list[Hashable]:
        return list(self.labels)

    @cached_property
    def label_counts(self) -> np.ndarray:
        """int64 [C], rows of each class in all parts."""
        return np.bincount(self.label[self.label >= 0], minlength=len(self.labels))

    def class_counts(self) -> list[tuple[str, int]]:
        """Each class with its rows, the commonest first; where a row has several, it counts for each of them."""
        counts: Counter[str] = Counter()
        for name, count in zip(self.labels, self.label_counts if len(self) else (), strict=True):
            for one in name if isinstance(name, frozenset) else (name,):
                counts[str(one)] += int(count)
        return counts.most_common()

    @property
    def has_sets(self) -> bool:
        """Whether a row may have several classes, or none."""
        return isinstance(next(iter(self.labels), None), frozenset)

    @property
    def text_column(self) -> str | None:
        """The format's name of the column of texts; None where there are several, or none of a row's own."""
        names = [column.name for column in self.format.columns if not column.is_answer and column.name in self.columns]
        return names[0] if len(names) == 1 else None

    @cached_property
    def sample_numbers(self) -> np.ndarray:
        """int64 [S], which rows are in the sample."""
        return np.array([row.number for row in self.sample.rows], np.int64)

    @cached_property
    def sample_texts(self) -> list[str]:
        """Of each row of the sample its input as one text, without what a person wrote as the answer."""
        return [self.format.plain_text(row.example.input) for row in self.sample.rows]

    @cached_property
    def sample_pieces(self) -> Pieces:
        return Pieces.of(self.sample_texts)

    @property
    def given_parts(self) -> list[str]:
        """The parts that have rows."""
        return [name for i, name in enumerate(PARTS) if (self.part == i).any()]

    def place(self, number: int, column: str | None = None) -> Place:
        """column: the format's name of it."""
        line = self._line[number]
        theirs = self.columns.get(column, column) if column else None
        return Place(self.files[self._file[number]], line or None, theirs)

    def places(self, numbers: Iterable[int] | np.ndarray, column: str | None = None) -> Places:
        """Of many rows, made only when they are looked at."""
        return Places(np.asarray(list(numbers) if not isinstance(numbers, np.ndarray) else numbers, np.int64),
                      lambda number: self.place(number, column))  # fmt: skip


class Places(Sequence[Place]):
    """Places of rows that are made only when they are looked at: of a million rows nobody reads more than a few."""

    def __init__(self, numbers: np.ndarray, place: Callable[[int], Place]) -> None:
        self.numbers, self._place = numbers, place

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> Place: ...
    @overload
    def __getitem__(self, index: slice) -> Places: ...
    def __getitem__(self, index: int | slice) -> Place | Places:
        if isinstance(index, slice):
            return Places(self.numbers[index], self._place)
        return self._place(int(self.numbers[index]))
