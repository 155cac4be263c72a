"""Which rows the copy leaves out, and which labels it writes otherwise: decided when all rows have been seen once.

Some thirty bytes are kept of a row, no text.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from luthier.errors import DataError, Problem
from luthier.fixing.mend import Mended
from luthier.formats.entities import LINES
from luthier.formats.format import AnyFormat
from luthier.language import t
from luthier.text.alike import alike_labels

LABELS, DROP, DEDUPLICATE, LEAKS = "labels", "drop", "deduplicate", "leaks"
KEPT, REPEATED, CONFLICTING, LEAKED = range(4)
"""Fates of a row. A conflicting one is kept, and named."""


class Seen:
    """What is kept of the rows of one file. file: its name. Rows that cannot be used have a place too."""

    def __init__(self, file: str, layout: AnyFormat) -> None:
        self.file, self._layout = file, layout
        self.columns: dict[str, None] = {}
        self.labels: Counter[str] = Counter()
        self._text, self._answer = array("q"), array("q")
        self._line, self._usable = array("q"), array("B")

    def __len__(self) -> int:
        return len(self._line)

    @property
    def own_columns(self) -> list[str]:
        """Without what the reader of word-a-line files adds."""
        return [name for name in self.columns if name != LINES]

    def add(self, row: Mended | Problem) -> None:
        """The next row, or what is wrong with it."""
        example = row.example if isinstance(row, Mended) else None
        self._usable.append(example is not None)
        self._text.append(hash(example.input) if example else 0)
        self._answer.append(hash(example.answer) if example else 0)
        self._line.append((example.place.line or 0) if example else 0)
        if example is None or isinstance(row, Problem):
            return
        if row.values.keys() != self.columns.keys():
            self.columns.update(dict.fromkeys(row.values))
        if isinstance(example.answer, str) and self._layout.stratum(example.answer) == example.answer:
            self.labels[example.answer] += 1

    def is_of(self, number: int, row: Mended | Problem) -> bool:
        """Whether a row is the one that was seen at this place."""
        text = hash(row.example.input) if isinstance(row, Mended) else 0
        return number < len(self) and self._usable[number] == isinstance(row, Mended) and self._text[number] == text

    @property
    def usable(self) -> np.ndarray:
        """Numbers of the rows that can be used, int64."""
        return np.flatnonzero(np.frombuffer(self._usable, np.uint8))

    @property
    def text(self) -> np.ndarray:
        """int64 [N], hashes of the inputs."""
        return np.frombuffer(self._text, np.int64)

    @property
    def answer(self) -> np.ndarray:
        """int64 [N], hashes of the answers."""
        return np.frombuffer(self._answer, np.int64)

    def line(self, number: int) -> int:
        return self._line[number]


@dataclass(frozen=True)
class Plan:
    """merged: spellings of labels to the one that is kept. fates: of each file, uint8 [N]. first: of each file and row,
    int64 [N], the row that a repeated or conflicting one is compared with."""

    merged: Mapping[str, str]
    fates: Sequence[np.ndarray]
    first: Sequence[np.ndarray]


def decide(files: Sequence[Seen], steps: Collection[str]) -> Plan:
    """files: those of training, of choice and of test, in this order. Errors: DataError where nothing is left."""
    merged = _merged(files) if LABELS in steps else {}
    plan = Plan(
        merged, [np.zeros(len(seen), np.uint8) for seen in files], [np.zeros(len(seen), np.int64) for seen in files]
    )
    known = np.empty(0, np.int64)
    for seen, fates, first in zip(files, plan.fates, plan.first, strict=True):
        rows = seen.usable
        if LEAKS in steps:
            leaked = np.isin(seen.text[rows], known)
            fates[rows[leaked]] = LEAKED
            rows = rows[~leaked]
        if not len(rows):
            what = t("no row would be left")
            fix = t("see what luthier check finds in it; or leave steps out: --steps")
            raise DataError.at(seen.file, what, fix, code="no-rows")
        known = np.union1d(known, seen.text[rows])
        if DEDUPLICATE in steps:
            _repeats(seen, rows, merged, fates, first)
    return plan


def _merged(files: Sequence[Seen]) -> dict[str, str]:
    counts: Counter[str] = Counter()
    for seen in files:
        counts.update(seen.labels)
    return {label: group[0] for group in alike_labels(counts) for label in group[1:]}


def _repeats(seen: Seen, rows: np.ndarray, merged: Mapping[str, str], fates: np.ndarray, first: np.ndarray) -> None:
    """Marks rows with the text of an earlier one: repeated where all rows of the text have one answer, otherwise
    conflicting, the earliest too."""
    text, answer = seen.text[rows], seen.answer[rows].copy()
    for label, kept in merged.items():
        answer[answer == hash(label)] = hash(kept)
    earliest, group = np.unique(text, return_index=True, return_inverse=True)[1:]
    differs = np.zeros(len(earliest), bool)
    differs[group[answer != answer[earliest][group]]] = True
    is_later = np.arange(len(rows)) != earliest[group]
    first[rows] = rows[earliest[group]]
    fates[rows[is_later & ~differs[group]]] = REPEATED
    fates[rows[differs[group]]] = CONFLICTING
