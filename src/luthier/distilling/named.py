"""Which model a student begins with, and what a run of it is made of. Needs no deep-learning library."""

from __future__ import annotations

from pathlib import Path

from luthier.config.schema import DistilSettings
from luthier.errors import ConfigError, shown
from luthier.files import sha256
from luthier.language import t
from luthier.models.run import model_folder


def student_name(model: str, distil: DistilSettings) -> str:
    """The student's model as it is named: the teacher's own folder where some of its layers are taken.

    Errors: ConfigError where another model is named beside distil.layers; ModelError where the teacher is no run."""
    if distil.teacher is None:
        return model
    own = str(model_folder(Path(distil.teacher)))
    if distil.layers is None:
        return model
    if model not in ("auto", own):
        what = t("distil.layers takes the layers of the teacher, and model names {model}", model=shown(model))
        raise ConfigError.at("distil.layers", what, t("leave out one of the two"), code="conflict")
    return own


def teacher_files(distil: DistilSettings) -> dict[str, str]:
    """Of what a student learns from the SHA-256, by name: a run that is resumed must find it unchanged."""
    if distil.teacher is None:
        return {}
    folder = model_folder(Path(distil.teacher))
    files = {f"distil.teacher/{path.name}": path for path in sorted(folder.glob("*.safetensors"))}
    if distil.unlabelled is not None and Path(distil.unlabelled).is_file():
        files["distil.unlabelled"] = Path(distil.unlabelled)
    return {name: sha256(path) for name, path in files.items()}
