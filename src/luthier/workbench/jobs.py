"""The commands that the page started: child processes `python -m luthier …`, the same that a terminal would run."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.language import t
from luthier.workbench.logs import problems_in, told

_TAIL = 20_000
"""Bytes of what a command said that are read for the page."""
_PATIENCE = 5.0
"""Seconds that a command may take to end when the page's server does."""


@dataclass
class Job:
    """A command. kind: its name. words: behind it. language: in which it speaks. run: the run that it makes or is
    about. out, log: where its stdout and stderr go. lasting: whether it goes on when this server ends."""

    id: str
    kind: str
    words: tuple[str, ...]
    language: str
    run: str | None
    out: Path
    log: Path
    lasting: bool
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.time)
    stopped: bool = False
    ended: float | None = None

    @property
    def state(self) -> str:
        """running, done, failed or stopped; done is what gave a result, even one that is no good news."""
        code = self.process.poll()
        if code is None:
            return "running"
        self.ended = self.ended or time.time()
        if self.stopped and code != 0:
            return "stopped"
        return "done" if code == 0 or self.result is not None else "failed"

    @property
    def result(self) -> Any:
        """What it printed on stdout, None where that is no JSON."""
        lines = _tail(self.out, None).strip().splitlines() if self.out.is_file() else []
        try:
            return json.loads(lines[-1]) if lines else None
        except ValueError:
            return None

    @property
    def command(self) -> str:
        return command_text(self.kind, self.words)

    def said(self) -> str:
        return _tail(self.log, _TAIL)

    def as_json(self) -> dict[str, Any]:
        state, said = self.state, self.said()
        problems = problems_in(said) if state == "failed" else []
        if state == "failed" and not problems:
            problems = [_broken(self.process.returncode)]
        return {
            "id": self.id,
            "kind": self.kind,
            "state": state,
            "run": self.run,
            "command": self.command,
            "seconds": (self.ended or time.time()) - self.started,
            "said": told(said),
            "result": self.result if state == "done" else None,
            "problems": problems,
        }


class Jobs:
    """All of them, until this server ends: what is to be seen in a second window, and after a reload."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="luthier-ui-")
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def start(
        self, kind: str, words: Sequence[str], language: str, *, run: str | None = None, log: Path | None = None,
        json: bool = True, lasting: bool = False,
    ) -> Job:  # fmt: skip
        """json: whether it is asked for its result as JSON. log: the file to whose end it speaks; one of its own where
        None. lasting: it is not ended with this server, and does not write what it has to say to a pipe or a file of
        ours that would go."""
        id = secrets.token_hex(6)
        folder = Path(self._scratch.name)
        out, err = (Path(os.devnull) if lasting else folder / f"{id}.out"), log or folder / f"{id}.log"
        command = [sys.executable, "-m", "luthier", kind, *words, *(["--json"] if json else [])]
        environment = {**os.environ, "LUTHIER_LANG": language, "PYTHONUNBUFFERED": "1"}
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a", encoding="utf-8") as file:
                file.write(f"$ {command_text(kind, words)}\n")
        with out.open("ab") as stdout, err.open("ab") as stderr:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment,
                start_new_session=True,  # Ctrl-C at the terminal of the page's server is not meant for it
            )  # fmt: skip
        job = Job(id, kind, tuple(words), language, run, out, err, lasting, process)
        with self._lock:
            self._jobs[id] = job
        return job

    def once(
        self, kind: str, words: Sequence[str], language: str, *, run: str | None = None, fresh: bool = False
    ) -> Job:
        """The command as it was already run in this language, or is being run; else it is started. fresh: an earlier
        result is not wanted."""
        same = [job for job in self.of(kind) if job.words == tuple(words) and job.language == language]
        usable = [job for job in same if job.state == "running" or (job.state == "done" and not fresh)]
        return usable[-1] if usable else self.start(kind, words, language, run=run)

    def of(self, kind: str | None = None, run: str | None = None) -> list[Job]:
        """In the order in which they were begun."""
        with self._lock:
            jobs = list(self._jobs.values())
        return [job for job in jobs if kind in (None, job.kind) and run in (None, job.run)]

    def get(self, id: str) -> Job | None:
        return self._jobs.get(id)

    def stop(self, job: Job) -> None:
        """As Ctrl-C does: what can save and leave does so."""
        job.stopped = True
        if job.process.poll() is None:
            job.process.terminate()

    def close(self) -> None:
        """Ends all but those that last."""
        going = [job for job in self.of() if not job.lasting and job.process.poll() is None]
        for job in going:
            job.process.terminate()
        for job in going:
            try:
                job.process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                job.process.kill()
        self._scratch.cleanup()


def command_text(kind: str, words: Sequence[str]) -> str:
    """For people, to be pasted into a terminal."""
    return shlex.join(["luthier", kind, *words])


def _tail(path: Path, most: int | None) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - most) if most is not None else 0)
        return file.read().decode("utf-8", "replace")


def _broken(code: int) -> dict[str, Any]:
    if code < 0:
        what = t("was ended by the system ({signal})", signal=signal.Signals(-code).name)
        fix = t("was there enough memory? The plan says what it takes")
    else:
        what, fix = t("ended with the code {code}", code=code), t("what it said last is below")
    return {"file": "luthier", "line": None, "column": None, "code": "ended", "message": what, "fix": fix}
