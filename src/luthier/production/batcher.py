"""Predictions that are made at once: each core has a thread with the model; what waits for a free one goes in together.

Inputs take turns, not requests: the second input of a request stands in line as if it had come with the next request,
the third with the one after, so that a list of 256 keeps nobody waiting who asks for one. A turn holds as many inputs
as a core answers in `Limits.turn` seconds; within it `predict` puts those of one length together. Where somebody asks
for few at a time beside lists, turns are brief: his holds no more of a list than of what he and his like ask for, and
those before it end soon. Cores have turns of their own, so that while one answers over HTTP, or has no more to do, the
others go on; a turn beside which nothing waits has all of them.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from luthier.language import t
from luthier.production.limits import Limits
from luthier.production.requests import MOST_ITEMS, Refusal

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.artifact import Predictor

_LEAST = 8
"""Inputs of a turn, however slow the model is: fewer do not fill the cores."""
_MEMORY = 0.8
"""What the last turns weigh in the running mean of seconds an input, at each turn."""
_ENOUGH = 16
"""Inputs after which is known how long one takes: the first ones wait for libraries that set themselves up."""
_GATHER, _LOOK = 0.1, 0.002
"""Share of the seconds of its last turn that a core waits at most for those whom it has just answered and who ask
again: as long as it has no full turn, and in so many seconds there come more or the others are still being told."""
_SHORT = 4
"""Inputs of a request that is no list."""
_BRIEF, _LATELY = 0.02, 5.0
"""Seconds of a turn of lists, so many seconds after somebody asked for few."""
MOST_FAILURES = 3
"""Turns in a row of which nothing came, after which the model is not called ready."""

_MOST_ALONE = 4
"""Pieces of work that may wait for a moment between two turns."""

TurnTold = Callable[[int, float], None]
"""Is told of each turn: inputs, seconds."""
Turn = Sequence["tuple[Any, asyncio.Future[Any]]"]
Line = list["tuple[int, int, Any, asyncio.Future[Any]]"]
"""The place in line, a number that no two share, the input, where its prediction goes."""


class Batcher:
    """cores: how many turns are answered at once."""

    def __init__(
        self,
        predictor: Predictor,
        limits: Limits | None = None,
        told: TurnTold = lambda inputs, seconds: None,
        cores: int = 1,
    ) -> None:
        self._predictor, self._limits, self._told, self._cores = predictor, limits or Limits(), told, cores
        self._lines: tuple[Line, Line] = [], []
        """Heaps, of those who ask for few and of lists."""
        self._asked_few = -math.inf
        """When somebody last asked for few."""
        self._at: Counter[int] = Counter()
        """How many wait at each place."""
        self._ahead = 0
        """How many wait at places before the next one's."""
        self._came = asyncio.Event()
        self._place = self._number = 0
        self._inputs = self._seconds = 0.0
        """Of the last turns, each weighing less than the one after it."""
        self._busy: Counter[int] = Counter()
        """Of each core that is at work how many inputs it has."""
        self.failures = 0
        self._floor = Floor()
        self._alone: set[asyncio.Task[Any]] = set()

    @property
    def waiting(self) -> int:
        """Inputs that wait or are being answered, whose client is still there."""
        going = self._busy.total() + len(self._alone)
        return going + sum(not answer.done() for line in self._lines for *_, answer in line)

    @property
    def _count(self) -> int:
        return sum(map(len, self._lines))

    @property
    def overload(self) -> Refusal | None:
        """What is said to who asks now; None where there is room."""
        wait = self._wait()
        count = self._count
        if not count or (wait <= self._limits.patience and count < self._limits.waiting):
            return None
        what = t("{count} inputs are waited for", count=count)
        return Refusal(503, what, code="overloaded", retry_after=max(1, math.ceil(wait)))

    async def answer(self, inputs: Sequence[Any]) -> tuple[list[Any], list[int]]:
        """The task's own predictions, one an input, in order, and of each input how many tokens were not read. Errors:
        Refusal (503) where too many wait, or where it took too long."""
        answers = self._take(inputs)
        try:
            async with asyncio.timeout(self._limits.seconds):
                noted = [await answer for answer in answers]
                return [said for said, _ in noted], [cut for _, cut in noted]
        except TimeoutError:
            what = t("no answer within {seconds:g} seconds", seconds=self._limits.seconds)
            raise Refusal(503, what, code="timeout", retry_after=max(1, math.ceil(self._wait()))) from None
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
        async with self._floor.alone():
            return await asyncio.to_thread(work)

    def _take(self, inputs: Sequence[Any]) -> list[asyncio.Future[Any]]:
        """All of them or none."""
        refusal, count = self.overload, self._count
        if refusal is None and count and count + len(inputs) > self._limits.waiting:
            what = t("{count} inputs are waited for", count=count)
            refusal = Refusal(503, what, code="overloaded", retry_after=max(1, math.ceil(self._wait())))
        if refusal is not None:
            raise refusal
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Any]] = [loop.create_future() for _ in inputs]
        listed = len(inputs) > _SHORT
        if not listed:
            self._asked_few = time.perf_counter()
        for i, (item, answer) in enumerate(zip(inputs, answers, strict=True)):
            heapq.heappush(self._lines[listed], (self._place + i, self._number + i, item, answer))
            self._at[self._place + i] += 1
        self._ahead += self._at[self._place]
        self._place, self._number = self._place + 1, self._number + len(inputs)
        self._came.set()
        return answers

    def _wait(self) -> float:
        """Seconds until the turn of an input that comes now."""
        return self._ahead * self._seconds_each / self._cores if self._number - self._count > _ENOUGH else 0.0

    @property
    def _full(self) -> int:
        """Inputs of a full turn."""
        return max(_LEAST, self._inputs_in(self._limits.turn))

    def _inputs_in(self, seconds: float) -> int:
        return min(MOST_ITEMS, round(seconds / self._seconds_each)) if self._seconds_each else MOST_ITEMS

    @property
    def _seconds_each(self) -> float:
        """That a core takes for an input; 0 before the first."""
        return self._seconds / self._inputs if self._inputs else 0.0

    async def work(self) -> None:
        """Answers until it is cancelled."""
        pool = ThreadPoolExecutor(self._cores, "model")
        try:
            async with asyncio.TaskGroup() as group:
                for core in range(self._cores):
                    group.create_task(self._work(core, pool))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    async def _work(self, core: int, pool: ThreadPoolExecutor) -> None:
        """Of one core."""
        seconds = 0.0
        while True:
            if not self._count:
                self._came.clear()
                await self._came.wait()
            await self._gather(_GATHER * seconds)
            if turn := self._next():
                cores = 1 if self._busy or self._count else self._cores  # all of them where nobody else needs one
                self._busy[core] = len(turn)
                try:
                    seconds = await self._answer(turn, pool, cores)
                finally:
                    del self._busy[core]

    async def _gather(self, most: float) -> None:
        """Waits as long as more come, and at most so many seconds."""
        now = time.perf_counter()
        end = now + most
        while self._count < self._full and now + _LOOK < end:
            before, began = self._count, now
            await asyncio.sleep(_LOOK)
            now = time.perf_counter()
            if self._count == before and now - began < 2 * _LOOK:
                break

    def _next(self) -> Turn:
        """Those that come next, without those whose client went away; not more than leaves the other free cores as
        many."""
        share = math.ceil(self._count / max(1, self._cores - len(self._busy)))
        turn: list[tuple[Any, asyncio.Future[Any]]] = []
        most, beside = min(self._full, share), time.perf_counter() - self._asked_few < _LATELY
        brief = max(1, self._inputs_in(_BRIEF)) if beside else most
        taken = [0, 0]
        while len(turn) < most:
            few, lists = self._lines
            room = taken[1] < (taken[0] if few or taken[0] else brief)
            listed = bool(lists) and room and not (few and few[0] < lists[0])
            if not self._lines[listed]:
                break
            place, _, item, answer = heapq.heappop(self._lines[listed])
            self._left(place)
            if not answer.done():
                turn.append((item, answer))
                taken[listed] += 1
        return turn

    def _left(self, place: int) -> None:
        self._ahead -= place < self._place
        self._at[place] -= 1
        if not self._at[place]:
            del self._at[place]

    async def _answer(self, turn: Turn, pool: ThreadPoolExecutor, cores: int) -> float:
        """The seconds that it took. cores: that it may use."""
        begin = time.perf_counter()
        items = [item for item, _ in turn]
        async with self._floor.shared():
            said = await asyncio.get_running_loop().run_in_executor(pool, self._ask, items, cores)
        seconds = time.perf_counter() - begin
        self._inputs = _MEMORY * self._inputs + len(turn)
        self._seconds = _MEMORY * self._seconds + seconds * cores
        self.failures = self.failures + 1 if all(isinstance(one, Exception) for one in said) else 0
        self._told(len(turn), seconds)
        for (_, answer), one in zip(turn, said, strict=True):
            if answer.done():
                continue
            if isinstance(one, Exception):
                answer.set_exception(one)
            else:
                answer.set_result(one)
        return seconds

    def _ask(self, inputs: Sequence[Any], cores: int) -> list[Any]:
        """A prediction each, with how many tokens were not read, or the exception that it raises by itself: one that
        fails leaves its neighbours alone."""
        if self._cores > 1:
            from luthier.models.quick.side_by_side import use_cores

            use_cores(cores)
        try:
            return list(self._predictor.noted(inputs))
        except Exception as error:
            if len(inputs) == 1:
                return [error]
            half = len(inputs) // 2
            return [*self._ask(inputs[:half], cores), *self._ask(inputs[half:], cores)]


class Floor:
    """Who uses the model: turns side by side, or one piece of work alone. Who wants it alone waits for the turns that
    have begun, and those that come wait for it."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._turns = self._wanting = 0

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._wanting)
            self._turns += 1
        try:
            yield
        finally:
            async with self._changed:
                self._turns -= 1
                self._changed.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._wanting)
            self._wanting += 1
            await self._changed.wait_for(lambda: not self._turns)
        try:
            yield
        finally:
            async with self._changed:
                self._wanting -= 1
                self._changed.notify_all()
