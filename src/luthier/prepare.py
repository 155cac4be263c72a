"""From the settings to examples that can be trained on: read, checked, split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from luthier import catalog
from luthier.codec import Codec
from luthier.config.schema import DataSettings, Settings, SplitSettings
from luthier.data.columns import find_columns
from luthier.data.findings import ERROR, grouped, refuse_errors
from luthier.data.leaks import without_leaks
from luthier.data.rows import parse_rows, with_clean_texts, with_group, with_mark
from luthier.data.split import Split
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.errors import ConfigError, DataError, Place, Problem
from luthier.files import sha256
from luthier.language import t
from luthier.reading.read import ReadOptions, Table, open_table
from luthier.splitting.column import read_part
from luthier.splitting.saved import SavedSplit, apply_saved, read_saved
from luthier.splitting.shares import Shares
from luthier.splitting.split import Way, fold_examples, looks_near, split_examples
from luthier.splitting.times import read_stamp
from luthier.task import AnyTask
from luthier.text.clean import cleaner
from luthier.text.scripts import main_language
from luthier.types import PARTS, Column, Example, Finding, Row

DEFAULT_TEST, DEFAULT_VALIDATION, DEFAULT_SEED = 0.2, 0.1, 42


@dataclass(frozen=True)
class Prepared:
    """task: with what it learned from the training split. how: the split was made, with nothing left open.
    columns: the task's names to the file's.

    files: of each data file its SHA-256. saved: the rows of the parts, for split.json. skipped: rows left out on the
    user's word. notes: what was found out.
    """

    task: AnyTask
    split: Split[Any, Any]
    how: SplitSettings
    columns: Mapping[str, str]
    findings: Sequence[Finding]
    files: Mapping[str, str]
    saved: SavedSplit
    language: str
    skipped: int = 0
    notes: tuple[str, ...] = ()


@dataclass
class _File:
    examples: list[Example[Any, Any]]
    columns: Mapping[str, str]
    notes: list[str]


@dataclass
class _Data:
    """What was read, before it is split. read: of each part that is a file of its own what is in it; paths: their
    files. files: of each file its SHA-256."""

    task: AnyTask
    read: Mapping[str, _File]
    paths: Mapping[str, str]
    files: Mapping[str, str]
    findings: Sequence[Finding]
    notes: Sequence[str]
    settings: DataSettings
    how: SplitSettings

    @property
    def examples(self) -> dict[str, list[Example[Any, Any]]]:
        return {name: file.examples for name, file in self.read.items()}

    @property
    def reading(self) -> dict[str, Any]:
        """What decides which row has which number."""
        return {"header": self.settings.header, "sheet": self.settings.sheet}


def prepare(settings: Settings) -> Prepared:
    """Errors: DataError for what cannot be read or trusted, all of it at once."""
    data = _gather(settings)
    return _prepared(data, _split(data))


def prepare_folds(settings: Settings) -> list[Prepared]:
    """Each fold of data.split.folds, read once: what `prepare` makes of these settings with data.split.fold=1, 2 …"""
    data = _gather(settings)
    folds = fold_examples(data.read["train"].examples, data.task.format, _way(data.how))
    made: list[Prepared] = []
    for number in range(1, (data.how.folds or 0) + 1):
        data.how = data.how.model_copy(update={"fold": number})
        made.append(_prepared(data, _with_given(data, folds.split(number))))
    return made


def _gather(settings: Settings) -> _Data:
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
    if not all(file.examples for file in read.values()):
        refuse_errors(doctor.row_findings(), skip_rows=False)
    found = doctor.findings(hurry=True)
    refuse_errors(found, skip_rows=data.bad_rows == "skip")
    how = decided_split(data.split, set(parts) - {"train"})
    if how.by in ("random", "group") and how.from_ is None:
        near = looks_near(read["train"].examples, task.format, how.near_duplicates)
        how = how.model_copy(update={"near_duplicates": near})
    files = {path: sha256(Path(path)) for path in parts.values()}
    return _Data(task, read, parts, files, found, doctor.notes(), data, how)


def _prepared(data: _Data, split: Split[Any, Any]) -> Prepared:
    skip, leaked = data.settings.bad_rows == "skip", 0
    if skip:
        rows = sum(len(split.part(name)) for name in PARTS)
        split = without_leaks(split)
        leaked = rows - sum(len(split.part(name)) for name in PARTS)
    task = data.task.learn(split.train)
    language, _ = main_language(task.format.plain_text(example.input) for example in split.train)
    file_of = {name: data.paths.get(name, data.paths["train"]) for name in PARTS}
    return Prepared(
        task=task,
        split=split,
        how=data.how,
        columns=data.read["train"].columns,
        findings=data.findings,
        files=data.files,
        saved=SavedSplit.of(split, data.files, file_of, data.reading),
        language=language,
        skipped=leaked + sum(f.count for f in data.findings if f.severity == ERROR and f.code != "split-leak"),
        notes=(*(note for file in data.read.values() for note in file.notes), *split.notes, *data.notes),
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


def _columns_again(table: Table, codec: Codec, data: DataSettings, *, with_answers: bool) -> dict[str, str]:
    """The columns of one more file: those that the user names, those of the training data that it has, else by name."""
    known = {ours: theirs for ours, theirs in codec.columns.items() if theirs in table.columns}
    asked = {**known, **data.columns}
    return find_columns(
        table.columns, codec.task.format.columns, asked, Place(str(table.path)), with_answers=with_answers,
        first=table.first,
    )  # fmt: skip


def _read(path: Path, task: AnyTask, data: DataSettings, part: str, doctor: Doctor) -> _File:
    table = open_table(path, read_options(data))
    place = Place(str(path), 1 if table.columns else None)
    columns = find_columns(table.columns, task.format.columns, data.columns, place, first=table.first)
    parse = _split_parser(task, data.split, table, place) if part == "train" else task.format.parse
    if data.clean:
        parse = with_clean_texts(parse, task.format.map_texts, cleaner(tuple(data.clean)))
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


def _split_parser(task: AnyTask, split: SplitSettings, table: Table, place: Place) -> Callable[[Row], Any]:
    """The task's parser, which also keeps what the split goes by."""
    parse = task.format.parse
    for name in ("group", "time", "column"):
        asked = getattr(split, name)
        if asked is None:
            continue
        theirs = _split_column(name, asked, table, place)
        if name == "group":
            return with_group(parse, theirs)
        read = read_part if name == "column" else partial(read_stamp, pattern=split.time_format)
        return with_mark(parse, theirs, read)
    return parse


