"""From the settings to examples that can be trained on: read, checked, split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from luthier import catalog
from luthier.codec import Codec
from luthier.config.schema import DataSettings, Settings, SplitSettings
from luthier.data.columns import find_columns, renamed_columns
from luthier.data.findings import ERROR, grouped, refuse_errors
from luthier.data.leaks import without_leaks
from luthier.data.rows import parse_rows, with_group
from luthier.data.split import Shares, Split, split_examples
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.errors import ConfigError, Problem
from luthier.language import t
from luthier.progress import SILENT, Progress
from luthier.reading.open import Named, named_parts, open_data, refuse_shared
from luthier.reading.read import ReadOptions, Table
from luthier.task import AnyTask
from luthier.text.scripts import main_language
from luthier.types import Column, Example, Finding

_GROUP = Column("group", required=False, key="data.split.group")
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
    digests: Mapping[str, str]


def prepare(settings: Settings) -> Prepared:
    """Errors: DataError for what cannot be read or trusted, all of it at once."""
    data = settings.data
    if data.train is None:
        fix = t("luthier train tickets.csv, or data.train=tickets.csv")
        raise ConfigError.at("data.train", t("no data are named"), fix, code="no-data")
    task = make_task(settings)
    parts = named_parts(data.train, data.validation, data.test)
    refuse_shared(parts)
    doctor = Doctor(Context(task.format))
    read = {name: _read(names, task, data, name, doctor) for name, names in parts.names.items()}
    skip = data.bad_rows == "skip"
    if not all(file.examples for file in read.values()):
        refuse_errors(doctor.row_findings(), skip_rows=False)
    found = doctor.findings()
    refuse_errors(found, skip_rows=skip)
    how = decided_split(data.split, set(parts.names) - {"train"})
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
        files={name: digest for file in read.values() for name, digest in file.digests.items()},
        language=language,
        skipped=sum(f.count for f in found if f.severity == ERROR or (skip and f.code == "split-leak")),
        notes=(*parts.notes, *(note for file in read.values() for note in file.notes), *split.notes),
    )


def make_task(settings: Settings) -> AnyTask:
    """The task that is named, with its options; classification where none is."""
    options = {key: value for key, value in settings.task.items() if key != "name"}
    name = settings.task.get("name", "auto")
    return catalog.task("classification" if name == "auto" else name)(**options)


def read_options(data: DataSettings) -> ReadOptions:
    return ReadOptions(data.delimiter, data.encoding, data.header, data.sheet, data.max_bytes, data.query)


def read_examples(named: Named, codec: Codec, data: DataSettings, screen: Progress = SILENT) -> list[Example[Any, Any]]:
    """The labelled rows of further files, for an evaluation. Errors: DataError for rows that cannot be read."""
    table = _told(open_data(named, read_options(data)), screen)
    columns = _columns_again(table, codec, data, with_answers=True)
    examples, problems = _sorted_out(parse_rows(table.rows, codec.task.format.parse, columns))
    refuse_errors(grouped(problems), skip_rows=False)
    return examples


def read_inputs(named: Named, codec: Codec, data: DataSettings, screen: Progress = SILENT) -> Iterator[Any]:
    """The inputs of files that may have no answers, one by one; in the place of one that cannot be read stands the
    Problem with it."""
    table = _told(open_data(named, read_options(data)), screen)
    columns = _columns_again(table, codec, data, with_answers=False)
    return parse_rows(table.rows, codec.task.format.parse_input, columns)


def _told(table: Table, screen: Progress) -> Table:
    """What was found out about the format is said."""
    for note in table.notes:
        screen.say(f"{table.path.name}: {note}")
    return table


def _columns_again(table: Table, codec: Codec, data: DataSettings, *, with_answers: bool) -> dict[str, str]:
    """The columns of one more file: those that the user names, those of the training data that it has, else by name."""
    known = {ours: theirs for ours, theirs in codec.columns.items() if theirs in table.columns}
    asked = {**known, **data.columns}
    return find_columns(
        table.columns, codec.task.format.columns, asked, table.head, with_answers=with_answers,
        first=table.first,
    )  # fmt: skip


def _read(names: Named, task: AnyTask, data: DataSettings, part: str, doctor: Doctor) -> _File:
    table = open_data(names, read_options(data))
    place = table.head
    columns = find_columns(table.columns, task.format.columns, data.columns, place, first=table.first)
    group = data.split.group
    if group is not None and part == "train":
        group = find_columns(table.columns, (_GROUP,), {"group": group}, place)["group"]
        parse = with_group(task.format.parse, group)
    else:
        parse = task.format.parse
    doctor.data.columns.update(columns)
    examples = list(doctor.watch(part, parse_rows(table.rows, parse, columns)))
    notes = [f"{table.path.name}: {note}" for note in (*table.notes, *renamed_columns(columns, data.columns))]
    return _File(examples, columns, notes, table.digests())


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
