"""How a run goes just now: what its folder and its log tell, from where the page has read to."""

from __future__ import annotations

import json
import math
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.config.settings import load_settings
from luthier.errors import LuthierError
from luthier.registry import runs_within
from luthier.runfolder import CONFIG, CRASH, IDENTITY, LOCK, is_finished, is_running
from luthier.workbench.logs import problems_in, told

METRICS = "metrics.jsonl"
_HOLDER = re.compile(r"pid (\d+) on (\S+) ")
"""As `luthier.runfolder.claim` writes it."""
_MOST_STEPS = 1500
"""Steps in one reply: a curve on a screen has no more points."""
_MOST_SAID = 200_000
_MOST_READ = 64 * 2**20


@dataclass(frozen=True)
class Since:
    """Where the page has read to. begun: the training that it has read of. at, said: bytes of metrics and of the
    log."""

    begun: str = ""
    at: int = 0
    said: int = 0


def live(path: Path, log: Path, since: Since, *, starting: bool) -> dict[str, Any]:
    """path: the run's folder. starting: whether a process of ours works for it. What was cut or begun anew is read from
    its beginning; `begun` in the reply then differs."""
    metrics = _metrics(path)
    begun = f"{metrics.parent.name} {_holder(path)}"
    at = since.at if since.begun == begun and since.at <= _size(metrics) else 0
    said = since.said if since.said <= _size(log) else 0
    entries, at = _entries(metrics, at)
    text, said = _read(log, max(said, _size(log) - _MOST_SAID), _MOST_SAID)
    state = _state(path, starting)
    return {
        "state": state,
        "begun": begun,
        "inside": metrics.parent.name if metrics.parent != path else "",
        "entries": thinned(entries),
        "at": at,
        "log": told(text),
        "said": said,
        "way": _way(metrics.parent),
        "problems": [] if state in ("running", "starting", "finished") else problems_in(_whole(log)),
        "crash": (path / CRASH).is_file(),
    }


def _state(path: Path, starting: bool) -> str:
    """starting, running, finished, unfinished; failed where it did not come to be a run."""
    if any(map(is_running, [path, *runs_within(path)])):
        return "running"
    if is_finished(path) and not starting:
        return "finished"
    if starting:
        return "running" if (path / CONFIG).is_file() else "starting"
    return "unfinished" if (path / IDENTITY).is_file() else "failed"


def _metrics(path: Path) -> Path:
    """The run's own, or of several runs in it the one that is being written."""
    inner = [run / METRICS for run in runs_within(path)]
    return max(inner, key=_changed, default=path / METRICS)


def _holder(path: Path) -> str:
    """Who has, or had, the folder last: another one after each resume."""
    try:
        return (path / LOCK).read_text(encoding="utf-8")
    except OSError:
        return ""


def holder_pid(path: Path) -> int | None:
    """The process of this machine that has the run in its hands now, None where none has."""
    found = _HOLDER.match(_holder(path))
    return int(found[1]) if found and found[2] == socket.gethostname() and is_running(path) else None


def thinned(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many steps as a curve can show, the last among them, and every evaluation."""
    steps = [entry for entry in entries if "loss" in entry]
    if len(steps) <= _MOST_STEPS:
        return entries
    every = math.ceil(len(steps) / _MOST_STEPS)
    kept = {id(entry) for entry in [*steps[::every], steps[-1]]}
    return [entry for entry in entries if "loss" not in entry or id(entry) in kept]


def _way(path: Path) -> Mapping[str, Any]:
    """How many steps a run will have at most, as far as its folder tells: known after the first evaluation, before it
    reckoned from rows and batch."""
    try:
        train = load_settings(path / CONFIG).train
        rows = len(json.loads((path / "split.json").read_text(encoding="utf-8"))["rows"]["train"])
        batch, epochs = int(train.batch_size), int(train.epochs)
    except (LuthierError, OSError, ValueError, KeyError, TypeError):
        return {}
    return {"epochs": epochs, "steps": epochs * math.ceil(rows / batch)}


def _entries(path: Path, at: int) -> tuple[list[dict[str, Any]], int]:
    """The whole lines behind a place, and the place behind them."""
    text, _ = _read(path, at, _MOST_READ)
    whole = text[: text.rfind("\n") + 1]
    found: list[dict[str, Any]] = []
    for line in whole.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found, at + len(whole.encode())


def _read(path: Path, at: int, most: int) -> tuple[str, int]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, at))
            content = file.read(most)
    except OSError:
        return "", 0
    return content.decode("utf-8", "replace"), max(0, at) + len(content)


def _whole(log: Path) -> str:
    return _read(log, _size(log) - _MOST_SAID, _MOST_SAID)[0]


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
