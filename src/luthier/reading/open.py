"""Whatever a user names as data to one table: files, patterns, folders, addresses, databases, names of hubs."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote

from luthier.errors import DataError, Problem, shown, without_secrets
from luthier.language import t
from luthier.reading.elsewhere.addresses import is_database, is_hub_name, scheme_of, with_variables
from luthier.reading.elsewhere.database import Answer
from luthier.reading.elsewhere.folders import parts_inside
from luthier.reading.elsewhere.hubs import hub_data, is_hub_address
from luthier.reading.elsewhere.remote import fetch
from luthier.reading.read import DEFAULT, ReadOptions, Rows, Table, open_table
from luthier.reading.source import find_source, no_such_file
from luthier.types import Row

Named = str | Path | Sequence[str | Path]
"""One name or several, of files, patterns (data/*.csv), folders, addresses."""
_LONGEST_NAME, _LONGEST_PATH = 255, 4095
"""Bytes of one name and of a path, on every usual file system."""
_PATTERN = set("*?[")


@dataclass(frozen=True)
class Parts:
    """names: of train, and of validation and test where they are given or stand in the same folder, each as names of
    single files or addresses. notes: what was found in a folder."""

    names: dict[str, list[str]]
    notes: list[str] = field(default_factory=list)


def open_data(named: Named, options: ReadOptions = DEFAULT, *, any_columns: bool = False) -> Table:
    """Several files follow each other, and so do the numbers of their rows. any_columns: they may have different ones.

    Errors: DataError where one cannot be read, has no rows, or has other columns than the first.
    """
    names = expanded(named)
    tables = [_open_one(name, options) for name in names]
    table = tables[0] if len(tables) == 1 else _chained(tables)
    if not any_columns:
        refuse_other_columns(table)
    return table


def refuse_other_columns(table: Table) -> None:
    """Errors: DataError for a file that has other columns than the first of the table's."""
    first, *others = table.singles
    for other in others:
        if first.is_table and other.is_table:
            differ = set(first.columns) != set(other.columns)
        else:
            differ = not set(first.columns) & set(other.columns)
        if differ:
            what = t("has the columns {ours}, and {file} has {theirs}",
                     ours=_names(other.columns), file=first.name, theirs=_names(first.columns))  # fmt: skip
            raise DataError.at(other.name, what, t("give all files the same columns"), code="other-columns")


def expanded(named: Named) -> list[str]:
    """The single files and addresses. Errors: DataError for what does not exist, or is named twice."""
    found = [name for one in _listed(named) for name in _expanded(one)]
    seen: set[str] = set()
    for name in found:
        if identity(name) in seen:
            raise DataError.at(name, t("is named twice"), t("name each file once"), code="same-file")
        seen.add(identity(name))
    return found


def named_parts(train: Named, validation: Named | None = None, test: Named | None = None) -> Parts:
    """A folder named as train may hold validation and test as well; those that are named themselves go first.

    Errors: DataError as `expanded`.
    """
    names: dict[str, list[str]] = {}
    notes: list[str] = []
    only = _listed(train)
    _refuse_impossible(only[0])
    place = _folder(only[0]) if len(only) == 1 else None
    if place is not None and place.is_dir():
        for part, files in parts_inside(place).items():
            names[part] = [str(path) for path in files]
        inside = ", ".join(f"{part} ({len(files)})" for part, files in names.items())
        notes.append(t("{folder}: files of {parts}", folder=place, parts=inside))
    else:
        names["train"] = expanded(train)
    for part, given in (("validation", validation), ("test", test)):
        if given is not None:
            names[part] = expanded(given)
    return Parts(names, notes)


def refuse_shared(parts: Parts) -> None:
    """Errors: DataError for a file that is in two parts."""
    seen: dict[str, str] = {}
    for part, files in parts.names.items():
        for name in files:
            other = seen.setdefault(identity(name), part)
            if other != part:
                what = t("is the {one} file and the {other} file", one=t(other), other=t(part))
                raise DataError.at(name, what, t("name two files, or let Luthier split"), code="split-leak")


def check_named(named: Named, options: ReadOptions = DEFAULT) -> None:
    """Refuses early what is on this machine and cannot be read; addresses are left for later. Errors: DataError."""
    for name in expanded(named):
        if not scheme_of(name):
            find_source(Path(name), encoding=options.encoding, max_bytes=options.max_bytes)


def _listed(named: Named) -> list[str]:
    return [str(named)] if isinstance(named, (str, Path)) else [str(one) for one in named]


def _expanded(named: str) -> list[str]:
    _refuse_impossible(named)
    folder = _folder(named)
    if folder is not None:
        if folder.is_file():
            return [str(folder)]
        parts = parts_inside(folder)
        if len(parts) > 1:
            what = t("is a folder with {parts}", parts=", ".join(parts))
            fix = t("name one of its files, such as {files}", files=parts["train"][0])
            raise DataError.at(named, what, fix, code="not-a-file")
        return [str(path) for files in parts.values() for path in files]
    if scheme_of(named) == "file":
        return [unquote(named.removeprefix("file://"))]
    if scheme_of(named) or os.path.lexists(named) or not _PATTERN & set(named):
        return [named]
    found = sorted(path for path in glob.glob(named, recursive=True) if not Path(path).is_dir())  # noqa: PTH207
    if not found:
        raise _no_match(named)
    return found


def _refuse_impossible(named: str) -> None:
    """Errors: DataError for what no file can be called, before anybody asks the disk for it."""
    if not named.strip():
        raise DataError.at("data", t("no data are named"), t("name a file"), code="no-such-file")
    parts = [len(os.fsencode(part)) for part in named.split("/")]
    too_long = max(parts) > _LONGEST_NAME or sum(parts) + len(parts) > _LONGEST_PATH
    if not scheme_of(named) and (too_long or "\0" in named):
        what = t("is no name that a file can have")
        raise DataError.at(shown(named), what, t("check the path"), code="no-such-file")


def _folder(named: str) -> Path | None:
    """Where data of a folder or of a hub lie; None for anything else."""
    if is_hub_address(named):
        return hub_data(named)
    if scheme_of(named):
        return None
    path = Path(named)
    if path.is_dir():
        return path
    if is_hub_name(named) and not os.path.lexists(named) and not path.parent.exists() and not path.suffix:
        return hub_data(named)
    return None


def _no_match(pattern: str) -> DataError:
    fixed = pattern[: min(pattern.index(c) for c in _PATTERN if c in pattern)]
    folder = Path(fixed).parent if not fixed.endswith(os.sep) else Path(fixed)
    if not folder.is_dir():
        fix = t("the folder {folder} does not exist either", folder=folder)
    else:
        files = sorted(p.name for p in folder.iterdir())[:8] if os.access(folder, os.R_OK) else []
        fix = t("{folder} holds: {files}", folder=folder, files=", ".join(map(shown, files)) or t("none"))
    return DataError.at(pattern, t("no file matches"), fix, code="no-such-file")


def _open_one(name: str, options: ReadOptions) -> Table:
    if is_database(name):
        answer = Answer(name, with_variables(name), options.query)
        return Table(answer.name, answer.columns, iter(answer.rows), (), answer.first, digests=answer.digests)
    if scheme_of(name):
        return _open_remote(name, options)
    path = Path(name)
    if not os.path.lexists(path):
        raise no_such_file(path)
    return open_table(path, options)


def _open_remote(address: str, options: ReadOptions) -> Table:
    """The copy on this machine goes when the rows have been drawn, or nobody holds them any more."""
    keep = tempfile.TemporaryDirectory(prefix="luthier-")
    path = fetch(with_variables(address), Path(keep.name), options.max_bytes)
    table = open_table(path, options, name=without_secrets(address))
    digests = table.digests()

    def rows() -> Rows:
        with keep:
            yield from table.rows

    return replace(table, rows=rows(), digests=lambda: digests)


def _chained(tables: Sequence[Table]) -> Table:
    first = tables[0]

    def rows() -> Rows:
        number = 0
        for table in tables:
            begin = number
            for row in table.rows:
                yield row if isinstance(row, Problem) or not begin else Row(row.values, row.place, begin + row.number)
                number += 1

    columns = tuple(dict.fromkeys(name for table in tables for name in table.columns))
    notes = [f"{table.path.name}: {note}" for table in tables[1:] for note in table.notes if note not in first.notes]
    return Table(
        first.name, columns, rows(), (*first.notes, *notes[:10]), first.first, first.is_table,
        lambda: {name: digest for table in tables for name, digest in table.digests().items()},
        all(table.running for table in tables), tuple(tables),
    )  # fmt: skip


def _names(columns: Sequence[str]) -> str:
    return ", ".join(shown(name, 30) for name in columns[:8]) + (" …" if len(columns) > 8 else "")


def identity(name: str) -> str:
    """The same for two names of one file."""
    return name if scheme_of(name) else os.path.realpath(name)
