"""A finished run in another form: written, held against the original on its validation rows, and only then there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luthier import catalog
from luthier.codec import Codec
from luthier.errors import ConfigError, RunError
from luthier.exporting.exporter import Exporter
from luthier.exporting.original import Original, check_run, read_original
from luthier.exporting.result import Exported
from luthier.extras import require
from luthier.files import disk_trouble, sha256, whole_folder
from luthier.inference.golden.rows import keep_golden
from luthier.language import t
from luthier.models.find import find_model
from luthier.models.run import EXPORTED
from luthier.progress import SILENT, Progress

FOLDER = "exports"
"""In the run's folder, where no other is named."""
_SUMMED = (".onnx", ".data", ".gguf")
"""Files of which export.json holds the SHA-256."""


def sealed(facts: Mapping[str, Any], folder: Path) -> str:
    """export.json: the facts, and what the folder's weights have to be when it is loaded."""
    files = {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.suffix in _SUMMED}
    return json.dumps({**facts, "files": files}, ensure_ascii=False, indent=1)


class _Failed(Exception):  # noqa: N818  no failure of ours: what was written is thrown away
    pass


def export(
    run: Path, form: str, out: Path | None = None, *, max_loss: float = 0.01, screen: Progress = SILENT
) -> Exported:
    """run: a finished run's folder. form: of `catalog.exporter_names`. out: must not hold anything; exports/<form> in
    the run's folder where not given. max_loss: of the main score, as much as a form that rounds may lose.

    Errors: LuthierError for a run, a form or a folder that does not do; ModelError for a model that does not become
    one. A gate that is not passed is no error: `gate.passed` is False, and nothing was written.
    """
    exporter: Exporter = catalog.exporter(form)
    if not 0 <= max_loss < 1:
        fix = t("use a number from 0 to below 1")
        raise ConfigError.at("--max-loss", t("is {value}", value=max_loss), fix, code="out-of-range")
    folder = check_run(run)
    target = out or run / FOLDER / form
    check_target(target)
    require(*exporter.needs)
    exporter.check(Codec.load(folder, catalog.task).task, find_model(str(folder), weights=False).config, folder)
    original = read_original(run, screen)
    screen.say(t("exporting {run} as {form}", run=run, form=form))
    found: list[Exported] = []
    try:
        with disk_trouble(target.parent), _whole(target) as temporary:
            exporter.take_over(original, temporary)
            facts = exporter.write(original, temporary)
            found.append(_judged(exporter, form, original, temporary, target, max_loss, facts, screen))
            if not found[0].gate.passed:
                raise _Failed
    except _Failed:
        return found[0]
    return found[0]


def check_target(path: Path) -> None:
    """Errors: RunError for a folder that holds something, or cannot be written."""
    fix = t("choose a new or empty folder with --out, or remove it")
    if path.is_dir() and any(path.iterdir()):
        raise RunError.at(str(path), t("holds something already"), fix, code="exists")
    if path.exists() and not path.is_dir():
        raise RunError.at(str(path), t("is a file"), fix, code="out-is-file")
    parent = next(p for p in path.absolute().parents if p.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        fix = t("choose another folder with --out")
        raise RunError.at(str(path), t("{folder} cannot be written", folder=parent), fix, code="read-only")


def _whole(target: Path):
    """`whole_folder`, where an empty folder may stand."""
    if target.is_dir():
        target.rmdir()
    return whole_folder(target)


def _judged(
    exporter: Exporter, form: str, original: Original, folder: Path, target: Path, max_loss: float,
    facts: Mapping[str, Any], screen: Progress,
) -> Exported:  # fmt: skip
    """The gate, what was measured, and the two files that tell of it."""
    from luthier.exporting.card import with_export
    from luthier.exporting.measure import latencies, typical, weight_bytes

    (folder / EXPORTED).write_text(sealed({"format": form}, folder), encoding="utf-8")
    exported = exporter.load(folder)
    with screen.track(t("comparing"), len(original.inputs)) as tracker:
        gate = exporter.judge(original, exported, folder, max_loss, tracker.advance)
    keep_golden(folder, exported, original.examples)
    seconds = latencies([original.predictor, exported], typical(original.predictor, original.inputs))
    sizes = weight_bytes(original.folder), weight_bytes(folder)
    pair = seconds[0], seconds[1]
    found = Exported(
        form, target if gate.passed else None, gate, len(original.examples), original.part, pair, sizes, facts
    )
    (folder / EXPORTED).write_text(sealed(found.facts_told(), folder), encoding="utf-8")
    card = original.folder / "README.md"
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    (folder / "README.md").write_text(with_export(text, found), encoding="utf-8")
    return found
