"""The trials as a source of jobs: how many, how long, which are stopped; each is told when it ends."""

from __future__ import annotations

import time
from collections import deque

from luthier.errors import Place, Problem, StoppedError
from luthier.language import t
from luthier.progress import Progress, Tracker
from luthier.studies.crews.outcome import FAILED, STOPPED, Job, Outcome
from luthier.studies.ledger import Ledger, Record, best_of
from luthier.studies.spaces.space import rounded

_HOPELESS = 4
"""Trials in a row from the first that failed, after which no further one is begun."""


class Trials:
    """most: trials in all. seconds: in all, after which none is begun and those that may are stopped."""

    def __init__(self, ledger: Ledger, most: int, seconds: float, screen: Progress, tracker: Tracker) -> None:
        self._ledger, self._most, self._seconds = ledger, most, seconds
        self._screen, self._tracker = screen, tracker
        self._before, self._began = ledger.seconds, time.monotonic()
        self._left = deque(ledger.left_over())
        tracker.advance(sum(record.outcome is not None for record in ledger.records()))

    def next(self) -> Job | None:
        while self._left or self._may_begin():
            job = self._left.popleft() if self._left else self._ledger.next()
            if job is None:
                self._tracker.advance()  # it has been before
            elif self._ledger.try_again(job.name):
                self._ledger.count_try(job.name)
                return job
            else:
                self.ended(job, Outcome.failed(t("the search was killed each time that it was at this trial")))
        return None

    def told(self, job: Job, share: float, goodness: float) -> str:
        if self._is_late() and best_of(self._ledger.records()) is not None:
            return t("the time was up")
        if self._ledger.told(job.name, share, goodness):
            return t("behind the median at {share:.0%} of its steps", share=share)
        return ""

    def ended(self, job: Job, outcome: Outcome) -> None:
        best = best_of(self._ledger.records())
        record = self._ledger.ended(job.name, outcome)
        self._ledger.spend(self._spent())
        better = outcome.is_done and (best is None or best_of([best, record]) is record)
        self._screen.say(told(record) + (" ★" if better else ""))
        self._tracker.advance(1, _note(best_of(self._ledger.records())))

    def again(self, job: Job) -> bool:
        """Counted on disk, so that a trial that ends the search's own process with it is not tried for ever."""
        if not self._ledger.try_again(job.name):
            return False
        self._screen.warn(t("trial {number}: its process ended; it is tried once more", number=job.name))
        self._ledger.count_try(job.name)
        return True

    def interrupted(self) -> None:
        """What was going on is done again, and that it was not finished is not held against it."""
        self._ledger.forgive()
        self._ledger.spend(self._spent())

    def _may_begin(self) -> bool:
        records = self._ledger.records()
        failed = [record.outcome is not None and record.outcome.state == FAILED for record in records]
        if len(records) >= _HOPELESS and all(failed):
            return False
        return len(records) < self._most and (not records or not self._is_late())

    def _is_late(self) -> bool:
        return self._spent() > self._seconds

    def _spent(self) -> float:
        return self._before + time.monotonic() - self._began


def check_some_done(records: list[Record], folder: str) -> Record:
    """The best. Errors: StoppedError where no trial came to its end, with what the first says."""
    best = best_of(records)
    if best is not None:
        return best
    reasons = [record.outcome.reason for record in records if record.outcome is not None and record.outcome.reason]
    what = t("none of {count} trials came to its end; the first: {reason}", count=len(records),
             reason=reasons[0] if reasons else "–")  # fmt: skip
    fix = t("mend that, and begin the search anew with another --out")
    raise StoppedError(Problem(Place(folder), what, fix, "no-trial"))


def told(record: Record) -> str:
    """A trial in a line."""
    outcome = record.outcome
    assert outcome is not None
    values = ", ".join(f"{key} {value_text(record, key)}" for key in record.values) or t("as the house chooses")
    if outcome.state == FAILED:
        first = outcome.reason.splitlines()[0] if outcome.reason else ""
        return t("trial {number}: failed: {reason} ({values})", number=record.number, reason=first, values=values)
    score = f"{outcome.metric} {outcome.value:.4f}"
    if outcome.state == STOPPED:
        return t("trial {number}: {score}, stopped: {reason} ({values})", number=record.number, score=score,
                 reason=outcome.reason, values=values)  # fmt: skip
    return t("trial {number}: {score} in {seconds:.0f} s ({values})", number=record.number, score=score,
             seconds=outcome.seconds, values=values)  # fmt: skip


def value_text(record: Record, key: str) -> str:
    """A dimension's value as it stood in the trial's settings."""
    settings = record.outcome.settings if record.outcome else {}
    value = settings.get(key, record.values.get(key, ""))
    return f"{rounded(value):g}" if isinstance(value, float) else str(value)


def _note(best: Record | None) -> str:
    if best is None or best.outcome is None or best.outcome.value is None:
        return ""
    return t("best {metric} {value:.4f}", metric=best.outcome.metric, value=best.outcome.value)
