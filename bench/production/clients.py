"""python clients.py ASKED PORT closed REQUESTS CLIENTS | open RATE SECONDS | until SECONDS CLIENTS |
lists SECONDS TEXTS

The clients of bench.production.load, as one light process: requests are built before the clock starts, and replies are
read from the bare connection; what was said is compared when the clock has stopped. Prints a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BOUND = 1e-4
"""How far a score may lie from the offline one: what is padded or summed otherwise."""
_REFUSED = 503
_PATIENT = 40.0
"""Seconds that a reply is waited for."""


@dataclass
class Seen:
    """replies: number of the text, seconds, status, body. dropped: sent, and no reply."""

    replies: list[tuple[int, float, int, bytes]] = field(default_factory=list)
    dropped: int = 0


class Client(asyncio.Protocol):
    """A kept connection on which one request at a time is under way."""

    def __init__(self, seen: Seen) -> None:
        self._seen, self._read, self._number, self._sent = seen, b"", -1, 0.0
        self.open = True
        self._done: asyncio.Future[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    async def ask(self, number: int, request: bytes) -> None:
        self._number, self._sent, self._read = number, time.perf_counter(), b""
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            await asyncio.wait_for(self._done, _PATIENT)
        except TimeoutError:
            self._seen.dropped += 1
            self.open = False

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        if not found:
            return
        low = head.lower()
        length = int(low.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        if b"connection: close" in low:
            self.open = False
        self._seen.replies.append((self._number, time.perf_counter() - self._sent, int(head[9:12]), body))
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._done is not None and not self._done.done():
            self._seen.dropped += 1
            self._end()

    def _end(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(None)


class Load:
    def __init__(self, asked: Path, port: int) -> None:
        content = json.loads(asked.read_text(encoding="utf-8"))
        self.expected, self._port = content["expected"], port
        self._texts = content["texts"]
        self._requests = [_request(text) for text in self._texts]
        self._next = 0
        self.seen = Seen()

    async def connect(self) -> Client | None:
        try:
            loop = asyncio.get_running_loop()
            return (await loop.create_connection(lambda: Client(self.seen), "127.0.0.1", self._port))[1]
        except OSError:
            return None  # nothing was sent

    async def ask(self, client: Client) -> None:
        number = self._next
        self._next += 1
        await client.ask(number % len(self._requests), self._requests[number % len(self._requests)])

    async def wait(self) -> None:
        """After a refusal, as Retry-After asks for."""
        if self.seen.replies and self.seen.replies[-1][2] == _REFUSED:
            await asyncio.sleep(1)

    async def closed(self, requests: int, clients: int) -> None:
        """So many requests in all, each client asking again when it is answered."""

        async def one() -> None:
            client = await self.connect()
            while client is not None and client.open and self._next < requests:
                await self.ask(client)
                await self.wait()

        await asyncio.gather(*(one() for _ in range(clients)))

    async def lists(self, seconds: float, texts: int) -> None:
        """One client that asks for so many texts at once, again and again, for so long."""
        client, end = await self.connect(), time.monotonic() + seconds
        whole = _request(self._texts[:texts])
        while client is not None and client.open and time.monotonic() < end:
            await client.ask(0, whole)
            await self.wait()

    async def until(self, seconds: float, clients: int) -> None:
        """For so long, or until the server takes no more."""
        end = time.monotonic() + seconds

        async def one() -> None:
            client = await self.connect()
            while client is not None and time.monotonic() < end:
                if not client.open:
                    client = await self.connect()
                    continue
                await self.ask(client)
                await self.wait()

        await asyncio.gather(*(one() for _ in range(clients)))

    async def opened(self, rate: float, seconds: float) -> None:
        """So many requests a second, whether or not earlier ones are answered, over kept connections."""
        free: list[Client] = []
        tasks: set[asyncio.Task[None]] = set()

        async def one() -> None:
            while free and not free[-1].open:  # the server has closed it meanwhile
                free.pop()
            client = free.pop() if free else await self.connect()
            if client is None:
                self.seen.dropped += 1
                return
            await self.ask(client)
            if client.open:
                free.append(client)

        begin, sent = time.perf_counter(), 0
        while (now := time.perf_counter() - begin) < seconds:
            for _ in range(int(now * rate) - sent):
                task = asyncio.create_task(one())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                sent += 1
            await asyncio.sleep(0.005)
        await asyncio.gather(*tasks)

    def told(self, seconds: float, cpu: float) -> dict[str, Any]:
        good = [reply for reply in self.seen.replies if reply[2] == 200]
        refused = sorted(took for _, took, status, _ in self.seen.replies if status != 200)
        took = sorted(took for _, took, _, _ in good)
        wrong = sum(not self._right(number, body) for number, _, _, body in good)
        return {
            "seconds": seconds, "cpu": cpu, "answered": len(good), "wrong": wrong, "refused": len(refused),
            "dropped": self.seen.dropped, "refusal_p99": _share(refused, 0.99),
            "p50": _share(took, 0.5), "p95": _share(took, 0.95), "p99": _share(took, 0.99),
        }  # fmt: skip

    def _right(self, number: int, body: bytes) -> bool:
        return _same(json.loads(body)["predictions"][0], self.expected[number])


def _same(one: Any, two: Any) -> bool:
    if isinstance(two, dict):
        return one.keys() == two.keys() and all(_same(one[name], two[name]) for name in two)
    if isinstance(two, list):
        return len(one) == len(two) and all(map(_same, one, two))
    return abs(one - two) <= BOUND if isinstance(two, float) else one == two


def _share(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _request(inputs: str | list[str]) -> bytes:
    body = json.dumps({"inputs": inputs, "truncate": True}).encode()  # as offline
    head = f"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def main() -> None:
    asked, port, how, first, second = sys.argv[1:]
    load = Load(Path(asked), int(port))
    works = {
        "closed": lambda: load.closed(int(first), int(second)),
        "open": lambda: load.opened(float(first), float(second)),
        "until": lambda: load.until(float(first), int(second)),
        "lists": lambda: load.lists(float(first), int(second)),
    }
    begin, cpu = time.perf_counter(), time.process_time()
    asyncio.run(works[how]())
    print(json.dumps(load.told(time.perf_counter() - begin, time.process_time() - cpu)))


if __name__ == "__main__":
    main()
