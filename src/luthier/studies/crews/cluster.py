"""Who tries, on the machines of a Ray cluster: a worker that dies, or whose machine does, is replaced elsewhere, and
its trial is done again. The study stays in the process that began the search."""

from __future__ import annotations

import asyncio
import logging
import pickle
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from luthier.errors import ConfigError, shown
from luthier.extras import need
from luthier.language import t
from luthier.looks import Looks
from luthier.preparing.prepare import Prepared
from luthier.studies.crews.local import Ended, Event, Lost, Told
from luthier.studies.crews.outcome import Job

_PATIENCE = 5.0
"""Seconds for a cluster to answer the door."""


class Mailbox:
    """Where workers ask whether to go on, and wait for the answer. Lives on the machine that began the search."""

    def __init__(self) -> None:
        self._asked: asyncio.Queue[tuple[int, float, float]] = asyncio.Queue()
        self._answers: dict[int, asyncio.Future[str]] = {}

    async def ask(self, token: int, share: float, goodness: float) -> str:
        """token: of the job as it was given."""
        answer = asyncio.get_running_loop().create_future()
        self._answers[token] = answer
        await self._asked.put((token, share, goodness))
        return await answer

    async def next(self) -> tuple[int, float, float]:
        return await self._asked.get()

    async def answer(self, token: int, reason: str) -> None:
        self._answers.pop(token).set_result(reason)


class Trier:
    """A worker. It needs Luthier installed, and the model under the same path or name; the rows come with it."""

    def __init__(self, shared: bytes, mailbox: Any) -> None:
        self._prepared, self._looks = pickle.loads(shared)
        self._mailbox = mailbox

    def run(self, token: int, job: bytes) -> Any:
        import ray

        from luthier.studies.crews.attempt import try_job

        def told(share: float, goodness: float) -> str:
            return ray.get(self._mailbox.ask.remote(token, share, goodness))

        return try_job(pickle.loads(job), self._prepared, self._looks, told)


class RayCrew:
    """A `Crew` on a cluster."""

    def __init__(self, address: str, size: int, prepared: Prepared, looks: Looks) -> None:
        """address: of a cluster that runs, or auto. Errors: ConfigError where none does, or it is too small."""
        ray = need("ray")
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.size, self._ray = size, ray
        try:
            _knock(address)
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True)
        except (OSError, ValueError, RuntimeError) as error:
            what = t("no Ray cluster answers at {address}: {error}", address=shown(address),
                     error=str(error).splitlines()[0])  # fmt: skip
            fix = t("start one with ray start --head, and name its address")
            raise ConfigError.at("search.ray", what, fix, code="no-cluster") from None
        self._options = _share(ray.nodes(), size)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._mailbox: Any = ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here).remote()
        self._shared = ray.put(pickle.dumps((prepared, looks)))
        self._triers = [self._hired() for _ in range(size)]
        self._next: Any = self._mailbox.next.remote()
        self._going: dict[Any, int] = {}
        self._tokens: dict[int, int] = {}
        self._given = 0

    def give(self, worker: int, job: Job) -> None:
        self._given += 1
        self._tokens[worker] = self._given
        self._going[self._triers[worker].run.remote(self._given, pickle.dumps(job))] = worker

    def answer(self, worker: int, reason: str) -> None:
        self._mailbox.answer.remote(self._tokens[worker], reason)

    def events(self, seconds: float) -> Sequence[Event]:
        ready, _ = self._ray.wait([*self._going, self._next], num_returns=1, timeout=seconds)
        found: list[Event] = []
        for reference in ready:
            event = self._asked() if reference == self._next else self._done(reference)
            found += [] if event is None else [event]
        return found

    def close(self) -> None:
        for trier in self._triers:
            self._ray.kill(trier)
        self._ray.kill(self._mailbox)
        self._ray.shutdown()

    def _asked(self) -> Told | None:
        """None for what a worker asked that has died since."""
        token, share, goodness = self._ray.get(self._next)
        self._next = self._mailbox.next.remote()
        worker = next((worker for worker, own in self._tokens.items() if own == token), None)
        return None if worker is None else Told(worker, share, goodness)

    def _done(self, reference: Any) -> Ended | Lost:
        worker = self._going.pop(reference)
        del self._tokens[worker]
        try:
            return Ended(worker, self._ray.get(reference))
        except self._ray.exceptions.RayError as error:
            self._ray.kill(self._triers[worker])
            self._triers[worker] = self._hired()
            return Lost(worker, t("its worker was lost: {error}", error=str(error).splitlines()[0][:200]))

    def _hired(self) -> Any:
        return self._ray.remote(Trier).options(**self._options).remote(self._shared, self._mailbox)


def _knock(address: str) -> None:
    """Whether anybody listens there: Ray itself tries for minutes. Errors: OSError where nobody does."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), _PATIENCE).close()


def _share(nodes: Sequence[Any], size: int) -> dict[str, float]:
    """What of the cluster each worker takes: as many cores as its smallest machine can give, and a GPU or a part of one
    where there are some. Errors: ConfigError for more workers than cores."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    cores = [int(resources.get("CPU", 0)) for resources in alive if resources.get("CPU", 0) >= 1]
    if size > sum(cores):
        what = t("{size} workers are more than the {cores} cores of the cluster", size=size, cores=sum(cores))
        raise ConfigError.at("search.workers", what, f"search.workers={max(1, sum(cores))}", code="out-of-range")
    share = max(1, min(min(cores), sum(cores) // size))
    while sum(count // share for count in cores) < size:
        share -= 1
    gpus = sum(resources.get("GPU", 0) for resources in alive)
    return {"num_cpus": share, **({"num_gpus": min(1.0, gpus / size)} if gpus else {})}


def everywhere(model: str) -> str:
    """A local folder's whole path: workers on a cluster begin in folders of their own."""
    return str(Path(model).resolve()) if Path(model).is_dir() else model
