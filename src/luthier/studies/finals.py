"""The winner and the default, trained once more with other seeds; of each the one that is best on validation is trained
as a run of its own and tested, on the same rows."""

from __future__ import annotations

import json
import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.config.schema import Settings
from luthier.files import write_text
from luthier.language import t
from luthier.looks import Looks
from luthier.preparing.prepare import Prepared
from luthier.progress import Progress, Tracker
from luthier.runfolder import is_finished
from luthier.several import interrupted_as, wherever_it_stands
from luthier.studies.crews.attempt import with_task
from luthier.studies.crews.outcome import Job, Outcome

if TYPE_CHECKING:
    from luthier.finish import Run

WINNER, DEFAULT = "result", "default"
"""Folders of the two runs."""
_FILE = "seeds.json"


@dataclass(frozen=True)
class Finalist:
    """name: of its folder. settings: with nothing open that the search has set. number: of its trial."""

    name: str
    settings: Settings
    number: int

    def job(self, seed: int) -> Job:
        return Job(f"{self.name}-{seed}", self._with(seed), told=False)

    def _with(self, seed: int) -> Settings:
        train = self.settings.train.model_copy(update={"seed": seed})
        return self.settings.model_copy(update={"train": train})


class Seeds:
    """A source of jobs: each finalist with each seed. What came of them stands in a file of the search's folder."""

    def __init__(
        self, folder: Path, finalists: Sequence[Finalist], count: int, screen: Progress, tracker: Tracker
    ) -> None:
        """count: of seeds; they follow the search's own."""
        self._file, self._screen, self._tracker = folder / _FILE, screen, tracker
        first = finalists[0].settings.train.seed
        self.seeds = [first + 1 + i for i in range(count)]
        self._finalists = finalists
        self.outcomes: dict[str, Outcome] = {}
        if self._file.is_file():
            known = json.loads(self._file.read_text(encoding="utf-8"))
            self.outcomes = {name: Outcome(**told) for name, told in known.items()}
        jobs = [finalist.job(seed) for seed in self.seeds for finalist in finalists]
        self._jobs = deque(job for job in jobs if job.name not in self.outcomes)
        self._again: set[str] = set()
        tracker.advance(len(jobs) - len(self._jobs))

    def next(self) -> Job | None:
        return self._jobs.popleft() if self._jobs else None

    def told(self, job: Job, share: float, goodness: float) -> str:
        return ""

    def ended(self, job: Job, outcome: Outcome) -> None:
        self.outcomes[job.name] = outcome
        kept = {name: each.as_json() for name, each in self.outcomes.items()}
        write_text(self._file, json.dumps(kept, ensure_ascii=False))
        score = f"{outcome.metric} {outcome.value:.4f}" if outcome.value is not None else outcome.reason
        self._screen.say(t("{name}, seed {seed}: {score}", name=self._title(job), seed=job.settings.train.seed,
                           score=score))  # fmt: skip
        self._tracker.advance()

    def again(self, job: Job) -> bool:
        once = job.name not in self._again
        self._again.add(job.name)
        return once

    def best_seed(self, finalist: Finalist) -> int | None:
        """By validation; of equals the first. None where none came to its end."""
        done = {seed: self.outcomes[f"{finalist.name}-{seed}"] for seed in self.seeds}
        done = {seed: outcome for seed, outcome in done.items() if outcome.is_done}
        return max(done, key=lambda seed: done[seed].goodness or 0.0, default=None)

    def summary(self, finalist: Finalist) -> dict[str, Any]:
        """Mean and spread of the validation score over the seeds."""
        values = {seed: self.outcomes[f"{finalist.name}-{seed}"].value for seed in self.seeds}
        known = [value for value in values.values() if value is not None]
        return {
            "trial": finalist.number,
            "seeds": values,
            "chosen": self.best_seed(finalist),
            "mean": statistics.fmean(known) if known else None,
            "sd": statistics.stdev(known) if len(known) > 1 else None,
        }

    def _title(self, job: Job) -> str:
        return t("the winner") if job.name.startswith(WINNER) else t("the default")


