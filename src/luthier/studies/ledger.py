"""The trials of a search, in a file that is whole after every line: what was tried, and what is tried next.

The next trial is proposed by a tree-structured Parzen estimator (Bergstra et al. 2011; Optuna's, over all dimensions
together). Its random numbers are a function of the seed and of the trial's number: with one worker a search that was
interrupted proposes what it would have proposed.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.config.schema import Settings
from luthier.extras import need
from luthier.studies.crews.outcome import DONE, FAILED, STOPPED, Job, Outcome
from luthier.studies.pruning import behind
from luthier.studies.spaces.space import Space

STARTUP = 6
"""Trials before the estimator speaks, the default among them: fewer tell it nothing, and twenty are not many."""
_NAME = "search"
_VALUES, _OUTCOME, _TRIES, _SECONDS = "values", "outcome", "tries", "seconds"
MOST_TRIES = 2
"""How often a trial is begun whose process is ended from outside, as by a machine without memory."""


@dataclass(frozen=True)
class Record:
    """A trial. values: of the dimensions that have a meaning in it, by key."""

    number: int
    values: Mapping[str, Any]
    outcome: Outcome | None

    def as_json(self) -> dict[str, Any]:
        found = self.outcome.as_json() if self.outcome else {}
        return {"number": self.number, "values": dict(self.values), **found}


class Ledger:
    """Belongs to the one process that has claimed the search's folder."""

    def __init__(self, path: Path, space: Space, settings: Settings, rates: Mapping[str, float]) -> None:
        """path: of the file; it is made where it is missing. settings: of the search, without a trial's values."""
        optuna = need("optuna")
        logging.getLogger("optuna").setLevel(logging.ERROR)
        _whole_lines(path)
        self._optuna, self._space, self._settings, self._rates = optuna, space, settings, rates
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            storage = optuna.storages.JournalStorage(
                optuna.storages.journal.JournalFileBackend(str(path), lock_obj=_Claimed())
            )
            self._study = optuna.create_study(
                storage=storage, study_name=_NAME, direction="maximize", load_if_exists=True
            )
            start = space.default(settings)
            if start and not self._study.get_trials(deepcopy=False):
                self._study.enqueue_trial(space.stored(start))
        self._going: dict[str, Any] = {}

    @property
    def seconds(self) -> float:
        """That the search has taken so far, over all resumes."""
        return float(self._study.user_attrs.get(_SECONDS, 0.0))

    def spend(self, seconds: float) -> None:
        """seconds: in all, so far."""
        self._study.set_user_attr(_SECONDS, seconds)

    def records(self) -> list[Record]:
        found: list[Record] = []
        for trial in self._begun_trials():
            told = trial.user_attrs.get(_OUTCOME)
            values = json.loads(trial.user_attrs.get(_VALUES, "{}"))
            found.append(Record(trial.number, values, Outcome(**json.loads(told)) if told else None))
        return found

    def left_over(self) -> list[Job]:
        """Trials that were going on when the search was interrupted, to be done again from their beginning."""
        jobs: list[Job] = []
        for frozen in self._begun_trials():
            if frozen.user_attrs.get(_OUTCOME) is None:
                trial = self._optuna.trial.Trial(self._study, frozen._trial_id)
                jobs += [] if (job := self._begun(trial)) is None else [job]
        return jobs

    def next(self) -> Job | None:
        """A trial that has not been; None where the one that is proposed has been already: it then has its outcome."""
        self._study.sampler = self._sampler(len(self._begun_trials()))
        return self._begun(self._study.ask())

    def told(self, name: str, share: float, goodness: float) -> bool:
        """Whether a trial falls so far behind that it is to be stopped."""
        others = [r.outcome for r in self.records() if r.outcome is not None and str(r.number) != name]
        return behind(share, goodness, others)

    def ended(self, name: str, outcome: Outcome) -> Record:
        trial = self._going.pop(name)
        return self._write(trial, outcome)

    def try_again(self, name: str) -> bool:
        """Whether a trial whose process was ended is begun once more."""
        return int(self._going[name].user_attrs.get(_TRIES, 0)) < MOST_TRIES

    def count_try(self, name: str) -> None:
        trial = self._going[name]
        trial.set_user_attr(_TRIES, int(trial.user_attrs.get(_TRIES, 0)) + 1)

    def forgive(self) -> None:
        """The tries of what is going on do not count."""
        for trial in self._going.values():
            trial.set_user_attr(_TRIES, 0)

    def importance(self) -> dict[str, float]:
        """How much each dimension decides between good and bad trials, 0 to 1 in all (PED-ANOVA: Watanabe et al.
        2023); empty where too few trials tell."""
        done = [trial for trial in self._study.get_trials(deepcopy=False) if trial.value is not None and trial.params]
        if len(done) < 4 or len({trial.value for trial in done}) < 2:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self._optuna.importance.get_param_importances(self._study)
        return {key: float(value) for key, value in found.items()}

    def _begun(self, trial: Any) -> Job | None:
        """The trial with its values, all of them written down."""
        inside = trial.number > 0 or self._space.default(self._settings)
        values = self._space.suggest(trial, self._settings) if inside else {}
        trial.set_user_attr(_VALUES, json.dumps(values))
        name = str(trial.number)
        self._going[name] = trial
        same = self._same(trial.number, values)
        if same is not None:
            self.ended(name, same)
            return None
        return Job(name, self._space.settings(values, self._settings, self._rates), told=trial.number > 0)

    def _begun_trials(self) -> list[Any]:
        """All but the default while it waits."""
        waiting = self._optuna.trial.TrialState.WAITING
        return [trial for trial in self._study.get_trials(deepcopy=False) if trial.state != waiting]

    def _same(self, number: int, values: Mapping[str, Any]) -> Outcome | None:
        """What became of the same values before."""
        for record in self.records():
            if record.number < number and record.outcome is not None and record.values == values and values:
                return record.outcome if record.outcome.state != FAILED else None
        return None

    def _write(self, trial: Any, outcome: Outcome) -> Record:
        """The outcome first: what has one is finished, whatever Optuna has been told of it."""
        trial.set_user_attr(_OUTCOME, json.dumps(outcome.as_json()))
        states = self._optuna.trial.TrialState
        inside = bool(trial.params)  # a default outside the space tells the estimator nothing
        if outcome.state == DONE and inside:
            self._study.tell(trial, outcome.goodness)
        elif outcome.state == STOPPED and inside and outcome.goodness is not None:
            trial.report(outcome.goodness, round(100 * outcome.curve[-1]["share"]))
            self._study.tell(trial, state=states.PRUNED)
        else:
            self._study.tell(trial, state=states.FAIL)
        return Record(trial.number, json.loads(trial.user_attrs[_VALUES]), outcome)

    def _sampler(self, number: int) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._optuna.samplers.TPESampler(
                seed=(self._settings.train.seed * 100_003 + number) % 2**32, n_startup_trials=STARTUP
            )


def best_of(records: Sequence[Record]) -> Record | None:
    """The best of those that came to their end; of equals the first."""
    done = [record for record in records if record.outcome is not None and record.outcome.is_done]
    return max(done, key=lambda r: (r.outcome.goodness or 0.0) if r.outcome else 0.0, default=None)


def _whole_lines(path: Path) -> None:
    """Cuts off what a killed process left half written."""
    if path.is_file():
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with path.open("r+b") as file:
                file.truncate(len(whole))


class _Claimed:
    """No lock of Optuna's: the folder is this process's already, and one that a killed process left would be waited
    for."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return
