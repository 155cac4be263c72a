"""Plain text: a line is a row."""

from __future__ import annotations

from collections.abc import Iterator

from luthier.errors import Place, Problem
from luthier.reading.source import Source
from luthier.types import Row

COLUMNS = ("text",)


def read_prose(source: Source) -> Iterator[Row | Problem]:
    """Lines without their ends; blank ones are left out, and counted."""
    number, name = 0, source.name
    with source.open_lines() as lines:
        faults = lines.faults
        for line_number, line in enumerate(lines, 1):
            if faults and (fault := faults.pop(line_number, None)):
                yield fault
            elif line.strip():
                yield Row({"text": line.rstrip("\r\n")}, Place(name, line_number), number)
            else:
                continue
            number += 1
