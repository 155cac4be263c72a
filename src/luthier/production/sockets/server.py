"""uvicorn's server, with limits on each connection, that stops taking new work the moment it is asked to stop and loads
its models once more at SIGHUP."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Any

import uvicorn

from luthier.errors import LuthierError
from luthier.language import t
from luthier.production.limits import Limits
from luthier.production.sockets.guard import guarded
from luthier.production.sockets.shedding import Shedder
from luthier.progress import Progress

if TYPE_CHECKING:
    from fastapi import FastAPI

DRAIN = 30
"""Seconds for what was accepted before the server was asked to stop."""
_TICKS = 10
"""Of uvicorn, a tenth of a second each, from one look at the connections to the next."""


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, models: Any, screen: Progress) -> None:
        super().__init__(config)
        self._models, self._screen = models, screen
        self._reloading: set[asyncio.Task[None]] = set()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """The second signal ends it at once."""
        self._models.draining = True
        self.force_exit = self.should_exit
        super().handle_exit(sig, frame)

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        loop = asyncio.get_running_loop()

        def again() -> None:
            task = loop.create_task(self._reload())
            self._reloading.add(task)
            task.add_done_callback(self._reloading.discard)

        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, again)

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS == 0:
            now = time.monotonic()
            for connection in list(self.server_state.connections):
                check = getattr(connection, "check", None)
                if check is not None:
                    check(now)
        return await super().on_tick(counter)

    async def _reload(self) -> None:
        try:
            await self._models.reload()
            self._screen.say(t("loaded again: {names}", names=", ".join(self._models.names)))
        except LuthierError as error:
            self._screen.warn(t("not loaded again, the old goes on: {error}", error=error))


def make_server(app: FastAPI, screen: Progress, limits: Limits | None = None) -> Server:
    """Ready to run on sockets that listen."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn drains, then raises the signal again: whoever asked this server to stop gets an exit code of 0
        signal.signal(number, lambda *_: None)
    limits = limits or Limits()
    config = uvicorn.Config(
        app, log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=DRAIN,
        timeout_keep_alive=round(limits.idle_seconds), proxy_headers=False,
    )  # fmt: skip
    config.load()
    shedder = Shedder(lambda: app.state.models.overload, app.state.replied)
    config.http_protocol_class = guarded(config.http_protocol_class, limits, shedder)
    return Server(config, app.state.models, screen)
