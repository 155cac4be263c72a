"""A refusal that costs nothing: said from a request's bytes, on a connection that goes on."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from luthier.production.limits import Limits
from luthier.production.requests import Refusal
from luthier.production.served import Models
from luthier.production.sockets.shedding import Shed, Shedder
from production.helpers import Slow, listening, reply

FULL = Refusal(503, "17 inputs are waited for", code="overloaded", retry_after=3)
HEAD = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 15\r\n"
BODY = b'{"inputs": "a"}'


def looked(data: bytes, refusal: Refusal | None = FULL) -> tuple[Shed | None, list[Any]]:
    told: list[Any] = []
    return Shedder(lambda: refusal, lambda *words: told.append(words)).look(data, [(b"date", b"now")]), told


def test_a_whole_request_is_refused_with_its_own_id_and_is_counted() -> None:
    shed, told = looked(HEAD + b"x-request-id: mine\r\n\r\n" + BODY)
    assert shed is not None and shed.missing == 0
    head, _, body = shed.reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n") and b"\r\nretry-after: 3\r\n" in head
    assert b"\r\nx-request-id: mine" in head and head.endswith(b"\r\ndate: now")
    assert json.loads(body)["error"]["code"] == "overloaded" and json.loads(body)["request_id"] == "mine"
    assert [words[:3] for words in told] == [("mine", None, 503)]


def test_the_rest_of_a_body_is_waited_for() -> None:
    shed, _ = looked(HEAD + b"\r\n" + BODY[:4])
    assert shed is not None and shed.missing == len(BODY) - 4


@pytest.mark.parametrize(
    "data",
    [
        b"GET /health/live HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n",
        HEAD,
        HEAD + b"\r\n" + BODY + b"POST",
        HEAD + b"content-length: 16\r\n\r\n" + BODY,
        HEAD + b"Connection: close\r\n\r\n" + BODY,
        HEAD + b"Expect: 100-continue\r\n\r\n",
        HEAD + b"x-folded: a\r\n b\r\n\r\n" + BODY,
        HEAD.replace(b"content-length: 15", b"transfer-encoding: chunked") + b"\r\nf\r\n" + BODY + b"\r\n0\r\n\r\n",
        HEAD.replace(b"15", b"9000000") + b"\r\n",
        HEAD.replace(b"1.1", b"1.0") + b"\r\n" + BODY,
    ],
)
def test_what_says_more_than_the_length_of_its_body_goes_the_usual_way(data: bytes) -> None:
    assert looked(data) == (None, [])


def test_where_there_is_room_every_request_goes_the_usual_way() -> None:
    assert looked(HEAD + b"\r\n" + BODY, refusal=None) == (None, [])


@pytest.mark.slow
def test_a_connection_goes_on_after_a_refusal_however_its_bytes_came(monkeypatch: pytest.MonkeyPatch) -> None:
    full = True
    monkeypatch.setattr(Models, "overload", property(lambda self: FULL if full else None))
    limits = Limits(header_seconds=1.0, body_seconds=1.0)
    with listening(Slow(), limits) as (port, _), socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(HEAD + b"\r\n" + BODY)
        status, headers, said = reply(one)
        assert (status, said["error"]["code"], headers["retry-after"]) == (503, "overloaded", "3")
        for piece in (HEAD + b"\r\n", BODY[:5], BODY[5:]):
            one.sendall(piece)
        assert reply(one)[2]["error"]["code"] == "overloaded"
        full = False
        one.sendall(HEAD + b"\r\n" + BODY)
        status, _, said = reply(one)
        assert status == 200 and said["predictions"][0]["label"] == "b"
        full = True
        one.sendall(HEAD + b"\r\n" + BODY[:5])
        assert reply(one)[2]["error"]["code"] == "request-timeout"
        assert one.recv(1) == b""