def _split_column(name: str, asked: str, table: Table, place: Place) -> str:
    """The file's own name of the column. Errors: DataError that names the key where it has none."""
    column = Column(name, required=False, key=f"data.split.{name}")
    return find_columns(table.columns, (column,), {name: asked}, place)[name]


def _split(data: _Data) -> Split[Any, Any]:
    """The parts that were given as files stay; the others are cut from the training file."""
    how, train = data.how, data.read["train"].examples
    if how.from_ is not None:
        saved, place = read_saved(Path(how.from_))
        return apply_saved(saved, place, data.examples, data.paths, data.files, data.reading)
    if how.folds is not None:
        own = fold_examples(train, data.task.format, _way(how)).split(how.fold or 1)
    elif how.test or how.validation or how.by == "column":
        own = split_examples(train, data.task.format, _way(how))
    else:
        own = Split(train, (), ())
    return _with_given(data, own)


def _with_given(data: _Data, own: Split[Any, Any]) -> Split[Any, Any]:
    unused = [name for name in data.read if name != "train" and getattr(data.settings.split, name)]
    notes = [t("data.{part} is a file of its own: data.split.{part} is not used", part=name) for name in unused]
    given = {name: file.examples for name, file in data.read.items() if name != "train"}
    return replace(own, **given, notes=(*own.notes, *notes))


def _way(how: SplitSettings) -> Way:
    seed = DEFAULT_SEED if how.seed is None else how.seed
    return Way(Shares(how.test or 0.0, how.validation or 0.0, seed), how.by, bool(how.near_duplicates), how.folds)


def decided_split(split: SplitSettings, given: set[str]) -> SplitSettings:
    """With nothing left open but whether there are too many rows to look for near-duplicates. Neither share named: the
    defaults. Only test named: the textbook's two parts, without validation, unless it is 0. given: the parts that are
    files of their own, and so no share of the training file."""
    by = next((name for name in ("group", "time", "column") if getattr(split, name) is not None), split.by)
    if split.from_ is not None or by == "column":
        return split.model_copy(update={"by": by})
    test, validation = split.test, split.validation
    if split.folds is not None:
        test, validation = None, DEFAULT_VALIDATION if validation is None else validation
    elif not test and validation is None:
        test, validation = DEFAULT_TEST if test is None else test, DEFAULT_VALIDATION
    elif test is None:
        test = DEFAULT_TEST
    decided = {
        "test": None if "test" in given else test,
        "validation": None if "validation" in given else validation or 0.0,
        "seed": DEFAULT_SEED if split.seed is None else split.seed,
        "by": by,
    }
    return split.model_copy(update=decided)
