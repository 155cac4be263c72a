"""What one connection may take: how many there are, the bytes of its headers, and the seconds until they, its body and
its reading of the reply are done. uvicorn limits none of these but what is idle after a reply.
"""

from __future__ import annotations

import time
from typing import Any

from luthier.language import t
from luthier.production.limits import Limits
from luthier.production.requests import Refusal
from luthier.production.sockets.shedding import Shed, Shedder, bare_reply


class Guard:
    """Before one of uvicorn's protocols, of whichever parser. `check` is called about once a second. shedder: looks at
    each request first."""

    limits = Limits()
    shedder: Shedder | None = None
    server_state: Any
    cycle: Any
    connections: Any
    transport: Any
    flow: Any
    loop: Any

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        self._since = time.monotonic()
        self._unread = 0
        """Bytes of a request whose headers are not complete."""
        self._stuck: float | None = None
        self._leaving = False
        self._shed: Shed | None = None
        """What is being refused, while its body comes."""
        self._was_shed = False
        if len(self.connections) > self.limits.connections:
            most = self.limits.connections
            self._refuse(503, t("more than {most} connections", most=most), "too-many-connections")

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._is_shed(data):
            return
        before, waits = self.cycle, self._waits
        if waits and not self._unread:
            self._since = time.monotonic()
        self._unread += len(data) if waits else 0
        super().data_received(data)  # type: ignore[misc]
        if self.cycle is not before:
            self._unread, self._since = 0, time.monotonic()
            if self._leaving:
                self.cycle.keep_alive = False
        elif waits and self._unread > self.limits.header_bytes:
            most = self.limits.header_bytes
            self._refuse(431, t("the headers are larger than {most} bytes", most=most), "headers-too-large")

    def on_response_complete(self) -> None:
        self._unread, self._since = 0, time.monotonic()
        super().on_response_complete()  # type: ignore[misc]

    def check(self, now: float) -> None:
        """Ends what has taken too long."""
        limits = self.limits
        self._stuck = (self._stuck or now) if self.flow.write_paused else None
        if self._stuck is not None and now - self._stuck > limits.write_seconds:
            self.transport.abort()
        elif self._shed is not None:
            if now - self._since > limits.body_seconds:
                self._late(limits.body_seconds)
        elif self._waits and now - self._since > limits.header_seconds and (self._unread or self._unasked):
            self._late(limits.header_seconds)
        elif self._waits and now - self._since > limits.idle_seconds:
            self.transport.close()
        elif not self._waits and self.cycle.more_body and now - self._since > limits.body_seconds:
            self._late(limits.body_seconds)

    def shutdown(self) -> None:
        """The server ends."""
        if self._waits and not self._leaving:
            self._leaving = True
            self.loop.call_later(self.limits.leaving_seconds, self.shutdown)
        elif not self.transport.is_closing():
            super().shutdown()  # type: ignore[misc]

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        self._refuse(400, t("this is no HTTP request"), "bad_request")

    def _is_shed(self, data: bytes) -> bool:
        """Takes what belongs to a request that is refused."""
        if self._shed is None:
            ended = self.cycle is None or (self.cycle.response_complete and not self.cycle.more_body)
            if self.shedder is None or not ended or self._unread or self._leaving or self.flow.write_paused:
                return False
            self._shed, body = self.shedder.look(data, self.server_state.default_headers), b""
            if self._shed is None:
                return False
            self._was_shed, self._since = True, time.monotonic()
            self._unset_keepalive_if_required()  # type: ignore[attr-defined]  uvicorn's
        else:
            body = data[: self._shed.missing]
            self._shed.missing -= len(body)
        if not self._shed.missing:
            self.transport.write(self._shed.reply)
            self._shed, self._since = None, time.monotonic()
            if body and len(data) > len(body):
                self.data_received(data[len(body) :])
        return True

    @property
    def _waits(self) -> bool:
        """For the next request's headers."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def _unasked(self) -> bool:
        """Whether there has been no request yet."""
        return self.cycle is None and not self._was_shed

    def _late(self, seconds: float) -> None:
        self._refuse(408, t("the request took longer than {seconds:g} seconds", seconds=seconds), "request-timeout")

    def _refuse(self, status: int, message: str, code: str) -> None:
        """Says so, where nothing was said yet, and closes."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(bare_reply(Refusal(status, message, code=code), close=True))
        self.transport.close()


def guarded(base: type[Any], limits: Limits, shedder: Shedder | None = None) -> type[Any]:
    """base: one of uvicorn's protocols for HTTP."""
    return type("Guarded", (Guard, base), {"limits": limits, "shedder": shedder})
