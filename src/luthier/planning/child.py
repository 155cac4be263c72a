"""The probe as its parent sees it: started, followed, and not believed to be alive."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from luthier.config.schema import Settings
from luthier.errors import ConfigError, LuthierError, Place, Problem
from luthier.language import t
from luthier.planning.probe import STAGES, Probed
from luthier.planning.steps import Timed
from luthier.progress import Progress

_KILLED = -9


@dataclass(frozen=True)
class Failed:
    """A probe that ran out of memory. stage: what it was doing. sentence: for people."""

    stage: str
    sentence: str


def run_probe(settings: Settings, screen: Progress, *, budget: float) -> Probed | Failed:
    """In a process of its own, so that its peak is its own, and running out of memory ends it alone.

    Errors: LuthierError that a run with these settings would raise; RuntimeError with the end of its traceback where
    it broke in another way.
    """
    asked = json.dumps({"settings": settings.model_dump(mode="json"), "budget": budget})
    with _started() as process, screen.track(t("a few real steps"), len(STAGES)) as tracker:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(asked)
        process.stdin.close()
        stage, found = STAGES[0], dict[str, Any]()
        for line in process.stdout:
            found = json.loads(line)
            if "stage" in found:
                stage = found["stage"]
                tracker.advance(1, _titles()[stage])
        code = process.wait()
    if "probed" in found:
        return _probed(found["probed"])
    if "problems" in found:
        raise _error(found["problems"])
    if "out_of_memory" in found:
        return Failed(
            stage, t("ran out of memory while {stage}: {reason}", stage=_titles()[stage], reason=found["out_of_memory"])
        )
    if code == _KILLED:
        return Failed(stage, t("was killed by the system while {stage}, as one that takes too much memory is",
                               stage=_titles()[stage]))  # fmt: skip
    raise RuntimeError(f"the probe ended with {code} while {stage}")


def _titles() -> dict[str, str]:
    """The stages, for people."""
    return {
        "reading": t("reading the data and the model"),
        "looking": t("looking at the data"),
        "beginning": t("making baselines and the head's beginning"),
        "stepping": t("taking training steps"),
        "evaluating": t("evaluating"),
        "saving": t("saving a checkpoint"),
    }


@contextmanager
def _started() -> Iterator[subprocess.Popen[str]]:
    """What it writes to standard error is seen where this process writes. It does not outlive the block."""
    command = [sys.executable, "-m", "luthier.planning.probe"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _probed(found: dict[str, Any]) -> Probed:
    timed = found.pop("timed")
    return Probed(timed=Timed(timed["first"], tuple(map(tuple, timed["steps"])), timed["once"]), **found)


def _error(problems: list[dict[str, Any]]) -> LuthierError:
    return ConfigError(
        *(Problem(Place(p["file"], p["line"], p["column"]), p["message"], p["fix"], p["code"]) for p in problems)
    )
