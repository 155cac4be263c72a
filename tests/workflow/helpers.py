"""Runs of the command line on tiny models: in this process, which is quick, or in one of its own, as a user has it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

QUICK = [
    "train.epochs=3", "train.batch_size=8", "train.learning_rate=3e-3", "train.precision=fp32", "train.save_every=2",
]  # fmt: skip
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "LUTHIER_LANG": "en"}


@dataclass(frozen=True)
class Done:
    """What a finished command left."""

    returncode: int
    stdout: str
    stderr: str


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "luthier", *map(str, words)]


def process(*words: object, cwd: Path | None = None, stdin: str = "", **environment: str) -> Done:
    """The command in a process of its own."""
    variables = {**os.environ, **ENVIRONMENT, **environment}
    done = subprocess.run(
        command(*words), cwd=cwd, env=variables, capture_output=True, text=True, timeout=120, input=stdin
    )
    return Done(done.returncode, done.stdout, done.stderr)


def luthier(*words: object, cwd: Path | None = None, stdin: str = "", **environment: str) -> Done:
    """The command's own main function, with its words, folder, streams and environment, in this process."""
    from luthier.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.dict(os.environ, {**ENVIRONMENT, **environment}),
        mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "surrogateescape")))),
    ):
        code = main([str(word) for word in words])
    return Done(code, out.getvalue(), err.getvalue())


def digest(run: Path) -> str:
    return hashlib.sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest()


def report(run: Path) -> dict[str, Any]:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


def refused(model: Path, folder: Path, *words: object) -> str:
    """What a training on tickets with these words says, which it refuses before anything is written."""
    from tiny import ticket_rows, write_csv

    write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(30))
    done = luthier("train", "tickets.csv", "--model", model, *words, "--out", "run", cwd=folder)
    assert done.returncode == 2 and not (folder / "run").exists()
    return done.stderr
