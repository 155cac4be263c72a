"""What answers, once it is there."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luthier.errors import shown
from luthier.language import t
from luthier.production.batcher import MOST_FAILURES, Batcher, TurnTold
from luthier.production.limits import Limits
from luthier.production.predicting.reach import Answers
from luthier.production.requests import Refusal

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.artifact import Predictor
    from luthier.production.scribe import Scribe
    from luthier.writer import Writer

Load = Callable[[], "Predictor"]
_IDLE = 1.0
"""Seconds that a model which was replaced has nothing to do before it goes: a request may still be read for it."""


@dataclass(frozen=True)
class Served:
    """A model with whoever works for it. A request keeps the one that it began with, whatever is loaded meanwhile."""

    predictor: Predictor
    worker: Batcher | Scribe

    @property
    def name(self) -> str:
        return self.predictor.name

    @property
    def writes(self) -> bool:
        """Whether its answers are texts."""
        from luthier.production.scribe import Scribe

        return isinstance(self.worker, Scribe)

    @property
    def chooses(self) -> bool:
        """Whether its answers are texts of which there are a few."""
        from luthier.writer import Writer

        task = self.predictor.codec.task
        return isinstance(task, Writer) and task.chooses

    @property
    def fails(self) -> bool:
        """Whether nothing came of the last turns of the model."""
        return isinstance(self.worker, Batcher) and self.worker.failures >= MOST_FAILURES

    @property
    def scribe(self) -> Scribe:
        """Errors: Refusal where the model writes no text."""
        from luthier.production.scribe import Scribe

        if not isinstance(self.worker, Scribe):
            what = t("{task} writes no text", task=self.predictor.codec.task.name)
            raise Refusal(400, what, param="model", code="unsupported_model")
        return self.worker

    @property
    def writer(self) -> Writer[Any, Any]:
        """Errors: as of `scribe`."""
        return self.scribe.writer

    async def answer(self, inputs: Sequence[Any]) -> Answers:
        """One an input, in order. Errors: Refusal for one that the template refuses, and where too many wait."""
        return Answers(*await self.worker.answer(inputs))


class Models:
    """All that a server answers with, by name. loads: give the models, in threads, the first of them the one that is
    meant where none is named. told: of each turn of a model."""

    def __init__(self, loads: Sequence[Load], limits: Limits, told: TurnTold = lambda inputs, seconds: None) -> None:
        self._loads, self._limits, self._told = loads, limits, told
        self._served: list[Served] = []
        self._work: dict[int, asyncio.Task[None]] = {}
        self.draining = False

    @property
    def names(self) -> list[str]:
        return [served.name for served in self._served]

    @property
    def waiting(self) -> int:
        return sum(served.worker.waiting for served in self._served)

    @property
    def state(self) -> str:
        """ready, loading, draining or failing."""
        if self.draining:
            return "draining"
        if len(self._served) < len(self._loads):
            return "loading"
        return "failing" if any(served.fails for served in self._served) else "ready"

    @property
    def overload(self) -> Refusal | None:
        """What is said to whoever asks for an answer now, before anything is read; None where a model has room."""
        found = [served.worker.overload for served in self._served]
        return None if not found or None in found else found[0]

    @property
    def first(self) -> Served:
        """Errors: Refusal while it loads, and when the server ends."""
        if self.draining:
            raise Refusal(503, t("the server is about to end"), code="draining")
        if len(self._served) < len(self._loads):
            raise Refusal(503, t("the model is still loading"), code="not-ready")
        return self._served[0]

    @property
    def most_request_bytes(self) -> int:
        """Errors: as of `first`."""
        return max(one.predictor.codec.task.most_request_bytes for one in (self.first, *self._served))

    def of(self, name: Any = None) -> Served:
        """Errors: as of `first`; Refusal (404) for a name that there is not."""
        first = self.first
        if name is None:
            return first
        if not isinstance(name, str):
            raise Refusal(400, t("model is a string"), param="model", code="invalid_value")
        for served in self._served:
            if served.name == name:
                return served
        what = t("the model {asked} is not served here; there are: {names}",
                 asked=shown(name), names=", ".join(map(shown, self.names)))  # fmt: skip
        raise Refusal(404, what, param="model", code="model_not_found")

    async def open(self) -> None:
        """Loads all, and works until it is cancelled. Errors: LuthierError of the first that cannot be loaded."""
        for load in self._loads:
            self._served = [*self._served, await self._begin(load)]
        _settle()
        try:
            await asyncio.Event().wait()
        finally:
            for task in self._work.values():
                task.cancel()

    async def reload(self) -> None:
        """Loads all once more, and puts the new in the place of the old when every one of them is there: a request is
        answered by the old or by the new, and none is lost. Errors: LuthierError of one that cannot be loaded; then the
        old ones stay."""
        new: list[Served] = []
        try:
            for load in self._loads:
                new.append(await self._begin(load))
        except BaseException:
            for served in new:
                self._work.pop(id(served)).cancel()
            raise
        old, self._served = self._served, new
        while old:
            await self._end(old.pop())
        gc.unfreeze()
        _settle()

    async def _begin(self, load: Load) -> Served:
        predictor = await asyncio.to_thread(load)
        from luthier.production.scribe import Scribe
        from luthier.writer import Writer

        task = predictor.codec.task
        writes = isinstance(task, Writer) and task.writes
        worker = Scribe(predictor) if writes else Batcher(predictor, self._limits, self._told, predictor.cores)
        served = Served(predictor, worker)
        self._work[id(served)] = asyncio.create_task(served.worker.work())
        return served

    async def _end(self, served: Served) -> None:
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < _IDLE:
            if served.worker.waiting:
                idle_since = time.monotonic()
            await asyncio.sleep(0.05)
        task = self._work.pop(id(served))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _settle() -> None:
    """What there is now stays. Python's collector looks at all of it again and again, with everything at a standstill:
    0.2 s each time with torch and a model in the memory."""
    gc.collect()
    gc.freeze()
