"""python -m bench.production.neighbours RUN FILE [--seconds S] [--minutes M]

What one client of a server of a run notices of others:

  alone     one client, a text at a time: p50 as a multiple of what the same texts take in a loop of the same model,
            tokenised in that time, before and after
  lists     one client's texts beside another who asks for 256 at a time, again and again: p50 and p99
  slow      64 clients while 500 connections send their headers a byte at a time: p99 as a multiple of that without them
  long      M minutes at 0.8 of what the server can: memory of the process and files open, after a tenth of the time and
            at the end

The server is `luthier serve` on all CPUs but the last, the clients are on the last, as in bench.production.load.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.production.load import CLIENTS, asked, begin, handed_over, on, opened, serving
from luthier.runtime import cpu_name

_ALONE, _LIST, _SLOW = 500, 256, 500
_PAUSE = 0.5
"""Seconds from one byte of a slow connection to the next."""


def main() -> None:
    words = _parser().parse_args()
    cpus = sorted(os.sched_getaffinity(0))
    ours, theirs = (cpus[:-1], cpus[-1:]) if len(cpus) > 1 else (cpus, cpus)
    os.sched_setaffinity(0, theirs)
    with on(ours):
        predictor, texts = opened(words)
        work = handed_over(words, predictor, texts)
        before = _bare(predictor, texts)
    print(f"{cpu_name()}: server on CPUs {ours}, clients on {theirs}", flush=True)
    with serving(words.run, ours) as (server, port):
        alone = asked(work, port, "closed", _ALONE, 1)
        with on(ours):
            bare = (before + _bare(predictor, texts)) / 2
        print(f"alone: p50 {_ms(alone['p50'])} ms, {alone['p50'] / bare:.2f} times the bare {_ms(bare)} ms; p99 "
              f"{_ms(alone['p99'])} ms", flush=True)  # fmt: skip
        _beside_lists(work, port, words.seconds, alone["p99"])
        _beside_slow(work, port, words.seconds)
        _long(work, port, server.pid, words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m bench.production.neighbours",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("file", type=Path, help="its columns are named as those that the run learnt from")
    parser.add_argument("--seconds", type=float, default=20.0, help="beside lists, and beside slow connections")
    parser.add_argument("--minutes", type=float, default=3.0, help="of the long run")
    parser.add_argument("--rows", type=int, default=2000, help="of the file")
    parser.add_argument("--work", default="/tmp/luthier-load", help="a folder for what the processes tell each other")
    return parser


def _bare(predictor: Any, texts: Sequence[str]) -> float:
    """Seconds of a text, p50, of those that the client asks for."""
    taken: list[float] = []
    for text in texts[:_ALONE]:
        start = time.perf_counter()
        predictor.predict([text])
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _beside_lists(work: Path, port: int, seconds: float, alone: float) -> None:
    """alone: p99 without the lists."""
    lists = begin(work, port, "lists", seconds + 2, _LIST)
    time.sleep(1)
    one = asked(work, port, "until", seconds, 1)
    other = json.loads(lists.communicate()[0])
    times = one["p99"] / alone
    print(f"lists: p50 {_ms(one['p50'])} p99 {_ms(one['p99'])} ms ({times:.1f} times that alone) of {one['answered']} "
          f"texts, {one['refused']} refused, beside {other['answered']} lists of {_LIST}, p50 {_ms(other['p50'])} ms",
          flush=True)  # fmt: skip


def _beside_slow(work: Path, port: int, seconds: float) -> None:
    usual = asked(work, port, "until", seconds, CLIENTS)
    with _slow(port) as opened_:
        beside = asked(work, port, "until", seconds, CLIENTS)
    print(f"slow: p99 {_ms(beside['p99'])} ms beside {_SLOW} slow connections, {_ms(usual['p99'])} without, "
          f"{beside['p99'] / usual['p99']:.2f} times; {len(opened_)} were opened, as the server closes them",
          flush=True)  # fmt: skip


@contextmanager
def _slow(port: int) -> Iterator[list[int]]:
    """Connections that send a header byte by byte; one that is closed is opened again. Gives a number for each."""
    ended, opened_ = threading.Event(), list[int]()

    def connection() -> socket.socket:
        opened_.append(len(opened_))
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(b"POST /predict HTTP/1.1\r\nx: ")
        return one

    def feed() -> None:
        while not ended.wait(_PAUSE):
            for number, one in enumerate(ours):
                try:
                    one.sendall(b"a")
                except OSError:
                    one.close()
                    ours[number] = connection()

    ours = [connection() for _ in range(_SLOW)]
    with ExitStack() as stack:
        feeder = threading.Thread(target=feed)
        feeder.start()
        stack.callback(lambda: [one.close() for one in ours])
        stack.callback(feeder.join)
        stack.callback(ended.set)
        yield opened_


def _long(work: Path, port: int, process: int, words: argparse.Namespace) -> None:
    quick = asked(work, port, "until", 5, CLIENTS)
    rate, seconds = 0.8 * quick["answered"] / quick["seconds"], 60 * words.minutes
    clients = begin(work, port, "open", rate, seconds)
    time.sleep(seconds / 10)
    first = _held(process)
    time.sleep(seconds * 0.9 - 1)
    last = _held(process)
    found = json.loads(clients.communicate()[0])
    print(f"long: {words.minutes:g} minutes at {rate:.0f}/s: memory {first[0] / 2**20:.0f} → {last[0] / 2**20:.0f} MiB "
          f"({last[0] / first[0] - 1:+.1%}), files {first[1]} → {last[1]}; answered {found['answered']}, other answers "
          f"{found['wrong']}, refused {found['refused']}, dropped {found['dropped']}, p99 {_ms(found['p99'])} ms",
          flush=True)  # fmt: skip


def _held(process: int) -> tuple[int, int]:
    """Resident bytes and open files."""
    status = Path(f"/proc/{process}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024
    return resident, sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f}" if seconds >= 0.1 else f"{1000 * seconds:.1f}"


if __name__ == "__main__":
    main()
