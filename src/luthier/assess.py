"""How good a finished run is on other data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.augmenting.perturbing.known import PERTURBATIONS
from luthier.config.schema import DataSettings
from luthier.evaluation.elsewhere.portrait import FILE, Portrait
from luthier.evaluation.elsewhere.robust import Perturbed, robustness
from luthier.evaluation.elsewhere.shift import Shift, find_shift
from luthier.evaluation.elsewhere.sure import WANTED, Trust, trust
from luthier.evaluation.evaluate import evaluate
from luthier.evaluation.parts import Parts, parts_of
from luthier.evaluation.slices import Slice, slices
from luthier.inference.artifact import Predictor, load_artifact
from luthier.language import t
from luthier.pictured import sample_vectors
from luthier.preparing.again import read_examples
from luthier.progress import SILENT, Progress
from luthier.reading.open import Named
from luthier.task import AnyTask
from luthier.types import Example, Report

_SEED = 42


@dataclass(frozen=True)
class Assessment:
    """report: scores on all rows, with intervals. slices: on some of the rows, against the rest. details: the task's
    own tables. parts: what each part of the inputs adds, where they have parts. trust: what the model's sureness is
    worth; None for a task that says no probabilities. shift: from the training data; None where the run kept nothing of
    them, and notes say so. robustness: under perturbations, where that was asked for."""

    task: AnyTask = field(repr=False)
    examples: Sequence[Example[Any, Any]] = field(repr=False)
    report: Report
    slices: Sequence[Slice]
    details: dict[str, Any] = field(repr=False)
    parts: Parts | None = None
    trust: Trust | None = None
    shift: Shift | None = None
    robustness: Sequence[Perturbed] = ()
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "scores": [score.as_json() for score in self.report.scores],
            "slices": [part.as_json() for part in self.slices],
            "shift": self.shift.as_json() if self.shift else None,
            **(self.trust.as_json() if self.trust else {"calibration": None, "selective": None}),
            "robustness": [one.as_json() for one in self.robustness],
            "details": self.details,
            "notes": list(self.notes),
            **({"parts": self.parts.as_json()} if self.parts else {}),
        }


def assess(
    run: Path, data: Named, how: DataSettings | None = None, *, columns: Sequence[str] = (), perturbed: bool = False,
    wanted: Sequence[float] = WANTED, screen: Progress = SILENT,
) -> Assessment:  # fmt: skip
    """run: a run's folder or a model folder. data: labelled rows, however named; read as the training data were unless
    `how` says otherwise. columns: of the file, by which it is sliced as well. perturbed: whether the rows are asked
    again, written otherwise. wanted: accuracies for which a threshold is to be named.
    Errors: ModelError, DataError."""
    how = how or DataSettings()
    predictor = load_artifact(run)
    task = predictor.codec.task
    examples = read_examples(data, predictor.codec, how, screen, kept=columns)
    portrait = Portrait.load(run / FILE) if (run / FILE).is_file() else None
    with screen.track(t("predicting"), len(examples)) as tracker:
        predictions = predictor.answers(examples, tracker.advance)
    answers = [example.answer for example in examples]
    rare = portrait.rare_share if portrait else None
    with screen.track(t("comparing parts of the rows"), 1) as tracker:
        found = slices(task, examples, predictions, seed=_SEED, columns=columns, rare=rare, compared=True)
        tracker.advance()
    return Assessment(
        task,
        examples,
        evaluate(task, predictions, answers, seed=_SEED),
        found,
        task.details(predictions, answers),
        parts_of(task, examples, predictions, predictor.answers, _SEED),
        trust(task, predictions, answers, seed=_SEED, wanted=wanted),
        _shift(portrait, predictor, examples, screen) if portrait else None,
        _robustness(predictor, examples, predictions, screen) if perturbed else (),
        () if portrait else (_no_portrait(),),
    )


def _no_portrait() -> str:
    return t("the run's folder keeps nothing of the training data, so the shift from them is not told: name a run's "
             "folder, not its model's")  # fmt: skip


def _shift(portrait: Portrait, predictor: Predictor, examples: Sequence[Example[Any, Any]], screen: Progress) -> Shift:
    vectors = sample_vectors(predictor, examples, _SEED, screen) if len(portrait.vectors_SD) else None
    return find_shift(portrait, predictor.codec, examples, vectors, _SEED)


def _robustness(
    predictor: Predictor, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any], screen: Progress
) -> list[Perturbed]:
    with screen.track(t("asking again, written otherwise"), len(PERTURBATIONS)) as tracker:
        return robustness(
            predictor.codec.task, examples, predictions, predictor.answers, PERTURBATIONS,
            seed=_SEED, done=tracker.advance,
        )  # fmt: skip
