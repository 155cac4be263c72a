"""What the routes share: where the runs lie, the commands that were started, the model that is being tried."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.errors import RunError
from luthier.language import language, t
from luthier.registry import Entry, find_runs, read_entry
from luthier.runfolder import IDENTITY, new_run_path
from luthier.workbench.jobs import Job, Jobs
from luthier.workbench.live import holder_pid
from luthier.workbench.trying import Models

TRAIN, SERVE = "train", "serve"
_LOGS = ".ui"


@dataclass(frozen=True)
class Bench:
    """runs: the folder in which they lie. Runs are named by their path below it."""

    runs: Path
    jobs: Jobs = field(default_factory=Jobs)
    models: Models = field(default_factory=Models)

    def path(self, name: str) -> Path:
        """Of a run, or of one that was just asked for. Errors: RunError for a name that leads elsewhere, or nowhere."""
        path = self.runs / name
        inside = path.resolve().is_relative_to(self.runs.resolve()) and path.resolve() != self.runs.resolve()
        if not name or not inside or not ((path / IDENTITY).is_file() or self.jobs.of(TRAIN, run=name)):
            raise RunError.at(name[:200], t("no such run"), t("see what is there: luthier runs"), code="no-such-run")
        return path

    def name(self, path: Path) -> str:
        return path.relative_to(self.runs).as_posix()

    def log(self, name: str) -> Path:
        """To which a run's commands speak. It is kept: a run is found again by a later server."""
        return self.runs / _LOGS / f"{name.replace('/', '--')}.log"

    def entries(self) -> list[dict[str, Any]]:
        """All runs, the newest first; those that have no folder of their own yet before them."""
        found = [self.entry(entry) for entry in find_runs([self.runs])]
        known = {entry["name"] for entry in found}
        begun = [job.run for job in self.jobs.of(TRAIN) if job.run and job.run not in known and job.state == "running"]
        return [{"name": name, "state": "starting"} for name in reversed(begun)] + found

    def entry(self, entry: Entry) -> dict[str, Any]:
        name = self.name(entry.path)
        going = entry.state == "running" or self.working(name) is not None
        return {**entry.as_json(), "name": name, "state": "running" if going else entry.state}

    def read(self, path: Path) -> Entry:
        return read_entry(path)

    def working(self, name: str) -> Job | None:
        """The training of ours that works for a run."""
        return next((job for job in reversed(self.jobs.of(TRAIN, run=name)) if job.state == "running"), None)

    def free_path(self, data: str) -> Path:
        """A new run's folder, made, so that a second window does not get the same."""
        while True:
            path = new_run_path(Path(data.partition("?")[0].replace("*", "").rstrip("/")), self.runs)
            try:
                path.mkdir(parents=True)
                return path
            except FileExistsError:
                continue

    def train(self, name: str, words: list[str]) -> Job:
        """A training that lasts, whether or not this server does."""
        job = self.jobs.start(TRAIN, words, language(), run=name, log=self.log(name), lasting=True)
        threading.Thread(target=_awaited, args=(job, self.runs / name), daemon=True).start()
        return job

    def stop(self, name: str) -> bool:
        """As Ctrl-C does: the step in hand ends, and the run saves. Also one that an earlier server started. Whether
        there was one to be stopped."""
        job, pid = self.working(name), holder_pid(self.path(name))
        if job is not None:
            self.jobs.stop(job)
        elif pid is not None:
            os.kill(pid, signal.SIGTERM)
        return job is not None or pid is not None


def _awaited(job: Job, path: Path) -> None:
    """A training that never came to be a run leaves no empty folder."""
    job.process.wait()
    with suppress(OSError):
        path.rmdir()
