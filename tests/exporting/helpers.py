"""A task's samples as a saved model and what an export of it is held against, without a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier import catalog
from luthier.exporting.export import sealed
from luthier.exporting.exporter import Gate
from luthier.exporting.original import Original
from luthier.inference.artifact import Predictor
from production.helpers import saved
from tiny import bench


@dataclass(frozen=True)
class Trial:
    original: Original
    exported: Predictor
    gate: Gate
    folder: Path


def original(task: str, model: Path, folder: Path, *, larger: float = 1.0, **options: Any) -> Original:
    """larger: as of `saved`."""
    predictor = saved(task, model, folder, larger=larger, **options)
    return Original(folder / task, folder / task, predictor, "validation", bench(task, model, **options).examples)


def trial(first: Original, form: str, folder: Path, max_loss: float = 0.01) -> Trial:
    """The form written into a new folder and judged, whether it passes or not."""
    exporter = catalog.exporter(form)
    folder.mkdir()
    exporter.take_over(first, folder)
    exporter.write(first, folder)
    (folder / "export.json").write_text(sealed({"format": form}, folder), encoding="utf-8")
    exported = exporter.load(folder)
    return Trial(first, exported, exporter.judge(first, exported, folder, max_loss, lambda _: None), folder)
