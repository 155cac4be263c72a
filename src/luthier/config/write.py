"""Settings back to YAML: the resolved ones, which repeat the run."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.config.schema import Settings
from luthier.errors import without_secrets
from luthier.language import t
from luthier.types import Choice


def as_yaml(settings: Settings, heading: str) -> str:
    """heading: a comment that stands on top. `out` is left out: a run repeated is another run."""
    return plain_yaml(settings.model_dump(exclude={"out"}), heading)


def plain_yaml(values: Mapping[str, Any], heading: str) -> str:
    """Sections as the user might have written them. heading: a comment that stands on top."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.width = 4096
    stream = io.StringIO()
    yaml.dump(_without_empty(dict(values)), stream)
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    return comment + stream.getvalue()


def resolved_config(settings: Settings, choices: Sequence[Choice]) -> str:
    """What a run keeps as its config.yaml: the settings that repeat it, and why they were chosen."""
    reasons = "\n".join(f"{choice.key}: {choice.reason}" for choice in choices)
    heading = t("The resolved configuration of this run; `luthier train` with it repeats the run.")
    return as_yaml(settings, f"{heading}\n{reasons}")


def _without_empty(section: dict[str, Any]) -> dict[str, Any]:
    """Keys that say nothing are left out: the file is for people too."""
    kept: dict[str, Any] = {}
    for key, value in section.items():
        inner = _without_empty(value) if isinstance(value, dict) else public(value)
        if inner not in (None, {}, []):
            kept[public(key)] = inner
    return kept


def public(value: Any) -> Any:
    """A setting as it may be stored: addresses in it lose their logins."""
    if isinstance(value, list):
        return [public(one) for one in value]
    if isinstance(value, dict):
        return {public(key): public(one) for key, one in value.items()}
    return without_secrets(value) if isinstance(value, str) else value


def plain_scalar(text: str) -> str:
    """A text as it may stand behind `key: ` in YAML, quoted where YAML would read something else."""
    from ruamel.yaml import YAML

    stream = io.StringIO()
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 4096
    yaml.dump({"k": text}, stream)
    return stream.getvalue().removeprefix("k:").strip()
