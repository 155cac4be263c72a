"""The texts from which a tokenizer is learnt, drawn from data of any kind without holding them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from luthier.config.schema import Settings
from luthier.data.columns import find_columns
from luthier.data.passages import PASSAGE
from luthier.data.rows import parse_rows
from luthier.errors import DataError, Problem
from luthier.formats.format import AnyFormat
from luthier.formats.known import format_of_task, guess_format
from luthier.language import t
from luthier.preparing.rows import documents, open_parts
from luthier.reading.read import Table
from luthier.types import Row

_HELD_EVERY = 50
_MOST_HELD = 1_000_000
_MOST_CHARACTERS = 200_000_000
"""What is learnt from at most: counting the pieces of more text takes much memory and changes few of them."""


@dataclass
class Texts:
    """rows, characters: what was learnt from. held: texts that were kept aside, to judge on. unusable: rows that could
    not be read. full: whether there was more text than is learnt from."""

    table: Table
    layout: AnyFormat
    rows: Iterator[Problem | str]
    count: int = 0
    characters: int = 0
    unusable: int = 0
    full: bool = False
    held: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        """To be drawn once. Every 50th text is kept aside. Errors: DataError where there is none."""
        kept = 0
        first = ""
        for number, text in enumerate(self.rows):
            if isinstance(text, Problem):
                self.unusable += 1
            elif number % _HELD_EVERY == _HELD_EVERY - 1 and kept < _MOST_HELD:
                kept += len(text)
                self.held.append(text)
            elif self.characters >= _MOST_CHARACTERS:
                self.full = True
                break
            else:
                self.count, self.characters, first = self.count + 1, self.characters + len(text), first or text
                yield text
        if not self.count:
            raise DataError.at(self.table.name, t("has no text"), t("name data with text in it"), code="no-rows")
        self.held = self.held or [first]


def open_texts(settings: Settings) -> Texts:
    """Everything that people wrote in the rows of data.train. Errors: ConfigError, DataError."""
    tables, _ = open_parts(settings.data, "tokenizer", shared=False)
    table = tables["train"]
    named = settings.task.get("name", "auto")
    columns = settings.data.columns
    layout = guess_format(table.columns, table.first, columns) if named == "auto" else format_of_task(named)
    try:
        found = find_columns(table.columns, layout.columns, columns, table.head, first=table.first)
    except DataError:  # which column the answers are in need not be clear: they may be no text
        found = find_columns(
            table.columns, layout.columns, columns, table.head, with_answers=False, first=table.first
        )  # fmt: skip
    answered = all(column.name in found for column in layout.columns if column.is_answer and column.required)

    def text_of(row: Row) -> str:
        if not answered:
            return layout.plain_text(layout.parse_input(row))
        example = layout.parse(row)
        return layout.whole_text(example.input, example.answer)

    return Texts(table, layout, parse_rows(documents(table, settings.data, PASSAGE), text_of, found))
