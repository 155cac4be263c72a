"""Predictions that are made at once: one worker thread with the model; what waits when it is free goes in together.

Inputs take turns, not requests: the second input of a request stands in line as if it had come with the next request,
the third with the one after, so that a list of 256 keeps nobody waiting who asks for one. A turn holds as many inputs
as the model answers in `Limits.turn` seconds; within it `predict` puts those of one length together.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from luthier.language import t
from luthier.production.limits import Limits
from luthier.production.requests import MOST_ITEMS, Refusal

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.artifact import Predictor

_LEAST = 8
"""Inputs of a turn, however slow the model is: fewer do not fill the cores."""
_MEMORY = 0.8
"""Share of the past in the running mean of seconds an input."""
MOST_FAILURES = 3
"""Turns in a row of which nothing came, after which the model is not called ready."""

_MOST_ALONE = 4
"""Pieces of work that may wait for a moment between two turns."""

TurnTold = Callable[[int, float], None]
"""Is told of each turn: inputs, seconds."""


class Batcher:
    def __init__(
        self, predictor: Predictor, limits: Limits | None = None, told: TurnTold = lambda inputs, seconds: None
    ) -> None:
        self._predictor, self._limits, self._told = predictor, limits or Limits(), told
        self._waiting: list[tuple[int, int, Any, asyncio.Future[Any]]] = []
        """A heap: the place in line, a number that no two share, the input, where its prediction goes."""
        self._came = asyncio.Event()
        self._place = self._number = 0
        self._seconds_each = 0.0
        self._busy = 0
        self.failures = 0
        self._turn = asyncio.Lock()
        """Held by whoever uses the model."""
        self._alone: set[asyncio.Task[Any]] = set()

    @property
    def waiting(self) -> int:
        """Inputs that wait or are being answered, whose client is still there."""
        return self._busy + len(self._alone) + sum(not answer.done() for *_, answer in self._waiting)

    async def answer(self, inputs: Sequence[Any]) -> list[Any]:
        """The task's own predictions, one an input, in order. Errors: Refusal (503) where too many wait, or where it
        took too long."""
        answers = self._take(inputs)
        try:
            return list(await asyncio.wait_for(asyncio.gather(*answers), self._limits.seconds))
        except TimeoutError:
            what = t("no answer within {seconds:g} seconds", seconds=self._limits.seconds)
            raise Refusal(503, what, code="timeout", retry_after=math.ceil(self._wait())) from None
        finally:
            for answer in answers:
                answer.cancel()

    async def alone(self, work: Callable[[], Any]) -> Any:
        """What the work gives, done in a thread between two turns, when nobody else uses the model; to its end, even if
        whoever asked for it goes away. Errors: Refusal (503) where some wait for that already."""
        if len(self._alone) >= _MOST_ALONE:
            what = t("{count} inputs are waited for", count=len(self._alone))
            raise Refusal(503, what, code="overloaded", retry_after=1)
        task = asyncio.create_task(self._between(work))
        self._alone.add(task)
        task.add_done_callback(self._alone.discard)
        return await asyncio.shield(task)

    async def _between(self, work: Callable[[], Any]) -> Any:
        async with self._turn:
            return await asyncio.to_thread(work)

    def _take(self, inputs: Sequence[Any]) -> list[asyncio.Future[Any]]:
        """All of them or none."""
        wait = self._wait()
        if self._waiting and (wait > self._limits.patience or len(self._waiting) + len(inputs) > self._limits.waiting):
            what = t("{count} inputs are waited for", count=len(self._waiting))
            raise Refusal(503, what, code="overloaded", retry_after=max(1, math.ceil(wait)))
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Any]] = [loop.create_future() for _ in inputs]
        for i, (item, answer) in enumerate(zip(inputs, answers, strict=True)):
            heapq.heappush(self._waiting, (self._place + i, self._number + i, item, answer))
        self._place, self._number = self._place + 1, self._number + len(inputs)
        self._came.set()
        return answers

    def _wait(self) -> float:
        """Seconds until the turn of an input that comes now."""
        ahead = sum(place < self._place for place, *_ in self._waiting)
        return ahead * self._seconds_each

    async def work(self) -> None:
        """Answers until it is cancelled."""
        while True:
            await self._came.wait()
            self._came.clear()
            while turn := self._next():
                self._busy = len(turn)
                try:
                    await self._answer(turn)
                finally:
                    self._busy = 0

    def _next(self) -> list[tuple[Any, asyncio.Future[Any]]]:
        """Those that come next, without those whose client went away."""
        most = max(_LEAST, round(self._limits.turn / self._seconds_each)) if self._seconds_each else MOST_ITEMS
        turn: list[tuple[Any, asyncio.Future[Any]]] = []
        while self._waiting and len(turn) < min(most, MOST_ITEMS):
            _, _, item, answer = heapq.heappop(self._waiting)
            if not answer.done():
                turn.append((item, answer))
        return turn

    async def _answer(self, turn: Sequence[tuple[Any, asyncio.Future[Any]]]) -> None:
        begin = time.perf_counter()
        async with self._turn:
            said = await asyncio.to_thread(self._ask, [item for item, _ in turn])
        seconds = time.perf_counter() - begin
        each = seconds / len(turn)
        self._seconds_each = _MEMORY * self._seconds_each + (1 - _MEMORY) * each if self._seconds_each else each
        self.failures = self.failures + 1 if all(isinstance(one, Exception) for one in said) else 0
        self._told(len(turn), seconds)
        for (_, answer), one in zip(turn, said, strict=True):
            if answer.done():
                continue
            if isinstance(one, Exception):
                answer.set_exception(one)
            else:
                answer.set_result(one)

    def _ask(self, inputs: Sequence[Any]) -> list[Any]:
        """A prediction each, or the exception that it raises by itself: one that fails leaves its neighbours alone."""
        try:
            return list(self._predictor.raw(inputs))
        except Exception as error:
            if len(inputs) == 1:
                return [error]
            half = len(inputs) // 2
            return [*self._ask(inputs[:half]), *self._ask(inputs[half:])]
