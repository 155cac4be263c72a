"""How good a finished run is on other data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.config.schema import DataSettings
from luthier.evaluation.evaluate import evaluate
from luthier.evaluation.parts import Parts, parts_of
from luthier.evaluation.slices import Slice, slices
from luthier.inference.artifact import load_artifact
from luthier.language import t
from luthier.preparing.again import read_examples
from luthier.progress import SILENT, Progress
from luthier.reading.open import Named
from luthier.types import Report

_SEED = 42


@dataclass(frozen=True)
class Assessment:
    """report: scores on all rows, with intervals. slices: on some of the rows. details: the task's own tables. parts:
    what each part of the inputs adds, where they have parts."""

    report: Report
    slices: Sequence[Slice]
    details: dict[str, Any]
    parts: Parts | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "scores": [score.as_json() for score in self.report.scores],
            "slices": [part.as_json() for part in self.slices],
            "details": self.details,
            **({"parts": self.parts.as_json()} if self.parts else {}),
        }


def assess(run: Path, data: Named, how: DataSettings | None = None, *, screen: Progress = SILENT) -> Assessment:
    """run: a run's folder or a model folder. data: labelled rows, however named; read as the training data were unless
    `how` says otherwise. Errors: ModelError, DataError."""
    how = how or DataSettings()
    predictor = load_artifact(run)
    task = predictor.codec.task
    examples = read_examples(data, predictor.codec, how, screen)
    with screen.track(t("predicting"), len(examples)) as tracker:
        predictions = predictor.answers(examples, tracker.advance)
    answers = [example.answer for example in examples]
    report = evaluate(task, predictions, answers, seed=_SEED)
    parts = parts_of(task, examples, predictions, predictor.answers, _SEED)
    found = slices(task, examples, predictions, seed=_SEED)
    return Assessment(report, found, task.details(predictions, answers), parts)
