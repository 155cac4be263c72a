"""Saying no to what is too much from its bytes alone, before a parser, a task or the application has seen it.

Where three times as many ask as can be answered, two of three replies are refusals, and what each takes is taken from
the model's cores. The application's own refusal costs some 0.3 ms of a core, this one a tenth of it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus

from luthier.production.requests import HARMLESS, Refusal, Replied, new_name

_ASKS = re.compile(rb"POST /[!-~]* HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,7})(?=\r\n)", re.IGNORECASE)
_SAID_ONCE = re.compile(rb"\r\ncontent-length *:", re.IGNORECASE)
_OTHERWISE = re.compile(
    rb"\r\n(?:(?:transfer-encoding|expect|upgrade)[ \t]*:|connection[ \t]*:(?! *keep-alive\r\n)|[ \t])", re.IGNORECASE
)
"""What makes the end of a request, or of its connection, more than a length."""
_NAME = re.compile(rb"\r\nx-request-id: *(" + HARMLESS.encode() + rb")(?=\r\n)", re.IGNORECASE)
_MOST = 2**20
"""Bytes of a body that are read for nothing."""


@dataclass
class Shed:
    """missing: bytes of the body that are still to come before the reply is sent."""

    missing: int
    reply: bytes


class Shedder:
    """overload: what is said to who asks now; None where there is room. told: of each reply."""

    def __init__(self, overload: Callable[[], Refusal | None], told: Replied) -> None:
        self._overload, self._told = overload, told

    def look(self, data: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> Shed | None:
        """What is answered to a request that begins with these bytes; None for one that goes its usual way: where there
        is room, where its headers are not all there, or where they say more than how long the body is. headers: of
        every reply."""
        refusal = self._overload()
        if refusal is None or not _ASKS.match(data):
            return None
        begin = time.perf_counter()
        head, found, body = data.partition(b"\r\n\r\n")
        head += b"\r\n"
        lengths = _LENGTH.findall(head)
        if not found or len(lengths) != 1 or len(_SAID_ONCE.findall(head)) != 1 or _OTHERWISE.search(head):
            return None
        missing = int(lengths[0]) - len(body)
        if missing < 0 or missing > _MOST:
            return None
        given = _NAME.search(head)
        name = given[1].decode() if given else new_name()
        reply = bare_reply(refusal, name, headers)
        self._told(name, None, refusal.status, time.perf_counter() - begin)
        return Shed(missing, reply)


def bare_reply(
    refusal: Refusal, name: str = "", headers: Iterable[tuple[bytes, bytes]] = (), close: bool = False
) -> bytes:
    """The refusal as it goes over the wire. name: the request's id, empty where it has none. headers: more of them.
    close: whether the connection ends with it."""
    body = json.dumps(refusal.content(name)).encode()
    lines = [
        f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *(f"{key}: {value}" for key, value in refusal.headers.items()),
        *([f"x-request-id: {name}"] if name else []),
        *(["connection: close"] if close else []),
    ]
    more = b"".join(b"%b: %b\r\n" % header for header in headers)
    return "\r\n".join(lines).encode() + b"\r\n" + more + b"\r\n" + body
