"""What the user calls strategies: names of tuning methods, with options behind a colon."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.config.located import Located, override, replaced
from luthier.config.schema import Settings
from luthier.config.settings import check_settings, opened
from luthier.errors import ConfigError, Place, shown
from luthier.language import t

FLAG = "--strategies"
BEGUN = "strategies.begun.json"
"""In a folder of strategies' runs: their names, the minutes and the epochs that they were begun with."""
_COMMA = re.compile(r",(?![^\[\(]*[\]\)])")
"""That is not within brackets."""
_COLON = re.compile(r":(?=\w+=)")


@dataclass(frozen=True)
class Strategy:
    """name: as the user wrote it. settings: of its run."""

    name: str
    settings: Settings

    @property
    def method(self) -> str:
        return str(self.settings.tuning["method"])

    @property
    def folder(self) -> str:
        return re.sub(r"[^\w.=-]+", "_", self.name).strip("_.")[:100]


def begun_in(folder: Path) -> dict[str, Any] | None:
    """What strategies a folder's runs were begun with: `names` and `minutes`; None where it holds none."""
    path = folder / BEGUN
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def split_names(names: str | Sequence[str]) -> list[str]:
    """From "head,lora:r=8" the single ones."""
    words = _COMMA.split(names) if isinstance(names, str) else list(names)
    return [word.strip() for word in words if word.strip()]


def read_strategies(tree: Located, names: Sequence[str]) -> list[Strategy]:
    """tree: what the user said beside. Of the methods named there the options are those of its `tuning` section, unless
    the strategy has options of its own. Errors: ConfigError for an unknown method or option, with the nearest name."""
    if len(names) < 2:
        what, fix = t("names fewer than two"), t("such as {example}", example=f"{FLAG} head,last_layers,lora,full")
        raise ConfigError.at(FLAG, what, fix, code="usage")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError.at(FLAG, t("names {name} twice", name=shown(twice[0])), t("name it once"), code="usage")
    own = opened(tree).plain().get("tuning") or {}
    found = [Strategy(name, _settings(tree, name, own)) for name in names]
    folders = [strategy.folder for strategy in found]
    for name, folder in zip(names, folders, strict=True):
        if folders.count(folder) > 1:
            what = t("{name} has the same folder as another: {folder}", name=shown(name), folder=folder)
            raise ConfigError.at(FLAG, what, t("give them options that differ by more than signs"), code="usage")
    return found


def _settings(tree: Located, name: str, own: dict[str, object]) -> Settings:
    method, *options = _COLON.split(name)
    if not options and method == own.get("method"):
        return check_settings(opened(tree))
    place = Place(f"{FLAG} {name}")
    root = replaced(tree, ["tuning"], Located({"method": Located(method, place)}, place))
    for option in options:
        root = override(root, f"tuning.{option}")
    return check_settings(opened(root))
