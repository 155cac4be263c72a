"""What is known of a model before it is asked anything: its licence, its languages, its sizes."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.candidates.listed import MANY, listed
from luthier.models.find import ModelFolder

_LONGEST_CARD = 2**20


@dataclass(frozen=True)
class Facts:
    """licence: "" where nobody names one. languages: codes, or many; empty where nobody says. bytes: of the weights on
    disk. context: tokens that it reads at most."""

    licence: str
    languages: tuple[str, ...]
    architecture: str
    context: int
    bytes: int
    numbers: int


def facts_of(model: ModelFolder) -> Facts:
    """The model's own card before the list: a tuned copy may have another licence than what it began as."""
    card, known = _card(model.folder / "README.md"), listed(model.name)
    licence = str(card.get("license_name") or card.get("license") or (known.licence if known else ""))
    languages = _words(card.get("language")) or ((known.languages,) if known else ())
    files = sorted(model.folder.glob("*.safetensors"))
    size = sum(path.stat().st_size for path in files)
    context = known.context if known else model.most_tokens
    return Facts(licence, languages, str(model.config["model_type"]), min(context, model.most_tokens), size,
                 sum(map(_numbers, files)))  # fmt: skip


def _numbers(path: Path) -> int:
    """Of a file of weights, from its header; 0 where it is damaged, which loading it will tell."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    except (OSError, SafetensorError):
        return 0


def _words(value: Any) -> tuple[str, ...]:
    found = tuple(str(one) for one in (value if isinstance(value, list) else [value] if value else []))
    return found if len(found) < 6 else (MANY,)


def _card(path: Path) -> dict[str, Any]:
    """What stands between the two lines of dashes at the top of a model card; nothing where that cannot be read."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        if path.stat().st_size > _LONGEST_CARD:
            return {}
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return {}
    _, dashes, rest = text.partition("---\n")
    head, closed, _ = rest.partition("\n---")
    if not (dashes and closed) or text.strip()[:3] != "---":
        return {}
    try:
        read: Any = YAML(typ="safe", pure=True).load(io.StringIO(head))
    except (YAMLError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
