"""One part of the data as the settings want it read: which columns, cleaned how, with what the split needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from luthier.config.schema import DataSettings, SplitSettings
from luthier.data.columns import find_columns, quoted, renamed_columns
from luthier.data.passages import joined_lines
from luthier.data.rows import parse_rows, with_clean_texts, with_group, with_mark
from luthier.errors import ConfigError, DataError, Problem
from luthier.formats.format import AnyFormat
from luthier.language import t
from luthier.reading.open import named_parts, open_data, refuse_other_columns, refuse_shared
from luthier.reading.read import ReadOptions, Table
from luthier.splitting.column import read_part
from luthier.splitting.times import read_stamp
from luthier.text.clean import KEEPS_LENGTH, Cleaner, cleaner
from luthier.types import PARTS, Column, Example, Row

if TYPE_CHECKING:
    from luthier.doctor.examine import Doctor

Parser = Callable[[Row], Example[Any, Any]]


@dataclass(frozen=True)
class Part:
    """columns: the format's names to the files'. rows: those that can be used; can be drawn once. notes: what was found
    out about the files."""

    columns: Mapping[str, str]
    rows: Iterator[Example[Any, Any]]
    notes: list[str]


def read_options(data: DataSettings) -> ReadOptions:
    return ReadOptions(data.delimiter, data.encoding, data.header, data.sheet, data.max_bytes, data.query)


def open_parts(data: DataSettings, command: str, *, shared: bool) -> tuple[dict[str, Table], list[str]]:
    """The data of each part that is a file of its own, and what was found out about them.

    command: for the refusal. shared: whether one file may stand in two parts.
    Errors: ConfigError where none are named, DataError for what cannot be read.
    """
    if data.named is None:
        fix = t("luthier {command} tickets.csv, or data.train=tickets.csv", command=command)
        raise ConfigError.at("data.train", t("no data are named"), fix, code="no-data")
    parts = named_parts(data.named, data.validation, data.test)
    if not shared:
        refuse_shared(parts)
    options = read_options(data)
    return {name: open_data(files, options, any_columns=True) for name, files in parts.names.items()}, parts.notes


def documents(table: Table, data: DataSettings, usual: str) -> Iterator[Row | Problem]:
    """The rows of a file; of plain text as many lines in one as the user wants, or as is usual."""
    return joined_lines(table.rows, data.documents or usual) if table.running else table.rows


def rows_past(doctor: Doctor, table: Table, data: DataSettings, part: str, *, whole: bool = False) -> Part:
    """The rows of a part as the doctor lets them through. part: "train" keeps the group, time or part by which it will
    be split, others their group if they have the column, so that the doctor can compare. whole: it is not split.

    Errors: DataError for a missing column, ConfigError for cleaning that the format forbids.
    """
    layout = doctor.context.format
    is_split = part == PARTS[0] and not whole
    columns_of = _columns_of(table, layout, data.columns, others=not is_split)
    columns = columns_of[table.singles[0].name]
    marks, said = _split_columns(data.split, table, needed=is_split)
    parse = _split_parser(layout.parse, data.split, marks) if is_split else _group_parser(layout.parse, marks)
    if data.clean:
        parse = with_clean_texts(parse, layout, cleaning(data, layout))
    used = {*columns.values(), *(theirs for name, theirs in marks.items() if name != "time")}
    parse = doctor.data.dates.watch(parse, table.first, used, part)
    doctor.data.columns.update(columns)
    found = (*table.notes, *renamed_columns(columns, data.columns), *said)
    notes = [f"{table.path.name}: {note}" for note in found]
    parsed = _parsed(documents(table, data, layout.documents), parse, columns_of, columns)
    return Part(columns, doctor.watch(part, parsed), notes)


def _columns_of(
    table: Table, layout: AnyFormat, asked: Mapping[str, str], *, others: bool
) -> dict[str, dict[str, str]]:
    """Of each file the format's names of the columns to the file's own. others: there are others for which a column
    that is asked for may be meant. Errors: DataError for a missing column, or for files with different columns where
    the format does not go from row to row."""
    if not layout.several_layouts:
        refuse_other_columns(table)
        columns = find_columns(table.columns, layout.columns, asked, table.head, first=table.first)
        return {single.name: columns for single in table.singles}
    found: dict[str, dict[str, str]] = {}
    for single in table.singles:
        missed = () if others else set(asked.values()) - set(table.columns)  # told where it cannot be meant for others
        own = {ours: theirs for ours, theirs in asked.items() if theirs in single.columns or theirs in missed}
        found[single.name] = find_columns(single.columns, layout.columns, own, single.head, first=single.first)
    return found


def _parsed(
    rows: Iterator[Row | Problem], parse: Parser, columns_of: Mapping[str, Mapping[str, str]], usual: Mapping[str, str]
) -> Iterator[Example[Any, Any] | Problem]:
    """columns_of: each file's. usual: of a row of none of them."""
    for file, own in groupby(rows, lambda row: row.place.file):
        yield from parse_rows(own, parse, columns_of.get(file, usual))


