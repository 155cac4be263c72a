"""python -m bench.production.load RUN FILE [--seconds S] [--requests N] [--shared] [--quick]

What a server of a run gives under load, held against what the same model gives in bulk on the same CPUs:

  offline    the best of batches of 8, 32, 64, 256 and of all texts at once, tokenised in that time, in the same order;
             before and after the clients, because a machine's speed changes
  clients    64 of them over kept connections, a text each, again and again: requests a second as a share of offline,
             p50, p95, p99, and N requests (20,000) whose answers are compared with the offline ones
  overload   three times as many requests a second as it can answer, whether or not earlier ones are answered: answered
             within their time (goodput) as a share of what it can, and how soon a refusal comes
  SIGTERM    under 64 clients: requests that were sent and got no reply
  SIGHUP     the same, and none that is refused either

The server is `luthier serve` in a process of its own, on all CPUs but the last; the clients are another process, on the
last CPU. With --shared both have all CPUs, so that the clients' work (told beside it) is taken from the server's.
--quick: seconds instead of minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from luthier.runtime import cpu_name

CLIENTS = 64
_SIZES = (8, 32, 64, 256)
_SOME = 512
"""Texts of which is measured how many a second there are offline."""


def main() -> None:
    words = _parser().parse_args()
    if words.quick:
        words.seconds, words.requests = 5.0, 1000
    cpus = sorted(os.sched_getaffinity(0))
    ours = cpus if words.shared or len(cpus) == 1 else cpus[:-1]
    theirs = cpus if words.shared else cpus[-1:]
    os.sched_setaffinity(0, theirs)
    with on(ours):
        predictor, texts = opened(words)
        work = handed_over(words, predictor, texts)
        before = offline_speed(predictor, texts[:_SOME])
    print(f"{cpu_name()}: server on CPUs {ours}, clients on {theirs}", flush=True)
    with serving(words.run, ours) as (server, port):
        found = asked(work, port, "closed", words.requests, CLIENTS)
        capacity = found["answered"] / found["seconds"]
        with on(ours):
            after = offline_speed(predictor, texts[:_SOME])
        offline = (before + after) / 2
        print(f"offline: {before:.1f} texts/s before, {after:.1f} after", flush=True)
        _tell("64 clients", found, f"{capacity:.1f}/s, {capacity / offline:.3f} of offline")
        over = asked(work, port, "open", 3 * capacity, words.seconds)
        goodput = over["answered"] / over["seconds"]
        _tell("overload", over, f"goodput {goodput:.1f}/s, {goodput / capacity:.3f} of capacity")
        _tell("SIGHUP", _signalled(work, port, server, signal.SIGHUP, words), "")
        _tell("SIGTERM", _signalled(work, port, server, signal.SIGTERM, words), f"exit code {server.wait(60)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m bench.production.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("file", type=Path, help="its columns are named as those that the run learnt from")
    parser.add_argument("--requests", type=int, default=20_000, help="whose answers are compared")
    parser.add_argument("--seconds", type=float, default=20.0, help="of overload")
    parser.add_argument("--rows", type=int, default=2000, help="of the file")
    parser.add_argument("--shared", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--work", default="/tmp/luthier-load", help="a folder for what the processes tell each other")
    return parser


def opened(words: argparse.Namespace) -> tuple[Any, list[str]]:
    """The run as a predictor, and the texts."""
    import torch

    from luthier.config.schema import DataSettings
    from luthier.inference.artifact import load_artifact
    from luthier.preparing.again import read_inputs

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    predictor = load_artifact(words.run, "cpu")
    return predictor, list(islice(read_inputs(str(words.file), predictor.codec, DataSettings()), words.rows))


def handed_over(words: argparse.Namespace, predictor: Any, texts: Sequence[str]) -> Path:
    """The folder with what the clients ask for, and what is said of it offline."""
    work = Path(words.work)
    work.mkdir(parents=True, exist_ok=True)
    asked_for = {"texts": texts, "expected": predictor.predict(texts)}
    (work / "asked.json").write_text(json.dumps(asked_for), encoding="utf-8")
    return work


@contextmanager
def on(cpus: Sequence[int]) -> Iterator[None]:
    """Inside the block this process runs on these."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def offline_speed(predictor: Any, texts: Sequence[str]) -> float:
    """How many a second at best."""
    best = 0.0
    for size in (*_SIZES, len(texts)):
        begin = time.perf_counter()
        for start in range(0, len(texts), size):
            predictor.predict(texts[start : start + size])
        best = max(best, len(texts) / (time.perf_counter() - begin))
    return best


@contextmanager
def serving(run: Path, cpus: Sequence[int]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server that is ready, and its port."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "luthier", "serve", str(run), "--port", str(port), "--quiet"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(len(cpus))}
    process = subprocess.Popen(command, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5)
                break
            except OSError:
                assert process.poll() is None, "the server has ended"
                time.sleep(0.1)
        yield process, port
    finally:
        process.kill()
        process.wait()


def asked(work: Path, port: int, how: str, *words: Any) -> dict[str, Any]:
    """What clients saw; as `begin`."""
    return json.loads(begin(work, port, how, *words).communicate()[0])


def begin(work: Path, port: int, how: str, *words: Any) -> subprocess.Popen[bytes]:
    """Clients in a process of their own. how, words: as clients.py takes them. work: holds asked.json."""
    command = [sys.executable, str(Path(__file__).with_name("clients.py")), str(work / "asked.json"), str(port), how]
    return subprocess.Popen([*command, *map(str, words)], stdout=subprocess.PIPE)


def _signalled(work: Path, port: int, server: Any, sent: signal.Signals, words: argparse.Namespace) -> dict[str, Any]:
    """What clients saw that asked while the server got a signal."""
    clients = begin(work, port, "until", words.seconds, CLIENTS)
    time.sleep(max(2.0, words.seconds / 4))
    server.send_signal(sent)
    return json.loads(clients.communicate()[0])


def _tell(title: str, found: dict[str, Any], more: str) -> None:
    ms = {name: f"{1000 * found[name]:.0f}" for name in ("p50", "p95", "p99") if found.get(name) is not None}
    times = f"p50 {ms['p50']} p95 {ms['p95']} p99 {ms['p99']} ms" if ms else "no answer"
    refused = "" if found["refusal_p99"] is None else f" (refused within {1000 * found['refusal_p99']:.0f} ms, p99)"
    print(
        f"{title}: {more + '; ' if more else ''}{times}; answered {found['answered']}, other answers {found['wrong']}, "
        f"refused {found['refused']}{refused}, dropped {found['dropped']}; clients took "
        f"{found['cpu'] / found['seconds']:.2f} of a CPU",
        flush=True,
    )


if __name__ == "__main__":
    main()
