"""Runs of the real command line on tiny models."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

QUICK = [
    "train.epochs=3",
    "train.batch_size=8",
    "train.learning_rate=3e-3",
    "train.precision=fp32",
    "train.save_every=2",
]


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "luthier", *map(str, words)]


def luthier(
    *words: object, cwd: Path | None = None, timeout: float = 120, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it, on one thread."""
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "LUTHIER_LANG": "en", **environment}
    return subprocess.run(
        command(*words),
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


def digest(run: Path) -> str:
    return hashlib.sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest()


def report(run: Path) -> dict[str, Any]:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))
