"""Running text to documents: which lines of a plain text file belong together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from luthier.errors import Problem
from luthier.types import Row

LINE, PARAGRAPH, PASSAGE = "line", "paragraph", "passage"
_LENGTH = 5000
"""Characters after which a passage ends at the next empty line; at twice as many it ends with the line."""


def joined_lines(rows: Iterator[Row | Problem], documents: str) -> Iterator[Row | Problem]:
    """rows: of plain text, a line each, with its place. documents: "line" leaves them; "paragraph" joins what no empty
    line parts; "passage" joins paragraphs, so that nothing between the lines is lost but where one passage ends.

    A passage has about 5,000 characters: a book becomes many rows, which can be split into parts and judged one by one.
    """
    if documents == LINE:
        yield from rows
        return
    number, open_one = 0, _Lines()
    for row in rows:
        ends = isinstance(row, Problem) or open_one.ends_before(row, documents)
        if ends and open_one.parts:
            yield open_one.row(number)
            number, open_one = number + 1, _Lines()
        if isinstance(row, Problem):
            yield row
        else:
            open_one.add(row)
    if open_one.parts:
        yield open_one.row(number)


@dataclass
class _Lines:
    """The document that is being read. length: in characters. last: the line before the next."""

    parts: list[str] = field(default_factory=list)
    first: Row | None = None
    last: Row | None = None
    length: int = 0

    def ends_before(self, row: Row, documents: str) -> bool:
        if self.last is None:
            return False
        if row.place.file != self.last.place.file:
            return True
        parted = _empty_between(self.last, row) > 0
        if documents == PARAGRAPH:
            return parted
        return self.length >= (_LENGTH if parted else 2 * _LENGTH)

    def add(self, row: Row) -> None:
        text = str(row.values["text"])
        if self.last is not None:
            self.parts.append("\n" * (1 + _empty_between(self.last, row)))
        self.parts.append(text)
        self.first, self.last = self.first or row, row
        self.length += len(text) + 1

    def row(self, number: int) -> Row:
        assert self.first is not None
        return Row({"text": "".join(self.parts)}, self.first.place, number)


def _empty_between(before: Row, after: Row) -> int:
    """Lines that were left out because nothing stands in them."""
    return max(0, (after.place.line or 0) - (before.place.line or 0) - 1)
