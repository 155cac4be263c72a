"""Further files, read as the training data of a finished run were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from luthier.codec import Codec
from luthier.config.schema import DataSettings
from luthier.data.columns import find_columns
from luthier.data.findings import grouped, refuse_errors
from luthier.data.passages import LINE
from luthier.data.rows import parse_rows
from luthier.errors import DataError, Place, Problem, did_you_mean, shown
from luthier.language import t
from luthier.preparing.rows import documents, read_options
from luthier.progress import SILENT, Progress
from luthier.reading.open import Named, open_data
from luthier.reading.read import Table
from luthier.types import Example, Row


def read_examples(
    named: Named, codec: Codec, data: DataSettings, screen: Progress = SILENT, *, kept: Sequence[str] = ()
) -> list[Example[Any, Any]]:
    """The labelled rows of further files, for an evaluation. kept: columns of the file whose cells the examples are to
    be marked with, by name. Errors: DataError for rows that cannot be read, and for a column that is not there."""
    table = _told(open_data(named, read_options(data)), screen)
    columns = _columns(table, codec, data, with_answers=True)
    for name in kept:
        if name not in table.columns:
            what, fix = t("there is no column {name}", name=shown(name)), did_you_mean(name, table.columns)
            raise DataError.at(table.head, what, fix, code="missing-column")
    good: list[Example[Any, Any]] = []
    bad: list[Problem] = []
    layout = codec.task.format

    def parse(row: Row) -> Example[Any, Any]:
        return replace(layout.parse(row), mark={name: row.values.get(name) for name in kept})

    for row in parse_rows(documents(table, data, layout.documents), parse if kept else layout.parse, columns):
        if isinstance(row, Problem):
            bad.append(row)
        else:
            good.append(row)
    refuse_errors(grouped(bad), skip_rows=False)
    return good


def read_inputs(named: Named, codec: Codec, data: DataSettings, screen: Progress = SILENT) -> Iterator[Any]:
    """The inputs of files that may have no answers, one by one; in the place of one that cannot be read stands the
    Problem with it."""
    table = _told(open_data(named, read_options(data)), screen)
    columns = _columns(table, codec, data, with_answers=False)
    return parse_rows(documents(table, data, LINE), codec.task.format.parse_input, columns)


def read_placed(named: Named, codec: Codec, data: DataSettings) -> Iterator[tuple[Place, Any] | Problem]:
    """As `read_inputs`, each input with its place."""
    table = open_data(named, read_options(data))
    columns = _columns(table, codec, data, with_answers=False)
    parse = codec.task.format.parse_input
    return parse_rows(documents(table, data, LINE), lambda row: (row.place, parse(row)), columns)


def _told(table: Table, screen: Progress) -> Table:
    """What was found out about the format is said."""
    for note in table.notes:
        screen.say(f"{table.path.name}: {note}")
    return table


def _columns(table: Table, codec: Codec, data: DataSettings, *, with_answers: bool) -> dict[str, str]:
    """The columns of one more file: those that the user names, those of the training data that it has, else by name."""
    known = {ours: theirs for ours, theirs in codec.columns.items() if theirs in table.columns}
    asked = {**known, **data.columns}
    wanted = codec.task.format.columns
    return find_columns(
        table.columns, wanted, asked, table.head, with_answers=with_answers, first=table.first
    )  # fmt: skip
