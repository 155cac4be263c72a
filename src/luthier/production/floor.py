"""Who uses the model: turns side by side, or one piece of work alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Floor:
    """Who wants it alone waits for the turns that have begun, and those that come wait for it."""

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
