"""What a form is: whether a run can have it, how it is written, and what it must pass before it is handed over."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from luthier.evaluation.intervals import Difference
from luthier.exporting.original import Original
from luthier.inference.artifact import Predictor, load_artifact
from luthier.task import AnyTask

Done = Callable[[int], None]
"""Is told how many windows were worked on since it was last told."""


@dataclass(frozen=True)
class Gate:
    """passed: whether the export may be handed over. sentence: why. equal: share of the rows with the same answer.
    furthest: the largest difference of two logits; None where they are not held against each other. bound: of the
    largest of them, or of 1. metric, before, after, lost: the main score, where the form may lose some of it. more:
    what else was found."""

    passed: bool
    sentence: str
    equal: float
    furthest: float | None = None
    bound: float | None = None
    metric: str | None = None
    before: float | None = None
    after: float | None = None
    lost: Difference | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        content = {name: value for name, value in vars(self).items() if name not in ("lost", "more")}
        return {**content, "lost": None if self.lost is None else dict(vars(self.lost)), **self.more}


class Exporter(ABC):
    """Without state: one of it serves all runs."""

    needs: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    """Modules without which it cannot be written."""
    files: ClassVar[tuple[str, ...]] = ("codec.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
    """Of the model's folder what is taken over as it is."""

    @abstractmethod
    def check(self, task: AnyTask, config: Mapping[str, Any], folder: Path) -> None:
        """Before anything heavy is loaded. config: the model's. folder: the model's. Errors: ConfigError for a task or
        model that has no such form."""

    @abstractmethod
    def write(self, original: Original, folder: Path) -> Mapping[str, Any]:
        """Into a folder that holds `files` already. What is to be told about it, for export.json. Errors: ModelError
        for a model that does not become one."""

    @abstractmethod
    def judge(self, original: Original, exported: Predictor, folder: Path, max_loss: float, done: Done) -> Gate:
        """exported: the written folder as it will be loaded."""

    def load(self, folder: Path) -> Predictor:
        return load_artifact(folder, "cpu")

    def take_over(self, original: Original, folder: Path) -> None:
        for name in self.files:
            if (original.folder / name).is_file():
                shutil.copyfile(original.folder / name, folder / name)