def train_finalist(
    finalist: Finalist, seed: int, folder: Path, prepared: Prepared, looks: Looks, screen: Progress
) -> Run:
    """An ordinary run in a folder of the search's, on all rows with their test part; goes on where it was interrupted.

    Errors: LuthierError; an interruption names the command that goes on with the search.
    """
    from luthier.finish import read_run

    path = folder / finalist.name
    if is_finished(path):
        return read_run(path)
    settings = finalist.job(seed).settings.model_copy(update={"out": str(path)})
    with interrupted_as(folder, how_to_go_on(folder)):
        return wherever_it_stands(settings, with_task(prepared, settings), screen, looks=looks)


def how_to_go_on(folder: Path) -> str:
    return t("go on with: luthier search --resume --out {folder}", folder=folder)


def judge(winner: Run, default: Run, prepared: Prepared, seed: int) -> dict[str, Any]:
    """The two on the same test rows: the main score of each, their paired difference, and a plain sentence."""
    from luthier.evaluation.evaluate import report_of, resampled
    from luthier.evaluation.intervals import paired_difference
    from luthier.inference.artifact import load_artifact
    from luthier.probing import judged_part

    part = judged_part(prepared.split)
    examples = prepared.split.part(part)
    answers = [example.answer for example in examples]
    found, reports = {}, {}
    for name, run in ((WINNER, winner), (DEFAULT, default)):
        predictor = load_artifact(run.folder / "model")
        said = predictor.answers(examples)
        found[name] = resampled(predictor.codec.task, said, answers, seed=seed)
        reports[name] = report_of(found[name], said)
    main = reports[WINNER].main
    apart = paired_difference(found[WINNER], found[DEFAULT], main.name, higher_is_better=main.higher_is_better)
    values = {name: reports[name].main.value for name in reports}
    return verdict(part, main.name, values, {"value": apart.value, "low": apart.low, "high": apart.high}, main.n)


def verdict(
    part: str, metric: str, values: Mapping[str, float], apart: Mapping[str, float], rows: int
) -> dict[str, Any]:
    """part: of the split that judged; validation where there are no test rows, which flatters what was chosen by it."""
    facts = t("{metric} {winner:.3f} against {default:.3f} on {rows} rows, difference {value:+.3f} "
              "(95 % interval {low:+.3f} to {high:+.3f})",
              metric=metric, winner=values[WINNER], default=values[DEFAULT], rows=rows, **apart)  # fmt: skip
    if part != "test":
        word = "unclear"
        sentence = t("Not tested, for there are no test rows; on the validation rows by which it was chosen: {facts}.",
                     facts=facts)  # fmt: skip
    elif apart["low"] > 0:
        word = "yes"
        sentence = t("Beats the default by {value:.3f} ({low:.3f} to {high:.3f}): {facts}.", facts=facts, **apart)
    elif apart["value"] > 0:
        word = "unclear"
        sentence = t("No better than the defaults, as far as these rows can tell: {facts}.", facts=facts)
    elif apart["high"] < 0:
        word = "no"
        sentence = t("Worse than the defaults on the test rows: {facts}. What won on the validation rows did so by "
                     "chance; take the default's run.", facts=facts)  # fmt: skip
    else:
        word = "no"
        sentence = t("No better than the defaults: {facts}.", facts=facts)
    return {"beats_default": word, "sentence": sentence, "metric": metric, "part": part, "rows": rows,
            "result": values[WINNER], "default": values[DEFAULT], "difference": apart["value"], "low": apart["low"],
            "high": apart["high"]}  # fmt: skip


def default_won(run: Run) -> dict[str, Any]:
    """Where no trial was better on validation than the default itself."""
    main = run.test.main
    sentence = t("No better than the defaults: no trial was better on the validation rows than the default, whose "
                 "{metric} is {value:.3f} on {rows} rows.",
                 metric=main.name, value=main.value, rows=main.n)  # fmt: skip
    return {"beats_default": "no", "sentence": sentence, "metric": main.name, "part": run.report["judged_on"],
            "rows": main.n, "result": main.value, "default": main.value, "difference": 0.0, "low": 0.0,
            "high": 0.0}  # fmt: skip