def split_is_told(split: SplitSettings) -> bool:
    """Whether the user said by what to split, so that no other way need be offered."""
    return bool(split.group or split.time or split.column or split.from_)


def cleaning(data: DataSettings, layout: AnyFormat) -> Cleaner:
    """What data.clean asks for. Errors: ConfigError where it would tear answers from their places in the text."""
    moving = sorted(set(data.clean) - KEEPS_LENGTH)
    if moving and layout.answers_are_places:
        what = t("answers are places in the text, and {steps} would move them under a model that answers with places",
                 steps=", ".join(moving))  # fmt: skip
        named = quoted(data.named) if isinstance(data.named, str) else "DATA"
        fix = t("clean the data beforehand: {command}",
                command=f"luthier check {named} --fix OUT --steps {','.join(moving)}")  # fmt: skip
        raise ConfigError.at("data.clean", what, fix, code="conflict")
    return cleaner(tuple(data.clean))


def _split_columns(split: SplitSettings, table: Table, *, needed: bool) -> tuple[dict[str, str], list[str]]:
    """Of the keys that name what the split goes by, the file's columns; and what there is to say about them. All are
    needed where the file is to be split, of other parts none: these are looked at for their groups alone.

    Errors: DataError for a column that is needed and not there.
    """
    found: dict[str, str] = {}
    notes: list[str] = []
    for name in ("group", "time", "column") if needed else ("group",):
        asked = getattr(split, name)
        if asked is None:
            continue
        column = Column(name, required=False, key=f"data.split.{name}")
        try:
            found |= find_columns(table.columns, (column,), {name: asked}, table.head)
        except DataError as error:
            if needed:
                raise
            (problem,) = error.problems
            notes.append(t("{what}: whether groups of training stand here too is not looked for", what=problem.what))
        notes += renamed_columns({key: theirs for key, theirs in found.items() if key == name}, {name: asked})
    return found, notes


def _split_parser(parse: Parser, split: SplitSettings, columns: Mapping[str, str]) -> Parser:
    """The parser, which also keeps what the split goes by."""
    if "group" in columns:
        return with_group(parse, columns["group"])
    for name in ("time", "column"):
        if name in columns:
            read = read_part if name == "column" else partial(read_stamp, pattern=split.time_format)
            return with_mark(parse, columns[name], read)
    return parse


def _group_parser(parse: Parser, columns: Mapping[str, str]) -> Parser:
    """The parser, which also keeps the group, where the file has it."""
    column = columns.get("group")
    if column is None:
        return parse

    def parse_grouped(row: Row) -> Example[Any, Any]:
        group = row.values.get(column)
        return replace(parse(row), group="" if group is None or not str(group).strip() else str(group))

    return parse_grouped
