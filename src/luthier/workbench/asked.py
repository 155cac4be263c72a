"""What was chosen on the page, as the words that would stand behind the command in a terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from luthier.errors import ConfigError
from luthier.language import t

_SETTING = re.compile(r"[A-Za-z_][\w.-]*=.*", re.DOTALL)
_OURS = ("out", "data.train", "model")
"""Settings that the page has a place for, or that say where a run lies."""
_Word = Annotated[str, Field(max_length=4000)]


class Asked(BaseModel):
    """data: a file, a folder, an address. columns: the task's name of a column to the file's. strategies: several ways
    of tuning to be compared; with one or none the run has one. more: further settings, key=value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: _Word
    task: _Word = ""
    model: _Word = ""
    columns: dict[_Word, _Word] = Field(default_factory=dict)
    strategies: list[_Word] = Field(default_factory=list)
    epochs: Annotated[int, Field(ge=1)] | None = None
    more: list[_Word] = Field(default_factory=list)

    def data_words(self) -> list[str]:
        """What says which rows are meant. Errors: ConfigError."""
        named = [f"data.columns.{ours}={theirs}" for ours, theirs in self.columns.items() if theirs]
        return [check_source(self.data), *(["--task", self.task] if self.task else []), *named, *self._settings()]

    def model_words(self) -> list[str]:
        return ["--model", self.model] if self.model else []

    def words(self) -> list[str]:
        """Of a training, and of its plan. Errors: ConfigError."""
        said = [*self.data_words(), *self.model_words()]
        if len(self.strategies) == 1:
            said.append(f"tuning.method={self.strategies[0]}")
        if self.epochs is not None:
            said.append(f"train.epochs={self.epochs}")
        return said

    def training_words(self, out: Path) -> list[str]:
        compared = ["--strategies", ",".join(self.strategies)] if len(self.strategies) > 1 else []
        return [*self.words(), *compared, "--out", str(out)]

    def _settings(self) -> list[str]:
        for word in self.more:
            key = word.partition("=")[0]
            if not _SETTING.fullmatch(word):
                fix = t("write a setting a line, such as train.batch_size=16")
                raise ConfigError.at("settings", t("{word} is no setting", word=repr(word[:80])), fix, code="usage")
            if key in _OURS:
                fix = t("choose it above, on the page")
                raise ConfigError.at("settings", t("{key} is not set here", key=key), fix, code="usage")
        return list(self.more)


def check_source(data: str) -> str:
    """Errors: ConfigError for what a command would take for an option or a setting."""
    if not data.strip() or data.startswith("-") or ("=" in data and "://" not in data and not Path(data).exists()):
        fix = t("drop a file in, or write the path of one")
        raise ConfigError.at("data", t("{word} names no data", word=repr(data[:80])), fix, code="no-data")
    return data
