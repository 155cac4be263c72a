"""Who writes the answers of a server: one thread with the model, and a queue of those who wait for it.

Orders that ask for the same way of writing are written together, and one that comes later joins those that are being
written, once these have grown by some tokens. A client that goes away costs no more than the token just being written.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from luthier.errors import LuthierError
from luthier.language import t
from luthier.production.requests import Refusal

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.artifact import Predictor
    from luthier.inference.speech import Order, Speech
    from luthier.writer import Writer, Written

MOST_WAITING = 256
MOST_TOGETHER = 16
"""Answers that are written at once: on a CPU more of them make each slower and all hardly faster."""
_MOST_TOKENS = 2**14
"""Of all that are written at once, prompts and answers: what their keys and values may take of the memory."""
_GATHER = 0.003
"""Seconds that an idle scribe waits for others that come at the same time."""
_LOOK = 0.02
"""Seconds after which is seen whether somebody waits who could join."""


class Errand:
    """An order on its way, and what is heard of it. number: its place in the queue."""

    def __init__(self, number: int, speak: Any, order: Order) -> None:
        self.number, self.order = number, order
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[str | Written | Exception] = asyncio.Queue()
        self._gone = threading.Event()
        self.heard: Callable[[Written], None] | None = None
        """Is told of the whole answer, in the thread that writes it."""
        self.speech: Speech = speak(order, self.tell, self._gone.is_set)

    @property
    def over(self) -> bool:
        return self._gone.is_set() or self.speech.ended

    @property
    def tokens(self) -> int:
        """That it has when it is as long as it may be."""
        return len(self.order.prompt) + self.order.most

    def tell(self, piece: str | Written | Exception) -> None:
        """From any thread: a piece of text; in the end the whole answer, or why there is none."""
        if self.heard is not None and not isinstance(piece, (str, Exception)):
            self.heard(piece)
        with suppress(RuntimeError):  # the server has closed, and nobody listens
            self._loop.call_soon_threadsafe(self._heard.put_nowait, piece)

    def leave(self) -> None:
        """Nobody listens any more."""
        self._gone.set()

    async def pieces(self) -> AsyncGenerator[str | Written]:
        """The texts as they come, then the whole answer. Whoever stops listening early has left."""
        try:
            while True:
                piece = await self._heard.get()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
                if not isinstance(piece, str):
                    return
        finally:
            self.leave()

    async def whole(self) -> Written:
        try:
            while isinstance(piece := await self._heard.get(), str):
                pass
        finally:
            self.leave()
        if isinstance(piece, Exception):
            raise piece
        return piece


class Scribe:
    def __init__(self, predictor: Predictor, together: int = MOST_TOGETHER) -> None:
        self._predictor, self._together = predictor, together
        self._waiting: list[Errand] = []
        self._writing: Sequence[Errand] = ()
        self._came = asyncio.Event()
        self._make_way = threading.Event()
        self._number = 0

    @property
    def writer(self) -> Writer[Any, Any]:
        from luthier.inference.speech import as_writer

        return as_writer(self._predictor)

    @property
    def waiting(self) -> int:
        """How many wait, or are being written, whose client is still there."""
        return sum(not errand.over for errand in (*self._waiting, *self._writing))

    @property
    def overload(self) -> Refusal | None:
        """What is said to who asks now; None where there is room."""
        if self.waiting < MOST_WAITING:
            return None
        return Refusal(503, t("{count} answers are waited for", count=self.waiting), code="overloaded")

    def take(self, orders: Sequence[Order]) -> list[Errand]:
        """All of them or none. Of several the second takes its place behind whoever asks next, and so on, so that who
        asks for much does not keep out who asks for little. Errors: Refusal (503) where too many wait."""
        if self.waiting and self.waiting + len(orders) > MOST_WAITING:
            raise Refusal(503, t("{count} answers are waited for", count=self.waiting), code="overloaded")
        errands = [Errand(self._number + i, self._speech, order) for i, order in enumerate(orders)]
        self._number += 1
        self._waiting += errands
        self._came.set()
        return errands

    def _speech(self, order: Order, tell: Any, gone: Any) -> Speech:
        from luthier.inference.speech import Speech

        return Speech(order, self._predictor, tell, gone)

    async def answer(self, inputs: Sequence[Any]) -> tuple[list[Written], list[int]]:
        """An answer each, in order, as `predict` gives them, and of each input how many tokens were not read. Errors:
        Refusal for an input that the template refuses."""
        from luthier.inference.speech import order

        how = self.writer.how()
        try:
            orders = await asyncio.to_thread(
                lambda: [order(self._predictor, input, how, may_cut=True) for input in inputs]
            )
        except LuthierError as error:
            problem = error.problems[0]
            raise Refusal(400, problem.what, param="inputs", code=problem.code) from None
        errands = self.take(orders)
        try:
            return [await errand.whole() for errand in errands], [order.cut for order in orders]
        finally:
            for errand in errands:
                errand.leave()

    async def work(self) -> None:
        """Writes until it is cancelled."""
        try:
            while True:
                await self._came.wait()
                await asyncio.sleep(_GATHER)
                self._came.clear()
                while batch := self._next():
                    await self._write_all(batch)
        finally:
            for errand in (*self._writing, *self._waiting):
                errand.leave()

    async def _write_all(self, batch: Sequence[Errand]) -> None:
        """What has not ended, because it made way, waits again."""
        self._writing = batch
        self._make_way.clear()
        work = asyncio.ensure_future(asyncio.to_thread(self._write, batch))
        while not (await asyncio.wait({work}, timeout=_LOOK))[0]:
            if self._others_come_first():
                self._make_way.set()
        self._waiting, self._writing = [*(errand for errand in batch if not errand.over), *self._waiting], ()

    def _others_come_first(self) -> bool:
        """Whether one that waits could be written together with those that are, or has waited longer than they."""
        live = [errand for errand in self._writing if not errand.over]
        waiting = [errand for errand in self._waiting if not errand.over]
        oldest = min((errand.number for errand in live), default=0)
        return bool(live) and any(errand.number < oldest or self._joins(errand, live) for errand in waiting)

    def _joins(self, errand: Errand, others: Sequence[Errand]) -> bool:
        if len(others) >= self._together or not _alike(errand.order, others[0].order):
            return False
        return (len(others) + 1) * max(one.tokens for one in (errand, *others)) <= _MOST_TOKENS

    def _next(self) -> list[Errand]:
        """The one that came first, and those that may be written with it."""
        waiting = sorted((errand for errand in self._waiting if not errand.over), key=lambda errand: errand.number)
        batch: list[Errand] = []
        for errand in waiting:
            if not batch or self._joins(errand, batch):
                batch.append(errand)
        self._waiting = [errand for errand in waiting if errand not in batch]
        return batch

    def _write(self, batch: Sequence[Errand]) -> None:
        from luthier.inference.speech import speak

        if not batch:
            return
        try:
            speak(self._predictor, [errand.speech for errand in batch], self._make_way.is_set)
        except Exception as error:
            left = [errand for errand in batch if not errand.over]
            if len(batch) > 1 and all(errand.speech.can_go_on for errand in left):  # one may be to blame, or the memory
                self._write(left[: len(left) // 2])
                self._write(left[len(left) // 2 :])
                return
            for errand in left:
                errand.speech.ended = True
                errand.tell(error)


def _alike(one: Order, two: Order) -> bool:
    """Whether they may be written together: their seeds and how long they are may differ."""
    hows = [replace(order.how, max_new_tokens=1, seed=0) for order in (one, two)]
    return hows[0] == hows[1]
