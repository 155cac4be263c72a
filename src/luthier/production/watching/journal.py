"""A line of JSON for each request, without anything that a client wrote but its harmless id."""

from __future__ import annotations

import json
import time
from typing import TextIO

_QUIET = ("/health/live", "/health/ready", "/metrics")
"""What is asked every few seconds by those who watch."""


class Journal:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def replied(self, name: str, route: str | None, status: int, seconds: float) -> None:
        """name: the request's id. route: as it is declared; None for a path that there is not."""
        if route in _QUIET and status == 200:
            return
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = {"time": when, "request_id": name, "route": route, "status": status, "seconds": round(seconds, 4)}
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()
