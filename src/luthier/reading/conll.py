"""Tokens with tags, one a line, a blank line behind each sentence: the layout of CoNLL-2002 and its many kin."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from luthier.errors import Place, Problem, shown
from luthier.language import t
from luthier.reading.source import Source
from luthier.types import Row

COLUMNS = ("tokens", "tags")
ENDINGS = (".conll", ".bio", ".bio2", ".iob", ".iob2", ".bioes", ".bmes", ".bmeo")
_TAG = re.compile(r"O|[BIESLUMW][-_].+")
_PREFIXED = re.compile(r"[BIESLUMW][-_]")
_DOCUMENT = "-DOCSTART-"
_SEEN = 0.9
_LONGEST = 100_000
"""Tokens of one sentence: more stand only where the blank lines are missing."""


def looks_like_tokens(lines: Sequence[str], ending: str) -> bool:
    """Whether the first lines that are not blank are a token and its columns, the last one a tag.

    A table of texts and labels is no such file: its texts have spaces, or its labels are no tags.
    """
    rows = [_cells(line) for line in lines if not line.startswith((_DOCUMENT, "# "))]
    if not rows:
        return False
    width = Counter(map(len, rows)).most_common(1)[0][0]
    if width < 2:
        return False
    if ending in ENDINGS:
        return True
    tagged = [row for row in rows if len(row) == width and _TAG.fullmatch(row[-1]) and " " not in row[0].strip()]
    prefixed = any(_PREFIXED.match(row[-1]) for row in tagged)
    return prefixed and len(tagged) >= _SEEN * len(rows)


def read_sentences(source: Source) -> Iterator[Row | Problem]:
    """A row a sentence: tokens, tags and, for what is told about single tags, `_lines`, the line of each token.

    The tag stands in the last column. In the place of a sentence with a faulty line stand its faults.
    """
    width = _width(source)
    number, name = 0, source.name
    sentence = _Sentence(name, width)
    with source.open_lines() as lines:
        for line_number, line in enumerate(lines, 1):
            fault = lines.faults.pop(line_number, None) if lines.faults else None
            if fault is not None:
                sentence.problems.append(fault)
            elif line.strip() and not line.startswith(_DOCUMENT):
                sentence.take(line.rstrip("\r\n"), line_number)
            elif not sentence.is_empty:
                yield from sentence.rows(number)
                number += 1
                sentence = _Sentence(name, width)
    if not sentence.is_empty:
        yield from sentence.rows(number)


class _Sentence:
    def __init__(self, name: str, width: int) -> None:
        self._name, self._width = name, width
        self._tokens, self._tags, self._lines = list[str](), list[str](), list[int]()
        self._count = 0
        self.problems: list[Problem] = []

    @property
    def is_empty(self) -> bool:
        return not self._count and not self.problems

    def take(self, line: str, number: int) -> None:
        cells = _cells(line)
        if line.startswith("#") and not self._count and not (len(cells) == self._width and _TAG.fullmatch(cells[-1])):
            return  # a comment in front of the sentence
        self._count += 1
        if len(cells) != self._width:
            self.problems.append(_uneven(Place(self._name, number), cells, self._width))
        elif self._count <= _LONGEST:
            self._tokens.append(cells[0])
            self._tags.append(cells[-1])
            self._lines.append(number)

    def rows(self, number: int) -> Iterator[Row | Problem]:
        if self._count > _LONGEST:
            what = t("a sentence of {count:,} tokens", count=self._count)
            fix = t("leave a blank line behind each sentence")
            self.problems.append(Problem(Place(self._name, self._lines[0]), what, fix, "endless-sentence"))
        if self.problems:
            yield from self.problems
            return
        values = {"tokens": self._tokens, "tags": self._tags, "_lines": self._lines}
        yield Row(values, Place(self._name, self._lines[0]), number)


def _width(source: Source) -> int:
    """Columns of most of the first lines."""
    rows = [_cells(line) for line in source.first_lines(1000) if not line.startswith((_DOCUMENT, "# "))]
    return Counter(map(len, rows)).most_common(1)[0][0]


def _cells(line: str) -> list[str]:
    """Parted by tabs where there are any: a token may then hold a space."""
    return line.split("\t") if "\t" in line.strip() else line.split()


def _uneven(place: Place, cells: list[str], width: int) -> Problem:
    if len(cells) < width:
        what = t("{token} has {count} columns of {width}: is its tag missing?",
                 token=shown(cells[0]), count=len(cells), width=width)  # fmt: skip
        return Problem(place, what, t("write its tag, O where it belongs to no entity"), "conll-columns")
    what = t("{count} columns, the lines above have {width}", count=len(cells), width=width)
    return Problem(place, what, t("bring the line to {width} columns", width=width), "conll-columns")
