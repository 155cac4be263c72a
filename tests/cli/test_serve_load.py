"""luthier serve under load, in a process of its own: asked to stop or to load again, it loses no request."""

import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from production.helpers import saved
from tiny import TinyModels
from workflow.helpers import command, luthier

pytestmark = pytest.mark.slow
CLIENTS = 12


@dataclass
class Crowd:
    """Clients that ask one text after the other and never try again. seen: what became of their requests."""

    address: str
    seen: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)

    def ask(self, number: int) -> None:
        with httpx.Client(base_url=self.address, timeout=30) as client:
            while not self.over.is_set():
                try:
                    answer = client.post("/predict", json={"inputs": [f"parcel {number}"] * 4})
                except httpx.TransportError:  # the end has begun: nobody listens, or an idle connection was closed
                    self.seen["not let in"] += 1
                    return
                self.seen[str(answer.status_code)] += 1


@contextmanager
def crowded(address: str) -> Iterator[Crowd]:
    crowd = Crowd(address)
    threads = [threading.Thread(target=crowd.ask, args=(i,)) for i in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield crowd
    finally:
        crowd.over.set()
        for thread in threads:
            thread.join()


@contextmanager
def started(folder: Path, log: Path, *words: Any) -> Iterator[tuple[Any, str]]:
    """log: what it writes about its requests."""
    words = ("serve", folder, "--port", "0", "--log", *words)
    with log.open("w") as errors:
        server = subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=errors, text=True)
    assert server.stdout is not None
    try:
        address = server.stdout.readline().split()[-1]
        while httpx.get(f"{address}/health/ready").status_code != 200:
            time.sleep(0.05)
        yield server, address
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Path:
    place = tmp_path_factory.mktemp("load")
    saved("classification", models.encoder, place)
    return place / "classification"


def test_asked_to_load_again_and_then_to_stop_it_loses_no_request(folder: Path, tmp_path: Path) -> None:
    with started(folder, tmp_path / "log") as (server, address), crowded(address) as crowd:
        time.sleep(0.5)
        for _ in range(2):
            server.send_signal(signal.SIGHUP)
            assert "loaded again: classification" in _next(server, "loaded again")
        assert set(crowd.seen) == {"200"}
        before = crowd.seen["200"]
        server.terminate()
        assert server.wait(30) == 0
    assert crowd.seen["200"] >= before > CLIENTS
    assert set(crowd.seen) <= {"200", "503", "not let in"}
    replied = Counter(line["status"] for line in logged(tmp_path / "log"))
    assert replied == {int(status): count for status, count in crowd.seen.items() if status != "not let in"}


def logged(log: Path) -> list[Any]:
    """What the server says became of each prediction that it was asked for."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["route"] == "/predict"]


def _next(server: Any, words: str) -> str:
    while words not in (line := server.stdout.readline()):
        assert line
    return line


def test_other_machines_need_a_key_and_keys_are_never_shown(folder: Path, tmp_path: Path) -> None:
    refused = luthier("serve", folder, "--host", "0.0.0.0", "--port", "0", cwd=tmp_path)
    assert refused.returncode == 2 and "--api-keys" in refused.stderr
    key = "a-key-that-is-long-enough"
    (tmp_path / "keys").write_text(key)
    with started(folder, tmp_path / "log", "--api-keys", tmp_path / "keys") as (server, address):
        assert httpx.post(f"{address}/predict", json={"inputs": "a"}).status_code == 401
        bearer = {"authorization": f"Bearer {key}"}
        assert httpx.post(f"{address}/predict", json={"inputs": "a"}, headers=bearer).status_code == 200
        assert key.encode() not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
        server.terminate()
        assert server.wait(30) == 0
        told = server.stdout.read()
    assert key not in told + (tmp_path / "log").read_text()
    assert [line["status"] for line in logged(tmp_path / "log")] == [200]


def test_two_models_of_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    refused = luthier("serve", folder, folder, cwd=tmp_path)
    assert refused.returncode == 2 and "rename one" in refused.stderr
