"""Jobs to workers and what comes of them back, until there is nothing left to do."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from luthier.studies.crews.local import Crew, Ended, Told
from luthier.studies.crews.outcome import Job, Outcome
from luthier.training.stopping.signals import Interruption

_WAIT = 0.5
"""Seconds after which an interruption is seen at the latest."""


class Interrupted(Exception):  # noqa: N818  an interruption is no error of anybody's
    """A signal came; whoever conducts says what to do next."""


class Source(Protocol):
    """Where jobs come from and where their outcomes go."""

    def next(self) -> Job | None:
        """None while there is nothing to begin."""
        ...

    def told(self, job: Job, share: float, goodness: float) -> str:
        """Why a job is to stop, or ""."""
        ...

    def ended(self, job: Job, outcome: Outcome) -> None: ...

    def again(self, job: Job) -> bool:
        """Whether a job whose process was ended is begun once more."""
        ...


def conduct(crew: Crew, source: Source, interruption: Interruption) -> None:
    """Errors: Interrupted after a signal; what was going on is then undone."""
    going: dict[int, Job] = {}
    waiting: deque[Job] = deque()
    while True:
        for worker in range(crew.size):
            if worker in going:
                continue
            job = waiting.popleft() if waiting else source.next()
            if job is None:
                break
            going[worker] = job
            crew.give(worker, job)
        if not going:
            return
        for event in crew.events(_WAIT):
            job = going[event.worker]
            if isinstance(event, Told):
                crew.answer(event.worker, source.told(job, event.share, event.goodness))
                continue
            del going[event.worker]
            if isinstance(event, Ended):
                source.ended(job, event.outcome)
            elif source.again(job):
                waiting.append(job)
            else:
                source.ended(job, Outcome.failed(event.reason))
        if interruption.number:
            raise Interrupted
