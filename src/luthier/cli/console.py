"""The terminal: what a command says, where it says it, and how long work looks while it runs."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from luthier.errors import LuthierError, printable
from luthier.language import t
from luthier.progress import Progress, Tracker

_log = logging.getLogger("luthier")

_PATIENCE = 2.0
"""Seconds before a bar appears: shorter work needs none."""
_LINE_EVERY = 15.0
"""Seconds between progress lines where there is no terminal to draw a bar on."""


class Console(Progress):
    """json: stdout is for programs alone, people are spoken to on stderr. quiet: only warnings and errors."""

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self._out: TextIO = sys.stderr if json else sys.stdout
        self._quiet = quiet

    def say(self, text: str = "") -> None:
        if not self._quiet:
            write(self._out, text)

    def warn(self, text: str) -> None:
        write(sys.stderr, f"! {text}")

    def table(self, title: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        if self._quiet:
            return
        from rich.box import SIMPLE_HEAD
        from rich.console import Console as RichConsole
        from rich.table import Table

        grid = Table(*headers, title=title, box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
        for row in rows:
            grid.add_row(*("\n".join(map(printable, cell.split("\n"))) for cell in row))
        width = None if self._out.isatty() else 110
        target = RichConsole(file=self._out, width=width, markup=False, highlight=False)
        with target.capture() as captured:
            target.print(grid)
        write(self._out, captured.get().rstrip("\n"))

    @contextmanager
    def track(self, what: str, total: float) -> Iterator[Tracker]:
        begin = time.monotonic()
        if self._quiet:
            yield Tracker()
        elif sys.stderr.isatty():
            with _Bar(what, total) as bar:
                yield bar
        else:
            yield _Lines(what, total)
        _log.info("%s: %.1f s", what, time.monotonic() - begin)


def print_json(value: Any) -> None:
    """One line on stdout, for programs."""
    write(sys.stdout, json.dumps(value, ensure_ascii=False))


def print_error(error: LuthierError, *, as_json: bool) -> None:
    """On stderr: for people as where, what, fix; for programs one JSON object a problem."""
    if as_json:
        for problem in error.problems:
            write(sys.stderr, json.dumps(problem.as_json(), ensure_ascii=False))
    else:
        write(sys.stderr, str(error))


def write(stream: TextIO, text: str) -> None:
    """A line. A reader that went away (`| head`) stops no work: the rest is thrown away."""
    try:
        stream.write(text + "\n")
        stream.flush()
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except (BrokenPipeError, OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class _Bar(Tracker):
    """A bar that appears when the work has taken two seconds. Times are of this process alone, so that a sleeping
    laptop does not spoil the rest."""

    def __init__(self, what: str, total: float) -> None:
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
        )
        console = RichConsole(stderr=True, markup=False, highlight=False)
        self._progress = RichProgress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(what, total=total, note="")
        self._begin, self._shown = time.monotonic(), False

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._progress.stop()

    def advance(self, units: float = 1, note: str = "") -> None:
        self._progress.update(self._task, advance=units)
        if note:
            self._progress.update(self._task, note=note)
        if not self._shown and time.monotonic() - self._begin > _PATIENCE:
            self._shown = True
            self._progress.start()


class _Lines(Tracker):
    """Now and then a line, for logs."""

    def __init__(self, what: str, total: float) -> None:
        self._what, self._total, self._done = what, total, 0.0
        self._begin = self._told = time.monotonic()
        self._first: float | None = None

    def advance(self, units: float = 1, note: str = "") -> None:
        self._done += units
        now = time.monotonic()
        if self._first is None:
            self._first = self._done  # what a resume had done before is no measure of speed
        if now - self._told < _LINE_EVERY or self._done >= self._total:
            return
        self._told = now
        pace = (self._done - self._first) / max(now - self._begin, 1e-9)
        left = t("{seconds:.0f} s left", seconds=(self._total - self._done) / pace) if pace > 0 else ""
        tail = ", ".join(part for part in (left, note) if part)
        write(sys.stderr, f"{self._what}: {self._done:.0f}/{self._total:.0f}, {tail}")
