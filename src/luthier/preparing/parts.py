"""Tasks with data of their own, as parts of one: each is read, checked and split as it would be alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from luthier import catalog
from luthier.config.schema import DataSettings, Settings
from luthier.data.split import Split
from luthier.errors import ConfigError, LuthierError
from luthier.language import t
from luthier.parts.rows import wrapped
from luthier.splitting.saved import SavedSplit
from luthier.types import PARTS, Example

MadeT = TypeVar("MadeT")


@dataclass(frozen=True)
class SavedSplits:
    """split.json of several parts. tasks: of each part its own."""

    tasks: Mapping[str, SavedSplit]

    @property
    def rows(self) -> Mapping[str, Any]:
        return {name: saved.rows for name, saved in self.tasks.items()}

    def text(self) -> str:
        return json.dumps({"tasks": {name: vars(saved) for name, saved in self.tasks.items()}}, ensure_ascii=False)


def own_settings(settings: Settings) -> dict[str, Settings]:
    """Of each part that has data of its own the settings of a run of its own; nothing for other tasks.

    Errors: ConfigError where there is data.train beside it.
    """
    options = {key: value for key, value in settings.task.items() if key != "name"}
    if not options or settings.task.get("name", "auto") == "auto":
        return {}
    parts = catalog.task(settings.task["name"]).own_data(options)
    for key in ("train", "mix") if parts else ():
        if getattr(settings.data, key):
            what = t("is given, and every task has data of its own")
            raise ConfigError.at(f"data.{key}", what, t("leave out one of the two"), code="conflict")
    shared = settings.data.model_dump()
    return {
        part: settings.model_copy(
            update={"task": own["task"], "data": DataSettings.model_validate({**shared, **own["data"]})}
        )
        for part, own in parts.items()
    }


def each(settings: Mapping[str, Settings], prepare: Callable[[Settings], MadeT]) -> dict[str, MadeT]:
    """What is made of the settings of every part. Errors: those of all parts at once, of the kind of the first."""
    made: dict[str, MadeT] = {}
    errors: list[LuthierError] = []
    for part, own in settings.items():
        try:
            made[part] = prepare(own)
        except LuthierError as error:
            errors.append(error)
    if errors:
        raise type(errors[0])(*(problem for error in errors for problem in error.problems))
    return made


def joined_split(parts: Mapping[str, Split[Any, Any]]) -> Split[Any, Any]:
    """The rows of all parts, each under its part's name."""

    def rows(which: str) -> list[Example[Any, Any]]:
        return [wrapped(name, example) for name, own in parts.items() for example in own.part(which)]

    train, validation, test = map(rows, PARTS)
    return Split(train, validation, test)
