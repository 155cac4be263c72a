"""A run's folder: who may write into it; whether it is new, unfinished or finished; its name where none is given."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import socket
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from luthier.errors import LuthierError, RunError
from luthier.files import sweep, write_text
from luthier.language import t

CONFIG, REPORT, IDENTITY, LOCK, CRASH = "config.yaml", "report.json", "run.json", "run.lock", "crash.txt"
STRATEGIES, SEARCH = "strategies.json", "search.json"
"""Instead of a report, where the folder holds several runs: what compares strategies and what searches write last."""
BALANCE = "balance.json"
"""The remedies against imbalance as they were compared, where that was left to Luthier."""
_NAME = re.compile(r"(.+)-(\d+)")


@dataclass(frozen=True)
class RunFolder:
    """path: as the user named it. run_id: random, the same for all resumes of a run. fresh: nothing was there."""

    path: Path
    run_id: str
    fresh: bool


def new_run_path(data: Path, runs: Path = Path("runs")) -> Path:
    """runs/<data's name>-<number>, the number one above the highest there."""
    name = re.sub(r"[^\w.-]+", "-", data.name.split(".")[0])[:80] or "run"
    taken = [_NAME.fullmatch(p.name) for p in runs.iterdir()] if runs.is_dir() else []
    numbers = [int(match[2]) for match in taken if match and match[1] == name]
    return runs / f"{name}-{max(numbers, default=0) + 1}"


def newest_unfinished(runs: Path = Path("runs")) -> Path:
    """The run under `runs` that was begun last and is not finished. Errors: RunError where there is none."""
    begun = [p.parent for p in runs.glob(f"*/{IDENTITY}") if not is_finished(p.parent)] if runs.is_dir() else []
    if not begun:
        fix = t("name the run: luthier train --resume --out runs/…")
        raise RunError.at(str(runs), t("holds no unfinished run"), fix, code="nothing-to-resume")
    return max(begun, key=lambda path: identity(path).get("started", 0.0))


def is_finished(path: Path) -> bool:
    """The report is written last."""
    return any((path / name).is_file() for name in (REPORT, STRATEGIES, SEARCH))


def is_running(path: Path) -> bool:
    """Whether a process holds the folder's lock. The lock is tried, shared, for a moment, and left."""
    try:
        with (path / LOCK).open("r", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def remove_run(path: Path) -> None:
    """Deletes a run's whole folder, with its lock held. The report goes first and run.json last: what an interruption
    leaves is a run that is not finished, and can be deleted. Links in it are removed, never what they lead to.

    Errors: RunError where a process has it; OSError.
    """
    with (path / LOCK).open("a+", encoding="utf-8") as lock:
        _take(lock, path)
        (path / REPORT).unlink(missing_ok=True)
        _empty(path, keep=(LOCK, IDENTITY))
        (path / IDENTITY).unlink(missing_ok=True)
        (path / LOCK).unlink()
        path.rmdir()


def check_free(path: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuses, before anything is written, a folder that another run uses or has used, or that cannot be written.

    Errors: RunError.
    """
    if path.exists() and not path.is_dir():
        raise RunError.at(str(path), t("is a file"), t("choose another --out"), code="out-is-file")
    if (path / LOCK).is_file():
        with (path / LOCK).open("r", encoding="utf-8") as lock:
            _take(lock, path)
    is_run = (path / IDENTITY).is_file()
    if path.is_dir() and not is_run and any(p.name != LOCK for p in path.iterdir()):
        fix = t("choose a new or empty folder with --out")
        raise RunError.at(str(path), t("is not empty and holds no run"), fix, code="out-not-empty")
    if is_run and not resume and not overwrite:
        if is_finished(path):
            fix = t("choose another --out, or --overwrite")
            raise RunError.at(str(path), t("holds a finished run"), fix, code="run-finished")
        fix = t("go on with --resume, choose another --out, or --overwrite")
        raise RunError.at(str(path), t("holds an unfinished run"), fix, code="run-unfinished")
    if resume and not is_run:
        fix = t("check the path, or start without --resume")
        raise RunError.at(str(path), t("holds no run to go on with"), fix, code="nothing-to-resume")
    parent = next(p for p in [path, *path.absolute().parents] if p.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        fix = t("choose another folder with --out")
        raise RunError.at(str(path), t("{folder} cannot be written", folder=parent), fix, code="read-only")


@contextmanager
def claim(path: Path, *, overwrite: bool = False) -> Iterator[RunFolder]:
    """Makes the folder this process's own until the block ends. The lock is the kernel's: it goes with the process.

    overwrite: removes what an earlier run left. An error that is a bug of ours leaves its traceback in crash.txt.
    Errors: RunError where another process has it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        fix = t("choose another folder with --out")
        raise RunError.at(
            str(path), t("cannot be written ({error})", error=error.strerror), fix, code="read-only"
        ) from None
    with lock:
        _take(lock, path)
        lock.truncate(0)
        lock.write(f"pid {os.getpid()} on {socket.gethostname()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        lock.flush()
        if overwrite:
            _empty(path)
        (path / CRASH).unlink(missing_ok=True)
        fresh = not (path / IDENTITY).is_file()
        if fresh:
            write_text(path / IDENTITY, json.dumps({"run_id": secrets.token_hex(8), "started": time.time()}))
        run_id = identity(path).get("run_id")
        if run_id is None:
            fix = t("choose another --out, or --overwrite")
            raise RunError.at(str(path / IDENTITY), t("is damaged"), fix, code="damaged-run")
        try:
            yield RunFolder(path, str(run_id), fresh)
        except LuthierError:
            raise
        except Exception as error:
            write_text(path / CRASH, traceback.format_exc())
            error.add_note(t("the traceback is in {file}", file=path / CRASH))
            raise


def _take(lock: TextIO, path: Path) -> None:
    """Takes the lock for as long as the file is open. Errors: RunError where another process has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip() or t("another process")
        fix = t("wait for it, or choose another --out")
        raise RunError.at(str(path), t("is in use by {holder}", holder=holder), fix, code="run-in-use") from None


def sweep_run(path: Path) -> list[str]:
    """Removes temporary files that a killed process left in the run. Returns their names."""
    return [*sweep(path), *sweep(path / "checkpoints")]


def _empty(path: Path, keep: tuple[str, ...] = (LOCK,)) -> None:
    for inner in path.iterdir():
        if inner.name in keep:
            continue
        if inner.is_dir() and not inner.is_symlink():
            shutil.rmtree(inner)
        else:
            inner.unlink()


def identity(path: Path) -> dict[str, Any]:
    """run_id, and started in seconds since 1970; {} for what is no run, or a damaged one."""
    try:
        content = json.loads((path / IDENTITY).read_text(encoding="utf-8"))
        return content if isinstance(content, dict) and "run_id" in content else {}
    except (OSError, ValueError):
        return {}
