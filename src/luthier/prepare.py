"""From the settings to examples that can be trained on: read, checked, split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from luthier import catalog
from luthier.codec import Codec
from luthier.config.schema import DataSettings, Settings, SplitSettings
from luthier.data.columns import find_columns
from luthier.data.findings import ERROR, grouped, refuse_errors
from luthier.data.leaks import without_leaks
from luthier.data.rows import parse_rows, with_group
from luthier.data.split import Shares, Split, split_examples
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.errors import ConfigError, DataError, Place, Problem
from luthier.files import sha256
from luthier.language import t
from luthier.reading.read import ReadOptions, Table, decoding, open_table
from luthier.reading.source import Source, find_source
from luthier.task import AnyTask
from luthier.text.scripts import main_language
from luthier.types import PARTS, Column, Example, Finding

_GROUP = Column("group", required=False)
DEFAULT_TEST, DEFAULT_VALIDATION, DEFAULT_SEED = 0.2, 0.1, 42


@dataclass(frozen=True)
class Prepared:
    """task: with what it learned from the training split. how: the split was made, with nothing left open.
    columns: the task's names to the file's.

    files: of each data file its SHA-256. skipped: rows left out on the user's word. notes: what was found out.
    """

    task: AnyTask
    split: Split[Any, Any]
    how: SplitSettings
    columns: Mapping[str, str]
    findings: Sequence[Finding]
    files: Mapping[str, str]
    language: str
    skipped: int = 0
    notes: tuple[str, ...] = ()


@dataclass
class _File:
    examples: list[Example[Any, Any]]
    columns: Mapping[str, str]
    notes: list[str]


def prepare(settings: Settings) -> Prepared:
    """Errors: DataError for what cannot be read or trusted, all of it at once."""
    data = settings.data
    if data.train is None:
        fix = t("luthier train tickets.csv, or data.train=tickets.csv")
        raise ConfigError.at("data.train", t("no data are named"), fix, code="no-data")
    task = make_task(settings)
    parts = {name: getattr(data, name) for name in PARTS if getattr(data, name) is not None}
    same = [name for name in parts if name != "train" and Path(parts[name]) == Path(data.train)]
    if same:
        what = t("is the training file and the {part} file", part=same[0])
        raise DataError.at(data.train, what, t("name two files, or let Luthier split"), code="split-leak")
    doctor = Doctor(Context(task.format))
    read = {name: _read(Path(path), task, data, name, doctor) for name, path in parts.items()}
    skip = data.bad_rows == "skip"
    if not all(file.examples for file in read.values()):
        refuse_errors(doctor.row_findings(), skip_rows=False)
    found = doctor.findings()
    refuse_errors(found, skip_rows=skip)
    how = decided_split(data.split, set(parts) - {"train"})
    split = _split({name: file.examples for name, file in read.items()}, task, how)
    if skip:
        split = without_leaks(split)
    task = task.learn(split.train)
    language, _ = main_language(task.format.plain_text(example.input) for example in split.train)
    return Prepared(
        task=task,
        split=split,
        how=how,
        columns=read["train"].columns,
        findings=found,
        files={path: sha256(Path(path)) for path in parts.values()},
        language=language,
        skipped=sum(f.count for f in found if f.severity == ERROR or (skip and f.code == "split-leak")),
        notes=(*(note for file in read.values() for note in file.notes), *split.notes),
    )


def make_task(settings: Settings) -> AnyTask:
    """The task that is named, with its options; classification where none is."""
    options = {key: value for key, value in settings.task.items() if key != "name"}
    name = settings.task.get("name", "auto")
    return catalog.task("classification" if name == "auto" else name)(**options)


def read_options(data: DataSettings) -> ReadOptions:
    return ReadOptions(data.delimiter, data.encoding, data.header, data.sheet, data.max_bytes)


def read_examples(path: Path, codec: Codec, data: DataSettings) -> list[Example[Any, Any]]:
    """The labelled rows of one more file, for an evaluation. Errors: DataError for rows that cannot be read."""
    table = open_table(path, read_options(data))
    columns = _columns_again(table, codec, data, with_answers=True)
    examples, problems = _sorted_out(parse_rows(table.rows, codec.task.format.parse, columns))
    refuse_errors(grouped(problems), skip_rows=False)
    return examples


def read_inputs(path: Path, codec: Codec, data: DataSettings) -> Iterator[Any]:
    """The inputs of a file that may have no answers, one by one; in the place of one that cannot be read stands the
    Problem with it."""
    table = open_table(path, read_options(data))
    columns = _columns_again(table, codec, data, with_answers=False)
    return parse_rows(table.rows, codec.task.format.parse_input, columns)


def read_placed(path: Path, codec: Codec, data: DataSettings) -> Iterator[tuple[Place, Any] | Problem]:
    """As `read_inputs`, each input with its place. A file of plain text has a text a line."""
    source = find_source(path, encoding=data.encoding, max_bytes=data.max_bytes)
    if source.ending == ".txt":
        return decoding(source, _placed_lines(source, codec))
    table = open_table(path, read_options(data))
    columns = _columns_again(table, codec, data, with_answers=False)
    parse = codec.task.format.parse_input
    return parse_rows(table.rows, lambda row: (row.place, parse(row)), columns)


def _placed_lines(source: Source, codec: Codec) -> Iterator[tuple[Place, Any] | Problem]:
    with source.open_text() as file:
        for number, line in enumerate(file, 1):
            place, text = Place(str(source.path), number), line.rstrip("\r\n")
            if text.strip():
                yield place, codec.task.as_input(text)
            else:
                yield Problem(place, t("no text"), t("remove the empty line"), "missing-text")


def _columns_again(table: Table, codec: Codec, data: DataSettings, *, with_answers: bool) -> dict[str, str]:
    """The columns of one more file: those that the user names, those of the training data that it has, else by name."""
    known = {ours: theirs for ours, theirs in codec.columns.items() if theirs in table.columns}
    asked = {**known, **data.columns}
    return find_columns(
        table.columns, codec.task.format.columns, asked, Place(str(table.path)), with_answers=with_answers
    )


def _read(path: Path, task: AnyTask, data: DataSettings, part: str, doctor: Doctor) -> _File:
    table = open_table(path, read_options(data))
    place = Place(str(path), 1 if table.columns else None)
    columns = find_columns(table.columns, task.format.columns, data.columns, place)
    group = data.split.group
    if group is not None and part == "train":
        group = find_columns(table.columns, (_GROUP,), {"group": group}, place)["group"]
        parse = with_group(task.format.parse, group)
    else:
        parse = task.format.parse
    doctor.data.columns.update(columns)
    examples = list(doctor.watch(part, parse_rows(table.rows, parse, columns)))
    return _File(examples, columns, [f"{path.name}: {note}" for note in table.notes])


def _sorted_out(items: Iterable[Any]) -> tuple[list[Any], list[Problem]]:
    """What could be read, and what is wrong with the rest."""
    good: list[Any] = []
    bad: list[Problem] = []
    for item in items:
        (bad if isinstance(item, Problem) else good).append(item)
    return good, bad


def _split(read: Mapping[str, list[Example[Any, Any]]], task: AnyTask, how: SplitSettings) -> Split[Any, Any]:
    """The parts that were given as files stay; the others are cut from the training file."""
    shares = Shares(how.test or 0.0, how.validation or 0.0, DEFAULT_SEED if how.seed is None else how.seed)
    if shares.test or shares.validation:
        own = split_examples(read["train"], task.format.stratum, shares, by_group=how.by == "group")
    else:
        own = Split(read["train"], (), ())
    return replace(own, **{name: examples for name, examples in read.items() if name != "train"})


def decided_split(split: SplitSettings, given: set[str]) -> SplitSettings:
    """With nothing left open. Neither share named: the defaults. Only test named: the textbook's two parts, without
    validation. given: the parts that are files of their own, and so no share of the training file."""
    test, validation = split.test, split.validation
    if test is None and validation is None:
        test, validation = DEFAULT_TEST, DEFAULT_VALIDATION
    return SplitSettings(
        test=None if "test" in given else DEFAULT_TEST if test is None else test,
        validation=None if "validation" in given else validation or 0.0,
        seed=DEFAULT_SEED if split.seed is None else split.seed,
        by="group" if split.group is not None else split.by,
        group=split.group,
    )
