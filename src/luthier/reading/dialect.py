"""How a table in a text is written: what parts its cells, what quotes them; and whether it is one at all."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from luthier.errors import ConfigError, shown
from luthier.formats.known import all_formats
from luthier.language import t
from luthier.reading.source import Source

_DELIMITERS = (",", "\t", ";", "|")
_WRITTEN = {"\\t": "\t", "tab": "\t", "TAB": "\t"}
SAMPLE_LINES = 200
_QUOTING_LINES = 100_000
"""A text that begins with a quotation may come late."""
_EVEN = 0.9
_LONGEST_NAME = 40

Quoting = Literal[0, 3]
"""csv.QUOTE_MINIMAL or csv.QUOTE_NONE."""


@dataclass(frozen=True)
class Dialect:
    """quoting: whether quotes mean anything. mixed: among the first lines are cells in "…" and others in '…'."""

    delimiter: str
    quoting: Quoting = csv.QUOTE_MINIMAL
    quote: str = '"'
    mixed: bool = False

    def notes(self, ending: str) -> list[str]:
        """What is not as the file's ending promises, for people."""
        found: list[str] = []
        if self.delimiter != ("\t" if ending in (".tsv", ".tab") else ","):
            found.append(t("delimiter {delimiter}", delimiter={"\t": "tab"}.get(self.delimiter, self.delimiter)))
        if self.quoting == csv.QUOTE_NONE:
            found.append(t("quotes are plain characters"))
        elif self.quote != '"':
            found.append(t("cells are quoted with {quote}", quote=self.quote))
        return found


def find_dialect(source: Source, asked: str | None) -> Dialect:
    """asked: the delimiter that the user names. Errors: ConfigError where it is none."""
    lines = source.first_lines(SAMPLE_LINES)
    delimiter = guess_delimiter(lines, source.ending) if asked is None else _one_character(asked)
    cell = re.escape(delimiter)
    single = re.compile(rf"(?:^|{cell})'(?:[^']|'')*'(?={cell}|$)")
    double = re.compile(rf'(?:^|{cell})"')
    singles, doubles = (sum(bool(p.search(line)) for line in lines) for p in (single, double))
    quoting = _quoting(source, delimiter)
    if quoting == csv.QUOTE_MINIMAL and not doubles and singles > 1 and singles >= (len(lines) - 1) * 0.8:
        return Dialect(delimiter, quoting, "'")
    return Dialect(delimiter, quoting, mixed=quoting == csv.QUOTE_MINIMAL and 0 < singles < len(lines) and doubles > 0)


def guess_delimiter(lines: Sequence[str], ending: str) -> str:
    """The delimiter that cuts the first lines into the most even columns."""
    if ending in (".tsv", ".tab"):
        return "\t"
    counts = {d: [line.count(d) for line in lines] for d in _DELIMITERS}
    in_header = {d: n[0] for d, n in counts.items() if n and n[0]}
    evenness = {d: sum(c >= n for c in counts[d]) / len(lines) for d, n in in_header.items()}
    best = max(evenness.values(), default=0.0)
    even = [d for d in evenness if evenness[d] > best - 0.05]
    return max(even, key=lambda d: in_header[d], default=",")


def is_table(lines: Sequence[str], ending: str) -> bool:
    """Whether a text whose ending does not say so has columns: tabs in every line, or a line of names on top of lines
    of as many cells; one name counts where a format knows it."""
    if not lines:
        return False
    delimiter = guess_delimiter(lines, ending)
    if delimiter not in lines[0]:
        return lines[0].strip().strip('"').casefold() in _known_names()
    widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells)
    width, count = widths.most_common(1)[0]
    if width < 2 or count < _EVEN * widths.total():
        return False
    if delimiter == "\t":
        return True
    names = next(csv.reader(lines[:1], delimiter=delimiter))
    return len(names) == width and len(set(names)) == width and all(map(_is_name, names))


def _is_name(cell: str) -> bool:
    short = 0 < len(cell) <= _LONGEST_NAME and len(cell.split()) <= 3
    return short and cell == cell.strip() and cell[-1] not in ".!?。！？" and not cell.isdigit()


def _known_names() -> set[str]:
    return {name for layout in all_formats() for column in layout.columns for name in (column.name, *column.usual)}


def _one_character(asked: str) -> str:
    delimiter = _WRITTEN.get(asked, asked)
    if len(delimiter) != 1 or delimiter in '\r\n"\0':
        what, fix = t("data.delimiter is {value}", value=shown(asked)), t("it wants one character, such as ; or tab")
        raise ConfigError.at("data.delimiter", what, fix, code="bad-value")
    return delimiter


def _quoting(source: Source, delimiter: str) -> Quoting:
    """In tab-separated files a quote is often just a quote. Where one opens a cell and does not close it, both ways of
    reading are tried, and the one that fits more rows is taken."""
    if delimiter != "\t":
        return csv.QUOTE_MINIMAL
    with source.open_lines() as lines:
        begin = list(itertools.islice(lines, _QUOTING_LINES))
    cells = (cell for line in begin if '"' in line for cell in line.rstrip("\r\n").split("\t"))
    if not any(cell.startswith('"') and (len(cell) == 1 or not cell.endswith('"')) for cell in cells):
        return csv.QUOTE_MINIMAL
    quoted, plain = (_fitting(begin, delimiter, quoting) for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE))
    return csv.QUOTE_NONE if plain > quoted else csv.QUOTE_MINIMAL


def _fitting(lines: Sequence[str], delimiter: str, quoting: Quoting) -> int:
    """Lines that belong to records of the usual number of cells."""
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
    widths: Counter[int] = Counter()
    begin = 0
    while True:
        try:
            record = next(reader, None)
        except csv.Error:
            begin = reader.line_num
            continue
        if record is None:
            return widths.most_common(1)[0][1] if widths else 0
        widths[len(record)] += reader.line_num - begin
        begin = reader.line_num
