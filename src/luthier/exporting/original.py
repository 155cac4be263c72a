"""What an export starts from and is held against: the run's model, and the rows on which it was validated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from luthier.config.settings import load_settings
from luthier.errors import DataError, ModelError, RunError
from luthier.inference.artifact import Predictor, load_artifact
from luthier.language import t
from luthier.models.run import EXPORTED, model_folder
from luthier.preparing.prepare import Prepared, prepare
from luthier.progress import Progress
from luthier.runfolder import CONFIG, is_finished
from luthier.splitting.saved import NAME as SPLIT
from luthier.types import Example


@dataclass(frozen=True)
class Original:
    """run, folder: the run's and its model's. predictor: of the model as the run saved it, on the CPU. part: of the
    data, whose rows the examples are."""

    run: Path
    folder: Path
    predictor: Predictor
    part: str
    examples: Sequence[Example[Any, Any]]

    @cached_property
    def predictions(self) -> Sequence[Any]:
        """One an example."""
        return self.predictor.answers(self.examples)

    @cached_property
    def inputs(self) -> list[Any]:
        """All that is asked so that the examples can be judged."""
        return self.predictor.codec.task.questions(self.examples)


def check_run(run: Path) -> Path:
    """The model folder of a run that can be exported. Errors: ModelError, RunError."""
    folder = model_folder(run)
    if (folder / EXPORTED).is_file():
        what, fix = t("is exported already"), t("give the run that it comes from")
        raise RunError.at(str(run), what, fix, code="exported")
    if not (run / CONFIG).is_file():
        what = t("is a model folder: which rows it was validated on is not known, and nothing leaves unchecked")
        raise ModelError.at(str(run), what, t("give the run's folder, in which model/ lies"), code="no-such-run")
    if not is_finished(run):
        fix = t("finish it: luthier train --resume --out {run}", run=run)
        raise RunError.at(str(run), t("is a run without a finished model"), fix, code="run-unfinished")
    return folder


def read_original(run: Path, screen: Progress) -> Original:
    """The rows are read again, as the run read them. Errors: DataError where they are not what they were."""
    folder = check_run(run)
    part, examples = held_out(run)
    if part == "test":
        screen.say(t("the run has no validation rows: the export is held against its test rows"))
    return Original(run, folder, load_artifact(run, "cpu"), part, examples)


def held_out(run: Path) -> tuple[str, Sequence[Example[Any, Any]]]:
    """The rows that a run did not learn from, and which part of its data they are: validation, else test. Errors: as of
    `prepared_again`; DataError where it has neither."""
    split = prepared_again(run).split
    part = "validation" if split.validation else "test"
    examples = split.part(part)
    if not examples:
        what = t("has neither validation nor test rows to hold an export against")
        fix = t("train with data.split.validation=0.1")
        raise DataError.at(str(run), what, fix, code="no-rows")
    return part, examples


def prepared_again(run: Path) -> Prepared:
    """The run's data, read and split as they were. Errors: DataError where they are not what they were."""
    prepared = prepare(load_settings(run / CONFIG))
    saved = run / SPLIT
    if not saved.is_file() or _rows(saved.read_text(encoding="utf-8")) != _rows(prepared.saved.text()):
        what = t("the rows are not those that the run was validated on: its data or {file} were changed", file=SPLIT)
        raise DataError.at(str(saved), what, t("bring the data back as they were"), code="data-changed")
    return prepared


def _rows(split: str) -> Any:
    """Of a split.json what has to be the same: the rows of the parts, and the bytes of their files, whatever they are
    called. None for what is none."""
    try:
        content = json.loads(split)
        parts = content.get("tasks", {"": content})
        return {name: (own["rows"], sorted(own["files"].values())) for name, own in parts.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
