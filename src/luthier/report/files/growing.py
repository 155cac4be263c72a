"""Answers to a file without end, line by line: what is there when the work is interrupted need not be made again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from luthier.errors import ConfigError, RunError
from luthier.files import disk_trouble, to_disk, write_text
from luthier.language import t

ERROR = '{"error": '
"""With which the line of an input begins that could not be read."""


@dataclass(frozen=True)
class Growing:
    """write: takes a line. done: lines that were there. bad: of these, inputs that could not be read."""

    write: Callable[[str], None]
    done: int
    bad: int


@contextmanager
def growing_file(final: Path, facts: Mapping[str, Any], *, resume: bool, every: int) -> Iterator[Growing]:
    """The file appears when the block ends without an error. Until then its lines are in final.part, which a kill does
    not take away, and in final.part.json what they are the answers to.

    every: lines that reach the disk together, and of which on a resume none or all count. facts: JSON-able. resume: go
    on with what is there. Errors: ConfigError where that was made of something else, naming what differs; RunError
    where there is nothing to go on with.
    """
    part, told = Path(f"{final}.part"), Path(f"{final}.part.json")
    done = bad = 0
    with disk_trouble(final.parent):
        if resume:
            _check(final, part, told, facts)
            done, bad = _kept(part, every)
        else:
            part.unlink(missing_ok=True)
            write_text(told, json.dumps(facts))
        with part.open("a", encoding="utf-8") as file:
            yield Growing(_writer(file, every), done, bad)
            _settle(file)
        part.replace(final)
        told.unlink()
        to_disk(final.parent)


def _check(final: Path, part: Path, told: Path, facts: Mapping[str, Any]) -> None:
    try:
        before = json.loads(told.read_text(encoding="utf-8"))
        part.touch()
    except (OSError, ValueError):
        what, fix = t("there is nothing to go on with"), t("run the command without --resume")
        raise RunError.at(str(final), what, fix, code="nothing-to-resume") from None
    differing = [name for name, value in facts.items() if before.get(name) != value]
    if differing:
        what = t("the answers that are there were made with another {names}", names=", ".join(differing))
        raise ConfigError.at(str(part), what, t("run the command without --resume"), code="other-run")


def _kept(part: Path, every: int) -> tuple[int, int]:
    """Cuts off what may be half written; how many lines are left, and how many of them tell of an error."""
    ends, bad, held = [0], [0], 0
    with part.open("rb") as file:
        for number, line in enumerate(iter(file.readline, b""), 1):
            if not line.endswith(b"\n"):
                break
            held += line.startswith(ERROR.encode())
            if number % every == 0:
                ends.append(file.tell())
                bad.append(held)
    os.truncate(part, ends[-1])
    return every * (len(ends) - 1), bad[-1]


def _writer(file: IO[str], every: int) -> Callable[[str], None]:
    count = 0

    def write(line: str) -> None:
        nonlocal count
        file.write(line + "\n")
        count += 1
        if count % every == 0:
            _settle(file)

    return write


def _settle(file: IO[str]) -> None:
    file.flush()
    os.fsync(file.fileno())
