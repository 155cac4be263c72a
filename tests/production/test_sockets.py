"""What a connection may take: each limit, said in JSON where there is anybody to hear it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from luthier.production.limits import Limits
from production.helpers import Slow, listening, reply

pytestmark = pytest.mark.slow
LIMITS = Limits(
    connections=20, header_bytes=4096, header_seconds=1.0, body_seconds=1.0, write_seconds=1.0, leaving_seconds=0.3
)
ASK = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 15\r\n\r\n" + b'{"inputs": "a"}'


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with listening(Slow(), LIMITS) as (port, _):
        yield port


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def said(connection: socket.socket) -> tuple[int, Any]:
    """The status and the JSON of the next reply; 0 where the connection was closed without one."""
    status, _, content = reply(connection)
    return status, content


def closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_a_whole_request_is_answered_and_the_connection_kept(port: int) -> None:
    with connected(port) as one:
        for _ in range(2):
            one.sendall(ASK)
            assert said(one)[0] == 200


def test_who_never_ends_its_headers_or_its_body_is_told_and_let_go_while_others_are_answered(port: int) -> None:
    slow = [connected(port) for _ in range(3)]
    slow[0].sendall(b"POST /predict HTTP/1.1\r\nhost: local")
    slow[1].sendall(b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
    begin = time.monotonic()
    with connected(port) as other:
        other.sendall(ASK)
        assert said(other)[0] == 200 and time.monotonic() - begin < 1
    for one in slow:
        status, content = said(one)
        assert status == 408 and content["error"]["code"] == "request-timeout"
        assert "1 seconds" in content["error"]["message"]
        assert closed(one)
        one.close()
    assert 1 <= time.monotonic() - begin < 6


def test_headers_without_end_are_refused_before_they_are_all_there(port: int) -> None:
    with connected(port) as one:
        one.sendall(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nx-much: " + b"a" * 5000)
        status, content = said(one)
        assert status == 431 and "4096 bytes" in content["error"]["message"]


def test_what_is_no_http_is_refused_in_json(port: int) -> None:
    for raw in (
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: -3\r\n\r\n{}",
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    ):
        with connected(port) as one:
            one.sendall(raw)
            status, content = said(one)
            assert (status, content["error"]["code"]) == (400, "bad_request"), raw


def test_more_connections_than_there_may_be_are_refused_and_room_is_made_again(port: int) -> None:
    many = [connected(port) for _ in range(20)]
    time.sleep(0.2)
    with connected(port) as one:
        status, content = said(one)
        assert status == 503 and content["error"]["code"] == "too-many-connections"
    for other in many:
        other.close()
    time.sleep(0.2)
    with connected(port) as one:
        one.sendall(ASK)
        assert said(one)[0] == 200


def test_at_its_end_the_server_answers_what_it_took_and_tells_who_asks_later() -> None:
    with listening(Slow(each=0.5), LIMITS) as (port, server), connected(port) as one, connected(port) as other:
        one.sendall(ASK)
        time.sleep(0.2)
        server.handle_exit(15, None)
        other.sendall(ASK)
        status, content = said(other)
        assert (status, content["error"]["code"]) == (503, "draining") and closed(other)
        assert said(one)[0] == 200 and closed(one)


def test_a_model_is_put_in_the_place_of_another_while_requests_come() -> None:
    import asyncio

    with listening(Slow(each=0.005), LIMITS) as (port, server):
        statuses: list[int] = []
        ended = threading.Event()

        def ask() -> None:
            with connected(port) as one:
                while not ended.is_set():
                    one.sendall(ASK)
                    statuses.append(said(one)[0])

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            asyncio.run_coroutine_threadsafe(server.models.reload(), server.loop).result(20)
        ended.set()
        for thread in threads:
            thread.join()
    assert len(statuses) > 20 and set(statuses) == {200}
