"""Which pretrained model for these data? Every candidate is measured on the same rows; the test rows are not looked
at."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from luthier.candidates.advise import Advice, advise, ranked
from luthier.candidates.listed import Listed, list_date, listed, proposed
from luthier.candidates.measure import Measured, Rows, measure
from luthier.candidates.places import Candidate, candidates
from luthier.candidates.score import FEWEST_ROWS, WORDS, crossed, scored
from luthier.config.schema import Settings
from luthier.errors import DataError, LuthierError, ModelError, Place, Problem
from luthier.evaluation.baselines import Examples
from luthier.evaluation.evaluate import report_of
from luthier.evaluation.folds import nested_order
from luthier.evaluation.intervals import Evaluated
from luthier.language import t
from luthier.models.known import default_model, has_gpu
from luthier.preparing.prepare import Prepared, prepare
from luthier.progress import SILENT, Progress
from luthier.runtime import Runtime, device_name, open_runtime
from luthier.types import Score

_log = logging.getLogger("luthier")

ROWS = 2000
_VALIDATION_SHARE = 4
"""One validation row for so many that are judged: they only choose between three strengths of regularisation."""
_FOREIGN = (RuntimeError, ValueError, TypeError, AttributeError, KeyError, IndexError)
"""What models that are not made for the task raise when they are run."""


@dataclass(frozen=True)
class Failed:
    """A candidate that could not be measured. listed: what is known of it all the same."""

    name: str
    problem: Problem
    listed: Listed | None

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, **self.problem.as_json(), "listed": self.listed and self.listed.as_json()}


@dataclass(frozen=True)
class Ranking:
    """models: the best first. words: what counted words reach; None where they cannot answer. elsewhere: known models
    that suit the task and are not here. rows: judged; of: training rows in all."""

    task: str
    language: str
    rows: int
    of: int
    device: str
    models: Sequence[Measured]
    failed: Sequence[Failed]
    words: Score | None
    elsewhere: Sequence[Listed]
    advice: Advice
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "language": self.language,
            "rows": self.rows,
            "training_rows": self.of,
            "device": self.device,
            "models": [one.as_json() for one in self.models],
            "failed": [one.as_json() for one in self.failed],
            "tfidf": self.words and self.words.as_json(),
            "elsewhere": [one.as_json() for one in self.elsewhere],
            "list_date": list_date(),
            "recommendation": self.advice.as_json(),
            "seconds": self.seconds,
        }


def rank_models(
    settings: Settings, names: Sequence[str] = (), *, most_rows: int = ROWS, screen: Progress = SILENT
) -> Ranking:
    """names: of candidates, folders or the hub's; without any what lies on this machine. most_rows: that are judged.

    Errors: DataError for data that cannot be used; ModelError where no candidate can.
    """
    began = time.time()
    asked = list(names) or ([settings.model] if settings.model != "auto" else [])
    prepared = prepare(settings)
    found = candidates(asked)
    _check_any(found, prepared)
    rows = _rows(prepared, most_rows, settings.train.seed)
    screen.say(t("candidates: {count}; rows: {rows:,} of {all:,} for training; the test rows are not looked at",
                 count=len(found), rows=len(rows.sample.split.train), all=rows.training))  # fmt: skip
    with open_runtime(settings.train.precision) as runtime:
        measured, failed = _measured(found, settings, rows, runtime, screen)
        device = device_name(runtime.device)
    if not measured:
        raise ModelError(*(one.problem for one in failed))
    words = _words(measured[0], rows.sample, settings.train.seed, screen)
    usual, _ = default_model(prepared.language, has_gpu(), kind := prepared.task.auto_class)
    here = {one.name for one in measured}
    others = proposed(kind, prepared.language, has_gpu(), usual.name, here)
    named = [one.listed for one in failed if one.listed]
    return Ranking(
        task=prepared.task.name,
        language=prepared.language,
        rows=len(rows.sample.split.train),
        of=rows.training,
        device=device,
        models=ranked(measured),
        failed=failed,
        words=None if words is None else report_of(words, rows.sample.split.train).main,
        elsewhere=named if asked else others,
        advice=advise(measured, words),
        seconds=time.time() - began,
    )


def _measured(
    found: Sequence[Candidate], settings: Settings, rows: Rows, runtime: Runtime, screen: Progress
) -> tuple[list[Measured], list[Failed]]:
    measured: list[Measured] = []
    failed: list[Failed] = []
    for number, candidate in enumerate(found, 1):
        name = candidate.name
        screen.say(t("{number} of {count}: {name}", number=number, count=len(found), name=name))
        try:
            measured.append(measure(candidate, settings, rows, runtime, screen))
        except LuthierError as error:
            failed.append(Failed(name, error.problems[0], listed(name)))
        except _FOREIGN as error:
            _log.info("%s", name, exc_info=error)
            what = t("fails on the rows: {reason}", reason=f"{type(error).__name__}: {str(error)[:200]}")
            fix = t("is it a model for this task? --verbose tells more")
            failed.append(Failed(name, Problem(Place(name), what, fix, "bad-model"), listed(name)))
    return measured, failed


def _words(one: Measured, sample: Prepared, seed: int, screen: Progress) -> Evaluated | None:
    """What counted words reach, by the task as it was settled for a candidate."""
    examples, task = sample.split.train, one.task
    if one.known.score is None or task.speaks_untuned or (task.fits_untuned and len(examples) < FEWEST_ROWS):
        return None
    said = crossed(task, examples, sample.split.validation, None, WORDS, seed, screen)
    return None if said is None else scored(task, examples, said, seed)


def _rows(prepared: Prepared, most: int, seed: int) -> Rows:
    """A sample that keeps the shares of the classes. Errors: DataError where there is nothing to learn from."""
    split, task = prepared.split, prepared.task
    if not split.train:
        what, fix = t("there are no training rows"), t("name data with answers")
        raise DataError.at(t("training"), what, fix, code="no-rows")
    most = min(most, task.most_seen)
    train = _sampled(prepared, split.train, most, seed)
    checked = _sampled(prepared, split.validation, max(1, most // _VALIDATION_SHARE), seed)
    sample = replace(prepared, split=replace(split, train=train, validation=checked, test=[]))
    epochs, _ = task.usual_epochs([example.answer for example in split.train])
    return Rows(sample, len(split.train), len(split.validation), epochs)


def _sampled(prepared: Prepared, examples: Examples, most: int, seed: int) -> Examples:
    if len(examples) <= most:
        return examples
    order = nested_order([prepared.task.format.stratum(example.answer) for example in examples], seed)
    return [examples[i] for i in sorted(order[:most].tolist())]


def _check_any(found: Sequence[Candidate], prepared: Prepared) -> None:
    """Errors: ModelError where none was named and none lies here."""
    if found:
        return
    usual, _ = default_model(prepared.language, has_gpu(), prepared.task.auto_class)
    what = t("no pretrained model lies on this machine")
    fix = t("name one: --candidates ./folder, or --candidates {name}, which is fetched", name=usual.name)
    raise ModelError.at(t("models"), what, fix, code="no-such-model")
