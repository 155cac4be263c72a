"""What a training stands on: the parts of the data, and everything that should be said about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.config.schema import Settings, SplitSettings
from luthier.data.findings import ERROR
from luthier.data.leaks import without_leaks
from luthier.data.split import Split
from luthier.preparing.divide import decided, divide, folds_of, with_given
from luthier.preparing.gather import Material, gather
from luthier.splitting.saved import SavedSplit
from luthier.task import AnyTask
from luthier.text.scripts import main_language
from luthier.types import PARTS, Finding


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


def prepare(settings: Settings) -> Prepared:
    """Errors: DataError for what cannot be read or trusted, all of it at once."""
    material = gather(settings)
    how = decided(material)
    return _prepared(material, how, divide(material, how))


def prepare_folds(settings: Settings) -> list[Prepared]:
    """Each fold of data.split.folds, read once: what `prepare` makes of these settings with data.split.fold=1, 2 …"""
    material = gather(settings)
    how = decided(material)
    folds = folds_of(material, how)
    numbers = range(1, (how.folds or 0) + 1)
    return [
        _prepared(material, how.model_copy(update={"fold": number}), with_given(material, folds.split(number)))
        for number in numbers
    ]


def _prepared(material: Material, how: SplitSettings, split: Split[Any, Any]) -> Prepared:
    leaked = 0
    if material.settings.bad_rows == "skip":
        rows = sum(len(split.part(name)) for name in PARTS)
        split = without_leaks(split)
        leaked = rows - sum(len(split.part(name)) for name in PARTS)
    task = material.task.learn(split.train)
    language, _ = main_language(task.format.plain_text(example.input) for example in split.train)
    parts = material.parts
    digests = {part.name: part.digest for part in parts.values()}
    file_of = {name: parts.get(name, parts["train"]).name for name in PARTS}
    return Prepared(
        task=task,
        split=split,
        how=how,
        columns=material.columns,
        findings=material.findings,
        files={name: digest for part in parts.values() for name, digest in part.digests.items()},
        saved=SavedSplit.of(split, digests, file_of, material.reading),
        language=language,
        skipped=leaked + sum(f.count for f in material.findings if f.severity == ERROR and f.code != "split-leak"),
        notes=(*material.notes, *split.notes),
    )
