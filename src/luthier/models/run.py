"""Where a run has its model. Needs no deep-learning library."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from luthier.errors import ModelError
from luthier.files import files_in
from luthier.language import t

CODEC = "codec.json"
GRAPH = "model.onnx"
GGUF = "model.gguf"
EXPORTED = "export.json"
"""In a folder of `luthier export`: its format, what it was held against, how fast and how large it is."""


REJECTED = "rejected.json"
"""In the folder of a run that was found worse than the one whose place it was to take: why, and what to use."""


def refuse_rejected(run: Path) -> None:
    """For commands that put a model to use. Errors: ModelError where the run is marked as not to be used."""
    try:
        told = json.loads((run / REJECTED).read_text(encoding="utf-8"))
        why, instead = str(told["why"]), str(told["use"])
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError):
        why, instead = t("{file} cannot be read", file=REJECTED), t("the run that it comes from")
    fix = t("use {run}; or remove {file} to use it all the same", run=instead, file=run / REJECTED)
    raise ModelError.at(str(run), t("is marked as not to be used: {why}", why=why), fix, code="rejected")


def model_folder(run: Path) -> Path:
    """run: a run's folder, or a model folder itself. Errors: ModelError where it is neither."""
    for folder in (run / "model", run):
        if (folder / CODEC).is_file():
            return folder
    if (run / "config.yaml").is_file():
        what, fix = t("is a run without a finished model"), t("finish it: luthier train --resume --out {run}", run=run)
    elif not run.exists():
        what, fix = t("no such run"), t("train one first, or see what is there: ls runs")
    else:
        what = t("is no run of Luthier: {file} is missing", file=f"model/{CODEC}")
        fix = t("give a run's folder, or its model/ folder")
    raise ModelError.at(str(run), what, fix, code="no-such-run")


def needed(run: Path) -> tuple[str, ...]:
    """The modules without which the model cannot answer. Errors: as of `model_folder`."""
    folder = model_folder(run)
    if (folder / GRAPH).is_file():
        return ("onnxruntime",)
    return ("torch", "transformers", *(("gguf",) if (folder / GGUF).is_file() else ()))


def weights_digest(run: Path) -> str:
    """SHA-256 over a run's weights, by which what was made with it, such as an index or a log, is
    known to be of this very model. Errors: as of `model_folder`."""
    found = hashlib.sha256()
    folder = model_folder(run)
    for path in files_in(folder):
        if path.suffix not in (".safetensors", ".onnx", ".data", ".gguf"):
            continue
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()
