"""Which run is better, and is the difference real?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from luthier.comparing.answers import Answers, Read, answers_on, judged_answers
from luthier.comparing.pairs import Pair, apart, corrected, disagreement
from luthier.comparing.rows import CLASS_RESAMPLES, Part, by_class, by_slice, rights, turned
from luthier.comparing.same_rows import aligned
from luthier.comparing.sentence import notes_on, verdict_on
from luthier.config.schema import DataSettings
from luthier.errors import ConfigError, RunError
from luthier.evaluation.evaluate import higher_is_better, report_of, resampled
from luthier.evaluation.intervals import RESAMPLES, Evaluated
from luthier.extras import require
from luthier.language import t
from luthier.progress import SILENT, Progress
from luthier.reading.open import Named
from luthier.types import Report

_SEED = 42
_RESAMPLES_A_PAIR = 200
"""So that the smallest p-value there is, 2 / (resamples + 1), stays below 0.05 after the correction over all pairs."""
_BY_TOKEN = ("loss", "perplexity")
"""Scores that a model which writes has for each of its own tokens."""


@dataclass(frozen=True)
class Against:
    """A run beside the first that was named. turned: rows that are right in one of them alone."""

    run: int
    classes: Sequence[Part]
    slices: Sequence[Part]
    turned: Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Comparison:
    """runs, reports, systems: of each run its name, its scores on the shared rows, and what it is. pairs: of all runs,
    with p-values corrected over them. against: every other run beside the first. best: the number of the run with the
    best main score; sure: whether it is surely ahead of all others."""

    task: str
    part: str
    rows: int
    runs: Sequence[str]
    reports: Sequence[Report]
    systems: Sequence[Mapping[str, Any]]
    pairs: Sequence[Pair]
    against: Sequence[Against]
    best: int
    sure: bool
    sentence: str
    notes: Sequence[str]

    @property
    def metric(self) -> str:
        return self.pairs[0].main.name

    def as_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "judged_on": self.part,
            "rows": self.rows,
            "metric": self.metric,
            "verdict": {"best": self.runs[self.best], "sure": self.sure, "sentence": self.sentence},
            "runs": [
                {"run": run, **system, "scores": [score.as_json() for score in report.scores]}
                for run, system, report in zip(self.runs, self.systems, self.reports, strict=True)
            ],
            "pairs": [pair.as_json(self.runs) for pair in self.pairs],
            "against_first": [
                {
                    "run": self.runs[one.run],
                    "classes": [part.as_json() for part in one.classes],
                    "slices": [part.as_json() for part in one.slices],
                    **{name: list(rows) for name, rows in one.turned.items()},
                }
                for one in self.against
            ],
            "notes": list(self.notes),
        }


def compare(
    runs: Sequence[Path], data: Named | None = None, how: DataSettings | None = None, *, screen: Progress = SILENT
) -> Comparison:
    """runs: folders of finished runs; with data also model folders. data: labelled rows to judge them on, however
    named, read as `how` says; None takes the rows on which each was judged, which have to be the same.

    Errors: RunError, DataError for runs that cannot be compared; ModelError.
    """
    _check(runs)
    require("torch", "transformers")
    read: Read = {}
    told: list[Answers] = []
    for run in runs:
        told.append(answers_on(run, data, how or DataSettings(), screen) if data is not None
                    else judged_answers(run, read, screen))  # fmt: skip
        _check_tasks(told)
    told = aligned(told)
    count = len(runs) * (len(runs) - 1) // 2
    found = [
        resampled(run.task, run.predictions, [e.answer for e in run.examples], seed=_SEED,
                  resamples=max(RESAMPLES, _RESAMPLES_A_PAIR * count))
        for run in told
    ]  # fmt: skip
    reports = [report_of(one, run.predictions) for one, run in zip(found, told, strict=True)]
    names, left_out = _shared_scores(told, found, reports)
    right = rights(told)
    pairs = corrected([
        Pair(a, b, tuple(apart(found[a], found[b], name, higher_is_better=higher_is_better(name)) for name in names),
             disagreement(right[a], right[b]))
        for a, b in combinations(range(len(told)), 2)
    ])  # fmt: skip
    values = [one.values[names[0]] for one in found]
    best = int(np.argmax(np.array(values) * (1 if higher_is_better(names[0]) else -1)))
    sentence, sure = verdict_on(names[0], values, pairs, best, [str(run.run) for run in told], len(told[0].examples))
    return Comparison(
        told[0].task.name, told[0].part, len(told[0].examples), [str(run.run) for run in told], reports,
        [_system(run) for run in told], pairs, _against(told, right, names, screen), best, sure, sentence,
        [*notes_on(told, names[0], pairs), *_left_out(left_out)],
    )  # fmt: skip


def _check(runs: Sequence[Path]) -> None:
    if len(runs) < 2:
        fix = t("name two runs or more: luthier compare runs/a-1 runs/a-2")
        raise ConfigError.at("luthier compare", t("one run alone cannot be compared"), fix, code="usage")
    named: dict[Path, Path] = {}
    for run in runs:
        if run.resolve() in named:
            fix = t("name two different runs")
            raise RunError.at(str(run), t("is named twice"), fix, code="named-twice")
        named[run.resolve()] = run


def _check_tasks(told: Sequence[Answers]) -> None:
    first, last = told[0], told[-1]
    if first.task.name != last.task.name:
        what = t("is a run of {task}, {first} one of {other}", task=last.task.name, first=first.run,
                 other=first.task.name)  # fmt: skip
        raise RunError.at(str(last.run), what, t("compare runs of one task"), code="other-task")


def _shared_scores(
    told: Sequence[Answers], found: Sequence[Evaluated], reports: Sequence[Report]
) -> tuple[list[str], list[str]]:
    """Names of the scores that every run has, in the order of the first, and of those that mean another thing in each:
    a loss for every token says nothing where tokens differ."""
    defined = [{score.name for score in report.scores if score.low is not None} for report in reports]
    names = [score.name for score in reports[0].scores if all(score.name in own for own in defined)]
    differ = told[0].task.speaks_untuned and len({run.tokens for run in told}) > 1
    left_out = [name for name in names if differ and name in _BY_TOKEN]
    names = [name for name in names if name not in left_out]
    if not names:
        what = t("the runs have no score that means the same for all of them")
        fix = t("compare runs with one tokenizer, or on rows that have reference answers: --data FILE")
        raise RunError.at(str(told[0].run), what, fix, code="no-score")
    assert all(name in one.resampled for name in names for one in found)
    return names, left_out


def _left_out(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    return [t("{names} are left out: they count by tokens, and the runs have different tokenizers",
              names=", ".join(names))]  # fmt: skip


def _against(
    told: Sequence[Answers], right: Sequence[Sequence[bool | None]], names: Sequence[str], screen: Progress
) -> list[Against]:
    first, score = told[0], "accuracy" if "accuracy" in names else names[0]
    found: list[Against] = []
    with screen.track(t("classes and slices"), CLASS_RESAMPLES * (len(told) - 1)) as tracker:
        for number, other in enumerate(told[1:], 1):
            classes = by_class(first, other, _SEED, tracker.advance)
            slices = by_slice(first, other, score, _SEED)
            found.append(Against(number, classes, slices, turned(first, other, right[0], right[number])))
    return found


def _system(run: Answers) -> dict[str, Any]:
    """What a run is, as far as its folder tells."""
    report = run.report
    tuning = report.get("tuning", {})
    seeds = report.get("seeds")
    return {
        "model": report.get("model"),
        "method": tuning.get("method"),
        "seconds": report.get("seconds"),
        "seeds": None if seeds is None else {"count": len(seeds["runs"]), "over_seeds": seeds["over_seeds"]},
    }
