"""Ctrl-C, SIGTERM and SIGHUP: the step in hand ends, then the run saves and leaves. A second one leaves at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_WATCHED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass
class Interruption:
    """number: of the signal that came, 0 while none has."""

    number: int = 0

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C; 143 for SIGTERM and for a closed terminal."""
        return 130 if self.number == signal.SIGINT else 143


@contextmanager
def watch_signals() -> Iterator[Interruption]:
    """Inside the block a first signal only sets the number. Outside the main thread nothing is watched."""
    seen = Interruption()

    def handle(number: int, _frame: FrameType | None) -> None:
        if seen.number:
            os._exit(130 if number == signal.SIGINT else 143)
        seen.number = number

    if threading.current_thread() is not threading.main_thread():
        yield seen
        return
    before = {number: signal.signal(number, handle) for number in _WATCHED}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
