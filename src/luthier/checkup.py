"""luthier check: the doctor's pass over files of any layout, without a model being trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from luthier import catalog
from luthier.config.schema import Settings
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.doctor.gathered import Gathered
from luthier.extras import has
from luthier.formats.format import AnyFormat
from luthier.formats.known import format_of_task, full_name, guess_format
from luthier.language import t
from luthier.models.find import ModelFolder, find_tokenizer
from luthier.models.known import UNDERSTANDING, default_model, has_gpu
from luthier.preparing.mixing import open_mixed
from luthier.preparing.rows import open_parts, rows_past, split_is_told
from luthier.progress import SILENT, Progress
from luthier.reading.read import Table
from luthier.text.scripts import main_language
from luthier.text.tokenizer import read_tokenizer
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
    data = settings.data
    tables, notes = open_parts(data, "check", shared=True)
    first, extra = tables["train"].singles[0], open_mixed(data, tables).extra
    layout = _format(settings, first)
    name = _model_name(settings, layout, first)
    found = find_tokenizer(name) if name is not None else None
    tokenizer, max_length, unread = _reader(settings, name, found)
    embed, without = _embedder(name, found) if deep else (None, [])
    doctor = Doctor(Context(layout, tokenizer, max_length, embed, deep, split_is_told(data.split)))
    for name, table in (*tables.items(), *([("train", extra)] if extra else [])):
        part = rows_past(doctor, table, data, name, whole=table is extra)
        notes = [*notes, *part.notes]
        with screen.track(t("reading {file}", file=table.path.name), 0) as tracker:
            for i, _ in enumerate(part.rows, 1):
                if i % 10_000 == 0:
                    tracker.advance(10_000)
    screen.say(t("looking at {rows:,} rows", rows=len(doctor.data)))
    findings = doctor.findings()
    notes = [*notes, *doctor.notes(), *unread, *without]
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


def _reader(
    settings: Settings, name: str | None, found: ModelFolder | None
) -> tuple[Tokenizer | None, int | None, list[str]]:
    """The tokenizer of the model that would be tuned and the most tokens it would read, if it is on this machine; else
    a note on what was not looked at. No model is loaded and the network is not asked."""
    if found is None:
        reason = t("no model is named") if name is None else t("{model} is not on this machine", model=name)
        note = t("not looked at: texts too long for the model, words unknown to it ({reason}; --model FOLDER)",
                 reason=reason)  # fmt: skip
        return None, None, [note]
    wanted = settings.train.max_length
    most = found.most_tokens if wanted == "auto" else min(wanted, found.most_tokens)
    return read_tokenizer(found.folder), most, []


def _embedder(
    name: str | None, found: ModelFolder | None
) -> tuple[Callable[[Sequence[str]], np.ndarray] | None, list[str]]:
    """Texts to vectors by that model, loaded when first asked for, if it and the library are on this machine; else a
    note that the costly checks go without."""
    if found is None or not has("torch"):
        reason = t("torch is not installed") if found else t("{model} is not on this machine", model=name or "auto")
        return None, [t("--deep went without a pretrained model: {reason}", reason=reason)]

    @cache
    def loaded() -> Callable[[Sequence[str]], np.ndarray]:
        from luthier.inference.embed import text_embedder

        return text_embedder(found, "cuda" if has_gpu() else "cpu")

    return lambda texts: loaded()(texts), []


def _model_name(settings: Settings, layout: AnyFormat, table: Table) -> str | None:
    """The model that would be tuned, None where that cannot be said yet."""
    if settings.model != "auto":
        return settings.model
    if not UNDERSTANDING.intersection(layout.tasks):
        return None
    texts = (max((v for v in row.values() if isinstance(v, str)), key=len, default="") for row in table.first)
    return default_model(main_language(texts)[0], has_gpu=False)[0].name


def _format(settings: Settings, table: Table) -> AnyFormat:
    name = settings.task.get("name", "auto")
    if name == "auto":
        return guess_format(table.columns, table.first, settings.data.columns)
    if full_name(name) not in catalog.task_names():
        return format_of_task(name)
    return catalog.task(name)(**{key: value for key, value in settings.task.items() if key != "name"}).format
