"""Everything that is named as data, read once, past the doctor, and refused where it cannot be trusted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from luthier import catalog
from luthier.config.schema import DataSettings, Settings
from luthier.data.findings import refuse_errors
from luthier.data.mixture import Mixture
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.errors import ConfigError
from luthier.formats.known import guess_format
from luthier.language import t
from luthier.preparing.mixing import open_mixed
from luthier.preparing.rows import open_parts, rows_past, split_is_told
from luthier.reading.read import Table
from luthier.task import AnyTask
from luthier.types import Example, Finding


@dataclass(frozen=True)
class Files:
    """What was given as one part. name: of its first file. digests: of each file its SHA-256."""

    name: str
    examples: list[Example[Any, Any]]
    digests: Mapping[str, str]

    @property
    def digest(self) -> str:
        """One for all files, in their order."""
        own = list(self.digests.values())
        return own[0] if len(own) == 1 else hashlib.sha256("\n".join(own).encode()).hexdigest()


@dataclass(frozen=True)
class Material:
    """What was read, before it is split. parts: "train", and those that are files of their own. columns: the format's
    names to the files'. mixture: the shares of the training sets, where they have some. extra: what only trains."""

    task: AnyTask
    parts: Mapping[str, Files]
    columns: Mapping[str, str]
    findings: Sequence[Finding]
    notes: Sequence[str]
    settings: DataSettings
    mixture: Mixture | None = None
    extra: Files | None = None

    @property
    def examples(self) -> dict[str, list[Example[Any, Any]]]:
        return {name: part.examples for name, part in self.parts.items()}

    @property
    def reading(self) -> dict[str, Any]:
        """What decides which row has which number."""
        told = self.settings.documents
        return {
            "header": self.settings.header,
            "sheet": self.settings.sheet,
            **({"documents": told} if told is not None else {}),
        }


def gather(settings: Settings) -> Material:
    """Errors: DataError for what cannot be read or trusted, all of it at once."""
    data = settings.data
    tables, found_out = open_parts(data, "train", shared=False)
    mixed = open_mixed(data, tables)
    task = make_task(settings, tables["train"].singles[0])
    doctor = Doctor(Context(task.format, split_told=split_is_told(data.split)))
    parts: dict[str, Files] = {}
    columns: dict[str, str] = {}
    notes = [*found_out]
    for name, table in tables.items():
        part = rows_past(doctor, table, data, name)
        parts[name] = Files(table.name, list(part.rows), table.digests())
        columns = columns or dict(part.columns)
        notes += part.notes
    extra: Files | None = None
    if mixed.extra is not None:
        part = rows_past(doctor, mixed.extra, data, "train", whole=True)
        extra = Files(mixed.extra.name, list(part.rows), mixed.extra.digests())
        notes += part.notes
    read = [*parts.values(), *([extra] if extra else [])]
    usable = Counter(example.place.file for part in read for example in part.examples)
    if not all(part.examples for part in parts.values()):
        refuse_errors(doctor.row_findings(), skip_rows=False, rows={})
    found = doctor.findings(hurry=True)
    refuse_errors(found, skip_rows=data.bad_rows == "skip", rows=usable)
    return Material(task, parts, columns, found, [*notes, *doctor.notes()], data, mixed.mixture, extra)


def make_task(settings: Settings, table: Table | None = None) -> AnyTask:
    """The task that is named, with its options, else the one whose data look like these rows.

    Errors: ConfigError for a task that this version does not train.
    """
    options = {key: value for key, value in settings.task.items() if key != "name"}
    name = settings.task.get("name", "auto")
    if name == "auto" and table is not None:
        name = guess_format(table.columns, table.first, settings.data.columns).tasks[0]
    kind = catalog.task(name)
    known = {field.name for field in fields(kind) if not field.metadata.get("learned")}
    if foreign := sorted(set(options) - known):  # of another task than the data are for
        what = t("the data are for the task {task}, which has no such option", task=name)
        fix = t("name the task, or leave it out")
        raise ConfigError.at(f"task.{foreign[0]}", what, fix, code="unknown-key")
    return kind(**options)
