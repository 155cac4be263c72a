"""luthier check: the doctor's pass over files of any layout, without a model being trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from luthier.config.schema import Settings
from luthier.data.columns import find_columns
from luthier.data.rows import parse_rows, with_clean_texts
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.doctor.gathered import Gathered
from luthier.errors import ConfigError, Place
from luthier.formats.format import AnyFormat
from luthier.formats.known import format_of_task, guess_format
from luthier.language import t
from luthier.models.find import find_tokenizer
from luthier.models.known import UNDERSTANDING, default_model
from luthier.prepare import read_options
from luthier.progress import SILENT, Progress
from luthier.reading.read import Table, open_table
from luthier.text.clean import cleaner
from luthier.text.scripts import main_language
from luthier.text.tokenizer import read_tokenizer
from luthier.types import PARTS, Finding


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
        return self.data.class_counts()

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
    tokenizer, max_length, unread = _reader(settings, layout, tables["train"])
    doctor = Doctor(Context(layout, tokenizer, max_length, deep=deep))
    for name, table in tables.items():
        place = Place(str(table.path), 1 if table.columns else None)
        columns = find_columns(table.columns, layout.columns, settings.data.columns, place, first=table.first)
        parse = layout.parse
        if settings.data.clean:  # as training will see them
            parse = with_clean_texts(parse, layout.map_texts, cleaner(tuple(settings.data.clean)))
        doctor.data.columns.update(columns)
        with screen.track(t("reading {file}", file=table.path.name), 0) as tracker:
            for i, _ in enumerate(doctor.watch(name, parse_rows(table.rows, parse, columns)), 1):
                if i % 10_000 == 0:
                    tracker.advance(10_000)
    screen.say(t("looking at {rows:,} rows", rows=len(doctor.data)))
    findings = doctor.findings()
    notes = [f"{table.path.name}: {note}" for table in tables.values() for note in table.notes]
    notes += [*doctor.notes(), *unread]
    return Checkup(
        settings.data.train,
        layout,
        dict(doctor.data.columns),
        findings,
        notes,
        doctor.data,
        doctor.unusable,
        doctor.facts(),
    )


def _reader(settings: Settings, layout: AnyFormat, table: Table) -> tuple[Tokenizer | None, int | None, list[str]]:
    """The tokenizer of the model that would be tuned and the most tokens it would read, if it is on this machine; else
    a note on what was not looked at. No model is loaded and the network is not asked."""
    name = settings.model
    if name == "auto" and UNDERSTANDING.intersection(layout.tasks):
        texts = (max((v for v in row.values() if isinstance(v, str)), key=len, default="") for row in table.first)
        name = default_model(main_language(texts)[0], has_gpu=False)[0].name
    found = find_tokenizer(name) if name != "auto" else None
    if found is None:
        reason = t("no model is named") if name == "auto" else t("{model} is not on this machine", model=name)
        note = t("not looked at: texts too long for the model, words unknown to it ({reason}; --model FOLDER)",
                 reason=reason)  # fmt: skip
        return None, None, [note]
    wanted = settings.train.max_length
    most = found.most_tokens if wanted == "auto" else min(wanted, found.most_tokens)
    return read_tokenizer(found.folder), most, []


def _format(settings: Settings, table: Table) -> AnyFormat:
    name = settings.task.get("name", "auto")
    return guess_format(table.columns, table.first, settings.data.columns) if name == "auto" else format_of_task(name)
