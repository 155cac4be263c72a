"""How much would more data help? Cheap models learn from growing parts of the training rows; the curve is drawn on.

Every training row is judged by models that did not see it (cross-validation), each on nested parts of the other folds,
so that the points differ by the rows added and by nothing else. How strongly a model is regularised is chosen on the
validation rows, for each size. The test rows are not looked at: they stay for the model that will be tuned.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from luthier.choosing.features import features_for
from luthier.choosing.forecast import Forecast, Point
from luthier.choosing.measure import FOLDS, ClassGain, measure
from luthier.config.schema import Settings
from luthier.errors import DataError
from luthier.evaluation.baselines import Examples, sample
from luthier.language import t
from luthier.preparing.prepare import Prepared, prepare
from luthier.progress import SILENT, Progress
from luthier.whole_text import as_whole_text

_FEWEST_ROWS = 50


@dataclass(frozen=True)
class Curve:
    """rows: of the training split, the present state. points: measured. learner: the cheap model, in words.

    classes: those that gained most by the last doubling, first; empty for a task without classes.
    """

    task: str
    metric: str
    higher_is_better: bool
    learner: str
    rows: int
    points: Sequence[Point]
    forecast: Forecast
    classes: Sequence[ClassGain]
    notes: Sequence[str]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "metric": self.metric,
            "higher_is_better": self.higher_is_better,
            "learner": self.learner,
            "rows": self.rows,
            "points": [vars(point) for point in self.points],
            **self.forecast.as_json(),
            "classes": [gain.as_json() for gain in self.classes],
            "notes": list(self.notes),
            "seconds": self.seconds,
        }


def learning_curve(settings: Settings, *, screen: Progress = SILENT) -> Curve:
    """Errors: DataError for data that cannot be used or are too few, ModelError for a named model that is missing."""
    began = time.time()
    prepared = prepare(settings)
    task = as_whole_text(prepared.task, "task", t("curve works for classification, multilabel and regression"))
    seed = settings.train.seed
    train, validation = sample(prepared.split.train, seed), list(prepared.split.validation)
    _check_enough(settings, train)
    features = features_for(settings, task, [*train, *validation], prepared.language, screen)
    screen.say(t("{count} training rows in {folds} folds; the test rows are not looked at",
                 count=len(train), folds=FOLDS))  # fmt: skip
    measured, present = measure(task, train, len(validation), features, seed, screen), len(prepared.split.train)
    return Curve(
        task.name, measured.metric, measured.higher_is_better, features.name, present, measured.points(),
        measured.forecast(present), measured.classes, _notes(prepared, train), time.time() - began,
    )  # fmt: skip


def _check_enough(settings: Settings, train: Examples) -> None:
    if len(train) >= _FEWEST_ROWS and len({example.answer for example in train}) > 1:
        return
    what = t("{count} training rows are too few for a curve", count=len(train))
    fix = t("at least {needed} are needed; label some more, then ask again", needed=_FEWEST_ROWS)
    raise DataError.at(str(settings.data.train), what, fix, code="too-few-rows")


def _notes(prepared: Prepared, train: Examples) -> list[str]:
    notes = [t("the curve is of the cheap model; a tuned one lies higher as a rule, and its gain may differ")]
    if len(train) < len(prepared.split.train):
        notes.append(t("measured on a sample of {count} training rows", count=len(train)))
    if not prepared.split.validation:
        notes.append(t("no validation rows: the regularisation is the usual one, not chosen"))
    return notes
