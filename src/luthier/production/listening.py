"""Replies that end when nobody is there to read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Response

from luthier.language import t
from luthier.production.requests import CLIENT_GONE, Refusal

ResultT = TypeVar("ResultT")


async def while_here(receive: Any, work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """The result of the work, which is cancelled where the client goes away. receive: of ASGI, after the body was read.
    Errors: Refusal where the client went away."""
    ours = asyncio.current_task()
    assert ours is not None
    left = False

    def leave(watch: asyncio.Task[None]) -> None:
        nonlocal left
        if not watch.cancelled():
            left = ours.cancel()

    watch = asyncio.ensure_future(_gone(receive))
    watch.add_done_callback(leave)
    try:
        return await work
    except asyncio.CancelledError:
        if not left or ours.uncancel():
            raise
        raise Refusal(CLIENT_GONE, t("the client went away"), code="client-gone") from None
    finally:
        watch.remove_done_callback(leave)
        watch.cancel()


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class EventStream(Response):
    """Server-sent events, as they come. leave: called when they are sent or nobody is there to read them."""

    def __init__(self, events: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        super().__init__(media_type="text/event-stream; charset=utf-8")
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-cache"
        self.headers["x-accel-buffering"] = "no"
        self._events, self._leave = events, leave

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_all() -> None:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for event in self._events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        try:
            await while_here(receive, send_all())
        except Refusal:
            pass  # the client went away in the middle: nobody is left to be told
        finally:
            self._leave()
