"""The trials of a search on disk: nothing that ended is lost or done again, and what comes next is known beforehand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from luthier.progress import SILENT, Tracker
from luthier.studies.crews.conduct import Interrupted, conduct
from luthier.studies.crews.local import Ended, Event, Lost, Told
from luthier.studies.crews.outcome import FAILED, STOPPED, Job, Outcome
from luthier.studies.ledger import Ledger, best_of
from luthier.studies.pruning import behind
from luthier.studies.trials import Trials
from luthier.training.stopping.signals import Interruption
from studies.made import RATES, done, failed, settings, space, stopped


def ledger(path: Path, **start: Any) -> Ledger:
    return Ledger(path / "trials.log", space(**start), settings(), RATES)


def quality(job: Job) -> Outcome:
    """A function of the settings alone, as a deterministic training is."""
    how = job.settings
    return done(
        0.5 + 0.1 * (how.tuning["method"] == "lora") + int(how.train.batch_size) / 1000 + float(how.train.learning_rate)
    )


class Pretended:
    """A crew without processes. fates: what happens to the next jobs, instead of what `quality` says."""

    def __init__(self, *fates: Any, interrupts: Interruption | None = None, after: int = 0) -> None:
        self.size, self._fates, self._job = 1, list(fates), Job("", settings())
        self._interrupts, self._after, self.given = interrupts, after, list[str]()

    def give(self, worker: int, job: Job) -> None:
        self._job = job
        self.given.append(job.name)
        if self._interrupts is not None and len(self.given) > self._after:
            self._interrupts.number = 2

    def answer(self, worker: int, reason: str) -> None:
        self._fates.insert(0, Ended(0, stopped(0.1)) if reason else None)

    def events(self, seconds: float) -> Sequence[Event]:
        if self._interrupts is not None and self._interrupts.number:
            return []
        fate = self._fates.pop(0) if self._fates else None
        return [fate or Ended(0, quality(self._job))]

    def close(self) -> None:
        return


def run(path: Path, most: int, crew: Pretended, interruption: Interruption | None = None, **start: Any) -> Ledger:
    kept = ledger(path, **start)
    trials = Trials(kept, most, 3600, SILENT, Tracker())
    try:
        conduct(crew, trials, interruption or Interruption())
    except Interrupted:
        trials.interrupted()
    return kept


def told(kept: Ledger) -> list[tuple[Any, float | None]]:
    return [(record.values, record.outcome.value if record.outcome else None) for record in kept.records()]


def test_the_first_trial_is_the_default(tmp_path: Path) -> None:
    job = ledger(tmp_path).next()
    assert job is not None and not job.told
    assert job.settings.tuning == {"method": "full"} and job.settings.train.learning_rate == 1e-4
    assert job.settings.train.batch_size == 16 and job.settings.train.epochs == 4


def test_a_default_outside_the_space_is_tried_as_it_is_and_teaches_the_estimator_nothing(tmp_path: Path) -> None:
    kept = run(tmp_path, 3, Pretended(), **{"train.batch_size": 64})
    first, second, third = kept.records()
    assert first.values == {} and first.outcome is not None and first.outcome.is_done
    assert second.values and third.values and best_of([first, second, third]) is not None
    assert sum(trial.value is not None for trial in kept._study.trials) == 2


def test_an_interrupted_search_proposes_what_it_would_have_proposed(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = run(tmp_path / "whole", 9, Pretended())
    stop = Interruption()
    crew = Pretended(interrupts=stop, after=7)
    run(tmp_path / "parts", 9, crew, stop)
    after = Pretended()
    parts = run(tmp_path / "parts", 9, after)
    assert told(parts) == told(whole) and len(told(whole)) == 9
    assert len({str(values) for values, _ in told(whole)}) > 5
    assert crew.given[:-1] + after.given == [str(number) for number in range(9)]  # the one that was going on is redone


def test_a_killed_search_has_lost_nothing_but_the_line_that_it_was_writing(tmp_path: Path) -> None:
    before = told(run(tmp_path, 3, Pretended()))
    ledger(tmp_path).next()  # begun, and never ended
    with (tmp_path / "trials.log").open("ab") as file:
        file.write(b'{"op_code": 8, "worker_')
    crew = Pretended()
    after = told(run(tmp_path, 5, crew))
    assert after[:3] == before and crew.given == ["3", "4"] and None not in [value for _, value in after]


def test_a_trial_with_which_the_search_was_killed_twice_is_given_up(tmp_path: Path) -> None:
    for _ in range(2):
        Trials(ledger(tmp_path), 2, 3600, SILENT, Tracker()).next()
    crew = Pretended()
    first, second = run(tmp_path, 2, crew).records()
    assert first.outcome is not None and first.outcome.state == FAILED and crew.given == ["1"]
    assert second.outcome is not None and second.outcome.is_done


def test_a_trial_whose_process_ended_is_tried_once_more_and_then_recorded(tmp_path: Path) -> None:
    lost = Lost(0, "killed")
    crew = Pretended(lost, None, lost, lost)
    records = run(tmp_path, 3, crew).records()
    assert crew.given == ["0", "0", "1", "1", "2"]
    outcomes = [record.outcome for record in records if record.outcome]
    assert [outcome.state for outcome in outcomes] == ["done", "failed", "done"] and outcomes[1].reason == "killed"


def test_a_failed_trial_is_recorded_and_the_search_goes_on(tmp_path: Path) -> None:
    kept = run(tmp_path, 4, Pretended(None, Ended(0, failed())))
    assert [record.outcome.state for record in kept.records() if record.outcome] == ["done", "failed", "done", "done"]


def test_a_search_in_which_everything_fails_gives_up_early(tmp_path: Path) -> None:
    crew = Pretended(*[Ended(0, failed()) for _ in range(20)])
    run(tmp_path, 20, crew)
    assert len(crew.given) == 4


def test_a_stopped_trial_never_wins_and_no_settings_are_tried_twice(tmp_path: Path) -> None:
    kept = run(tmp_path, 8, Pretended(None, Told(0, 0.5, 0.0), Ended(0, stopped(0.99))))
    best = best_of(kept.records())
    assert best is not None and best.outcome is not None and best.outcome.state != STOPPED
    few = tmp_path / "few"
    few.mkdir()
    narrow = Ledger(few / "trials.log", type(space())(space().dimensions[2:3], space().start), settings(), RATES)
    crew = Pretended()
    conduct(crew, Trials(narrow, 12, 3600, SILENT, Tracker()), Interruption())
    assert len(narrow.records()) == 12 and len(crew.given) <= 3  # there are three batch sizes


def test_no_trial_begins_when_the_time_is_up_but_the_first(tmp_path: Path) -> None:
    kept = ledger(tmp_path)
    kept.spend(100.0)
    crew = Pretended()
    conduct(crew, Trials(kept, 9, 60, SILENT, Tracker()), Interruption())
    assert crew.given == ["0"]


def test_what_is_behind_the_median_at_the_same_share_of_its_steps_is_stopped() -> None:
    others = [done(value, 0.25, 0.5, 1.0) for value in (0.4, 0.6, 0.8, 1.0)]
    assert behind(0.5, 0.34, others) and not behind(0.5, 0.36, others)  # the median there is 0.35
    assert not behind(0.1, 0.0, others)  # too early
    assert not behind(0.5, 0.0, others[:3])  # too few to tell
    assert behind(0.5, float("nan"), others)
    assert not behind(0.75, 0.3, [stopped(0.9)] * 9)  # of those that were stopped nobody knows


@pytest.mark.parametrize(("metric", "bad"), [("loss", 2.0), ("qa.loss", 2.0)])
def test_where_less_is_better_the_sign_is_turned(metric: str, bad: float) -> None:
    one = Outcome("done", metric, 1.0, -1.0, [{"share": 0.5, "epoch": 1, "value": 1.0}], 1.0, 1.0)
    assert behind(0.5, -bad, [one] * 4) and not behind(0.5, -0.5, [one] * 4)
