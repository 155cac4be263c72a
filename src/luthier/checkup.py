"""luthier check: the doctor's pass over files of any layout, without a model being trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.config.schema import Settings
from luthier.data.columns import find_columns
from luthier.data.rows import parse_rows
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.doctor.gathered import Gathered
from luthier.errors import ConfigError, Place
from luthier.formats.format import AnyFormat
from luthier.formats.known import format_of_task, guess_format
from luthier.language import t
from luthier.prepare import read_options
from luthier.progress import SILENT, Progress
from luthier.reading.read import Table, open_table
from luthier.types import PARTS, Finding


@dataclass(frozen=True)
class Checkup:
    """format: how the rows were understood. columns: its names of them to the file's. findings: the gravest first.

    notes: what was found out about the files. unusable: rows that were left out. facts: numbers for the page.
    """

    format: AnyFormat
    columns: Mapping[str, str]
    findings: list[Finding]
    notes: list[str]
    data: Gathered
    unusable: int
    facts: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {
            "format": self.format.name,
            "columns": dict(self.columns),
            "rows": len(self.data),
            "unusable": self.unusable,
            "findings": [finding.as_json() for finding in self.findings],
            "notes": self.notes,
        }


def check(settings: Settings, *, deep: bool = False, screen: Progress = SILENT) -> Checkup:
    """Reads every named file once. Errors: DataError for what cannot be read at all."""
    if settings.data.train is None:
        fix = t("luthier check tickets.csv, or data.train=tickets.csv")
        raise ConfigError.at("data.train", t("no data are named"), fix, code="no-data")
    files = {name: path for name in PARTS if (path := getattr(settings.data, name)) is not None}
    tables = {name: open_table(Path(path), read_options(settings.data)) for name, path in files.items()}
    layout = _format(settings, tables["train"])
    doctor = Doctor(Context(layout, deep=deep))
    for name, table in tables.items():
        place = Place(str(table.path), 1 if table.columns else None)
        columns = find_columns(table.columns, layout.columns, settings.data.columns, place)
        doctor.data.columns.update(columns)
        with screen.track(t("reading {file}", file=table.path.name), 0) as tracker:
            for i, _ in enumerate(doctor.watch(name, parse_rows(table.rows, layout.parse, columns)), 1):
                if i % 10_000 == 0:
                    tracker.advance(10_000)
    screen.say(t("looking at {rows:,} rows", rows=len(doctor.data)))
    findings = doctor.findings()
    notes = [f"{table.path.name}: {note}" for table in tables.values() for note in table.notes] + doctor.notes()
    return Checkup(layout, dict(doctor.data.columns), findings, notes, doctor.data, doctor.unusable, doctor.facts())


def _format(settings: Settings, table: Table) -> AnyFormat:
    name = settings.task.get("name", "auto")
    return guess_format(table.columns, table.first) if name == "auto" else format_of_task(name)
