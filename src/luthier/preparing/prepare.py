"""What a training stands on: the parts of the data, and everything that should be said about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.config.schema import Settings, SplitSettings
from luthier.data.findings import ERROR
from luthier.data.leaks import without_leaks
from luthier.data.mixture import Mixture
from luthier.data.split import Split
from luthier.errors import ConfigError
from luthier.language import t
from luthier.preparing.divide import decided, decided_split, divide, folds_of, with_given
from luthier.preparing.gather import Material, gather, make_task
from luthier.preparing.general import General, general_text
from luthier.preparing.mixing import refuse_empty, with_extra
from luthier.preparing.parts import SavedSplits, each, joined_split, own_settings
from luthier.splitting.saved import SavedSplit
from luthier.task import AnyTask
from luthier.text.scripts import main_language
from luthier.types import PARTS, Finding


@dataclass(frozen=True)
class Prepared:
    """task: with what it learned from the training split. how: the split was made, with nothing left open.
    columns: the task's names to the file's.

    files: of each data file its SHA-256. saved: the rows of the parts, for split.json. skipped: rows left out on the
    user's word. notes: what was found out. mixture: the shares of the training sets, where they have some. general:
    text by which is measured what a language model forgets.
    """

    task: AnyTask
    split: Split[Any, Any]
    how: SplitSettings
    columns: Mapping[str, str]
    findings: Sequence[Finding]
    files: Mapping[str, str]
    saved: SavedSplit | SavedSplits
    language: str
    skipped: int = 0
    notes: tuple[str, ...] = ()
    mixture: Mixture | None = None
    general: General | None = None


def prepare(settings: Settings) -> Prepared:
    """Errors: DataError for what cannot be read or trusted, all of it at once."""
    own = own_settings(settings)
    if own:
        return _together(settings, each(own, prepare))
    material = gather(settings)
    how = decided(material)
    return _prepared(material, how, divide(material, how))


def prepare_folds(settings: Settings) -> list[Prepared]:
    """Each fold of data.split.folds, read once: what `prepare` makes of these settings with data.split.fold=1, 2 …"""
    if own_settings(settings):
        what = t("tasks with data of their own are not tested in folds")
        raise ConfigError.at("data.split.folds", what, t("leave it out"), code="conflict")
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
    parts, extra = material.parts, material.extra
    digests = {part.name: part.digest for part in parts.values()}
    file_of = {name: parts.get(name, parts["train"]).name for name in PARTS}
    saved = SavedSplit.of(split, digests, file_of, material.reading)
    own = split.train
    split = with_extra(split, extra.examples if extra else (), material.task.format)
    if material.mixture is not None:
        refuse_empty(material.mixture, split.train)
    task = material.task.learn(split.train)
    language, _ = main_language(task.format.plain_text(example.input) for example in own)
    read = [*parts.values(), *([extra] if extra else [])]
    return Prepared(
        task=task,
        split=split,
        how=how,
        columns=material.columns,
        findings=material.findings,
        files={name: digest for part in read for name, digest in part.digests.items()},
        saved=saved,
        language=language,
        skipped=leaked + sum(f.count for f in material.findings if f.severity == ERROR and f.code != "split-leak"),
        notes=(*material.notes, *split.notes),
        mixture=material.mixture,
        general=general_text(material.settings, task, language),
    )


def _together(settings: Settings, parts: Mapping[str, Prepared]) -> Prepared:
    """The parts as the data of one task. The split stays as it was asked for, to be decided anew for each part."""
    split = joined_split({name: own.split for name, own in parts.items()})
    near = all(own.how.near_duplicates for own in parts.values()) or None
    how = decided_split(settings.data.split, set()).model_copy(update={"near_duplicates": near})
    language, _ = main_language(text for own in parts.values() for text in _texts(own))
    return Prepared(
        task=make_task(settings).learn(split.train),
        split=split,
        how=how,
        columns={},
        findings=[finding for own in parts.values() for finding in own.findings],
        files={name: digest for own in parts.values() for name, digest in own.files.items()},
        saved=SavedSplits({name: own.saved for name, own in parts.items() if isinstance(own.saved, SavedSplit)}),
        language=language,
        skipped=sum(own.skipped for own in parts.values()),
        notes=tuple(note for name, own in parts.items() for note in (_sizes(name, own), *own.notes)),
    )


def _sizes(name: str, own: Prepared) -> str:
    sizes = ", ".join(f"{t(part)} {len(own.split.part(part)):,}" for part in PARTS)
    columns = ", ".join(f"{ours} = {theirs}" for ours, theirs in own.columns.items())
    return t("{part} ({task}): rows: {sizes}; columns: {columns}", part=name, task=own.task.name, sizes=sizes,
             columns=columns)  # fmt: skip


def _texts(own: Prepared) -> Iterator[str]:
    return (own.task.format.plain_text(example.input) for example in own.split.train)
