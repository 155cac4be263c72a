"""A real server on a free port, in a thread of this process."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from luthier.codec import Codec
from luthier.inference.artifact import Predictor, load_artifact, save_artifact
from luthier.models.load import load_tokenizer
from luthier.production.served import Models
from tiny import bench

MOST = 12


@dataclass(frozen=True)
class Server:
    address: str
    predictor: Predictor
    models: Models

    def client(self, **options: Any) -> Any:
        """OpenAI's own."""
        from openai import OpenAI

        return OpenAI(base_url=f"{self.address}/v1", api_key="none", max_retries=0, timeout=60, **options)

    @property
    def model(self) -> str:
        return self.predictor.name

    def wait_until_idle(self) -> None:
        begin = time.monotonic()
        while self.models.waiting:
            assert time.monotonic() - begin < 20, f"{self.models.waiting} are still waited for"
            time.sleep(0.01)


def saved(task: str, model: Path, folder: Path, *, larger: float = 1.0, **options: Any) -> Predictor:
    """The task on its samples, saved and loaded as a run's model is. larger: how much its random weights are made so:
    the larger they are, the more what is written hangs on what is asked."""
    ready = bench(task, model, **options)
    for weights in ready.model.parameters():
        if weights.ndim > 1:
            weights.data *= larger
    tokenizer = ready.codec.task.with_tokenizer(load_tokenizer(model))[1]
    save_artifact(folder / task, ready.model, ready.codec, tokenizer.wrapped, "card")
    return load_artifact(folder / task, "cpu")


@contextmanager
def serving(predictor: Predictor, **options: Any) -> Iterator[Server]:
    """options: of make_app."""
    import uvicorn

    from luthier.production.serve import make_app

    app = make_app([lambda: predictor], lambda error: None, **options)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        while not server.started or httpx.get(f"{address}/health/ready").status_code != 200:
            time.sleep(0.02)
        yield Server(address, predictor, app.state.models)
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def user(text: str) -> list[Any]:
    """A conversation of one turn."""
    return [{"role": "user", "content": text}]


def streamed(pieces: Any) -> str:
    """What OpenAI's client was told in pieces."""
    return "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)


def refused(client: Any, **asked: Any) -> dict[str, Any]:
    """The error that OpenAI's client reads."""
    import openai
    import pytest

    with pytest.raises(openai.BadRequestError) as found:
        client.chat.completions.create(**{"messages": user("a"), **asked})
    assert isinstance(found.value.body, dict)
    assert found.value.body["type"] == "invalid_request_error"
    return found.value.body


def reply(connection: socket.socket) -> tuple[int, dict[str, str], Any]:
    """The next one on a bare connection: its status, its headers, its JSON; 0 where it was closed without one."""
    read = b""
    while b"\r\n\r\n" not in read:
        piece = connection.recv(65536)
        if not piece:
            return 0, {}, None
        read += piece
    head, _, body = read.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(first.split()[1]), headers, json.loads(body)


def wordy(most: int) -> Codec:
    """Of a classifier for which every word is a token, and which reads so many."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    from luthier.tasks.classification import Classification
    from luthier.text.tokenizer import TextRule

    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return Codec(Classification(labels=("a", "b")), TextRule(tokenizer, most, 0, False))


class Slow:
    """Stands for a model: answers every text with the same, each after so many seconds."""

    name, cores = "slow", 1

    def __init__(self, each: float = 0.0) -> None:
        self._each = each
        self.codec = wordy(512)

    def noted(self, inputs: Any) -> list[Any]:
        time.sleep(self._each * len(inputs))
        return [(np.array([0.25, 0.75], np.float32), 0) for _ in inputs]


@dataclass
class Listening:
    """A server in a thread. handle_exit: as a signal calls it."""

    server: Any
    models: Models
    loop: Any = None

    def handle_exit(self, number: int, frame: Any) -> None:
        self.loop.call_soon_threadsafe(self.server.handle_exit, number, frame)


@contextmanager
def listening(predictor: Any, limits: Any) -> Iterator[tuple[int, Listening]]:
    """Luthier's own server, with limits on sockets, and its port."""
    from luthier.production.serve import make_app
    from luthier.production.sockets.server import make_server
    from luthier.progress import SILENT

    app = make_app([lambda: predictor], lambda error: None)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    server = make_server(app, SILENT, limits)
    found = Listening(server, app.state.models)

    async def run() -> None:
        found.loop = asyncio.get_running_loop()
        found.loop.add_signal_handler = lambda *_: None  # which is the main thread's
        await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        while not server.started or httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code != 200:
            time.sleep(0.02)
        yield port, found
    finally:
        server.should_exit = True
        thread.join(20)
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
        assert not thread.is_alive()
