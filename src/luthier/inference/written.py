"""Whether the weights of an exported folder are those that passed its gate."""

from __future__ import annotations

import json
from pathlib import Path

from luthier.errors import ModelError
from luthier.files import sha256
from luthier.language import t
from luthier.models.run import EXPORTED


def check_written(folder: Path, needed: str) -> None:
    """needed: a file that has to be among them. Errors: ModelError for a file that is missing or has other bytes."""
    listed = _listed(folder / EXPORTED)
    if needed not in listed:
        raise _differs(folder / EXPORTED, t("does not list {name}", name=needed))
    for name, expected in listed.items():
        path = folder / name
        if not path.is_file():
            raise _differs(path, t("is missing"))
        if sha256(path) != expected:
            raise _differs(path, t("is not as it was written"))


def _listed(path: Path) -> dict[str, str]:
    try:
        found = {str(name): str(digest) for name, digest in json.loads(path.read_text("utf-8"))["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = t("{file} is not as it was written ({error})", file=EXPORTED, error=type(error).__name__)
        raise _differs(path, what) from None
    outside = next((name for name in found if Path(name).name != name), None)
    if outside is not None:
        raise _differs(path, t("{file} is not as it was written ({error})", file=EXPORTED, error=outside[:60]))
    return found


def _differs(path: Path, what: str) -> ModelError:
    return ModelError.at(str(path), what, t("copy the folder again"), code="bad-model")
