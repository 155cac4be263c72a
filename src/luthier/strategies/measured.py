"""What is measured of a finished strategy, and how strategies compare."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.evaluation.evaluate import report_of, resampled
from luthier.evaluation.intervals import Difference, Evaluated, paired_difference
from luthier.exporting.measure import weight_bytes
from luthier.inference.artifact import Predictor, load_artifact
from luthier.task import AnyTask
from luthier.types import Example, Report

_ASKED, _MOST_SECONDS = 40, 4.0
"""Single inputs whose answers are timed, and for how long at most."""
_WARM = 3


@dataclass(frozen=True, eq=False)
class Said:
    """What a system says to the judged rows and to those by which is chosen; checked is None where there are none."""

    judged: Evaluated
    report: Report
    checked: Evaluated | None = None


@dataclass(frozen=True, eq=False)
class Measured:
    """A finished strategy. epochs: that it was given. report: its run's own. latency: seconds of one answer.
    saved_bytes: of the adapter where there is one, else of the model's weights."""

    name: str
    folder: str
    epochs: int
    report: Mapping[str, Any]
    said: Said
    latency: float
    saved_bytes: int

    @property
    def seconds(self) -> float:
        """Of training."""
        return float(self.report["train_seconds"])


def measure(
    name: str, folder: Path, report: Mapping[str, Any], epochs: int, judged: Sequence[Example[Any, Any]],
    checked: Sequence[Example[Any, Any]], seed: int, device: str,
) -> Measured:  # fmt: skip
    """Asks the saved model. That is worked out again from it on a resume, which so needs nothing else."""
    predictor = load_artifact(folder / "model", device)
    task = predictor.codec.task
    said = say(task, predictor.answers(judged), judged, seed)
    if checked:
        said = Said(said.judged, said.report, say(task, predictor.answers(checked), checked, seed).judged)
    return Measured(
        name, folder.name, epochs, report, said, _latency(predictor, task.questions(judged)), saved_bytes(folder)
    )


def say(task: AnyTask, predictions: Sequence[Any], examples: Sequence[Example[Any, Any]], seed: int) -> Said:
    found = resampled(task, predictions, [example.answer for example in examples], seed=seed)
    return Said(found, report_of(found, predictions))


def saved_bytes(folder: Path) -> int:
    """Of what has to be kept of a run beside the pretrained model: its adapter, or a model of its own."""
    for part in (folder / "adapter", folder / "model" / "adapter", folder / "model"):
        if part.is_dir():
            return weight_bytes(part)
    return 0


def _latency(predictor: Predictor, inputs: Sequence[Any]) -> float:
    """The median seconds of one answer to one input, the model being warm."""
    for value in inputs[:_WARM]:
        predictor.raw([value])
    times: list[float] = []
    for value in inputs[:_ASKED]:
        began = time.perf_counter()
        predictor.raw([value])
        times.append(time.perf_counter() - began)
        if sum(times) > _MOST_SECONDS:
            break
    return statistics.median(times) if times else float("nan")


def against(one: Evaluated, best: Evaluated, metric: str, *, higher_is_better: bool) -> Difference | None:
    """None where one of them has no such score."""
    if metric not in one.resampled or metric not in best.resampled:
        return None
    return paired_difference(one, best, metric, higher_is_better=higher_is_better)
