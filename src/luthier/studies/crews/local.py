"""Who tries: processes of their own on this machine, each with its share of the cores. One that dies takes nothing with
it but the trial that it was at."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from typing import Protocol

from luthier.language import t
from luthier.looks import Looks
from luthier.preparing.prepare import Prepared
from luthier.studies.crews.outcome import Job, Outcome

_THREADS: Sequence[str] = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Told:
    """A worker asks whether to go on. Arguments as of `attempt.Told`."""

    worker: int
    share: float
    goodness: float


@dataclass(frozen=True)
class Ended:
    worker: int
    outcome: Outcome


@dataclass(frozen=True)
class Lost:
    """A worker's process ended with its trial undone. A new one has taken its place."""

    worker: int
    reason: str


Event = Told | Ended | Lost


class Crew(Protocol):
    """Workers, numbered from 0, that try one job at a time each."""

    size: int

    def give(self, worker: int, job: Job) -> None: ...

    def events(self, seconds: float) -> Sequence[Event]:
        """What happened; waits for at most so long."""
        ...

    def answer(self, worker: int, reason: str) -> None:
        """To one that asked: why it is to stop, or ""."""
        ...

    def close(self) -> None:
        """Ends all workers at once."""
        ...


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    line: Connection
    busy: bool = False


class LocalCrew:
    """Workers of `python -m luthier.studies.crews.worker`: that needs no importable main module and no fork of this
    process. They are deaf to Ctrl-C, which is meant for this process, and end with it."""

    def __init__(self, size: int, prepared: Prepared, looks: Looks) -> None:
        self.size = size
        self._shared = pickle.dumps((prepared, looks))
        self._workers = [self._hired(number) for number in range(size)]

    def give(self, worker: int, job: Job) -> None:
        self._workers[worker].busy = True
        self._send(worker, pickle.dumps(job))

    def answer(self, worker: int, reason: str) -> None:
        self._send(worker, pickle.dumps(reason))

    def events(self, seconds: float) -> Sequence[Event]:
        lines = {worker.line: number for number, worker in enumerate(self._workers) if worker.busy}
        found: list[Event] = []
        for line in wait(list(lines), timeout=seconds):
            number = lines[line]  # pyright: ignore[reportArgumentType]
            found.append(self._heard(number))
        return found

    def close(self) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.line.close()
        for worker in self._workers:
            worker.process.wait()

    def _heard(self, number: int) -> Event:
        worker = self._workers[number]
        try:
            message = pickle.loads(worker.line.recv_bytes())
        except (EOFError, OSError):
            worker.process.kill()
            reason = death(worker.process.wait())
            worker.line.close()
            self._workers[number] = self._hired(number)
            return Lost(number, reason)
        if isinstance(message, Outcome):
            worker.busy = False
            return Ended(number, message)
        return Told(number, *message)

    def _send(self, number: int, message: bytes) -> None:
        """To one that has died meanwhile nothing is sent: its end is heard of next."""
        try:
            self._workers[number].line.send_bytes(message)
        except OSError:
            return

    def _hired(self, number: int) -> _Worker:
        here, there = Pipe()
        command = [sys.executable, "-m", "luthier.studies.crews.worker", str(there.fileno())]
        process = subprocess.Popen(
            command, pass_fds=[there.fileno()], env={**os.environ, **surroundings(number, self.size)},
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        there.close()
        worker = _Worker(process, here)
        with contextlib.suppress(OSError):  # where it died at once, that is heard when it is given something
            here.send_bytes(self._shared)
        return worker


def surroundings(number: int, size: int) -> Mapping[str, str]:
    """Environment variables by which workers beside each other share the machine: its cores, and its GPUs in turn."""
    if size == 1:
        return {}
    threads = str(max(1, _cores() // size))
    found: dict[str, str] = dict.fromkeys(_THREADS, threads)
    devices = _devices()
    if len(devices) > 1:
        found["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
    return found


def _cores() -> int:
    set_ = os.environ.get("OMP_NUM_THREADS", "")
    return int(set_) if set_.isdigit() and int(set_) > 0 else os.cpu_count() or 1


def _devices() -> list[str]:
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [device for device in named.split(",") if device]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def death(code: int) -> str:
    """How a process ended, in words. code: negative for a signal."""
    if code == -9:
        return t("its process was killed (signal 9), as happens where memory runs out")
    return t("its process ended with {code}", code=f"signal {-code}" if code < 0 else str(code))
