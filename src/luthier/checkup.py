"""luthier check: the doctor's pass over files of any layout, without a model being trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.config.schema import Settings
from luthier.data.columns import find_columns, renamed_columns
from luthier.data.rows import parse_rows
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.doctor.gathered import Gathered
from luthier.errors import ConfigError
from luthier.formats.format import AnyFormat
from luthier.formats.known import format_of_task, guess_format
from luthier.language import t
from luthier.prepare import read_options
from luthier.progress import SILENT, Progress
from luthier.reading.open import named_parts, open_data
from luthier.reading.read import Table
from luthier.types import Finding


@dataclass(frozen=True)
class Checkup:
    """name: of the data, as the user wrote it. format: how the rows were understood. columns: its names of them to the
    file's. findings: the gravest first.

    notes: what was found out about the files. unusable: rows that were left out. facts: numbers for the page.
    """

    name: str
    format: AnyFormat
    columns: Mapping[str, str]
    findings: list[Finding]
    notes: list[str]
    data: Gathered
    unusable: int
    facts: Mapping[str, Any]

    def label_counts(self) -> list[tuple[str, int]]:
        """Each class with its rows, the commonest first."""
        counts = self.data.label_counts if len(self.data) else ()
        named = zip(map(str, self.data.label_names), map(int, counts), strict=True)
        return sorted(named, key=lambda pair: -pair[1])

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
    data = settings.data
    parts = named_parts(settings.data.train, data.validation, data.test)
    tables = {name: open_data(names, read_options(data)) for name, names in parts.names.items()}
    layout = _format(settings, tables["train"])
    doctor = Doctor(Context(layout, deep=deep))
    for name, table in tables.items():
        columns = find_columns(table.columns, layout.columns, data.columns, table.head, first=table.first)
        doctor.data.columns.update(columns)
        with screen.track(t("reading {file}", file=table.path.name), 0) as tracker:
            for i, _ in enumerate(doctor.watch(name, parse_rows(table.rows, layout.parse, columns)), 1):
                if i % 10_000 == 0:
                    tracker.advance(10_000)
    screen.say(t("looking at {rows:,} rows", rows=len(doctor.data)))
    findings = doctor.findings()
    said = renamed_columns(doctor.data.columns, data.columns)
    notes = [*parts.notes, *(f"{table.path.name}: {note}" for table in tables.values() for note in table.notes), *said]
    return Checkup(
        tables["train"].name,
        layout,
        dict(doctor.data.columns),
        findings,
        notes,
        doctor.data,
        doctor.unusable,
        doctor.facts(),
    )


def _format(settings: Settings, table: Table) -> AnyFormat:
    name = settings.task.get("name", "auto")
    return guess_format(table.columns, table.first, settings.data.columns) if name == "auto" else format_of_task(name)
