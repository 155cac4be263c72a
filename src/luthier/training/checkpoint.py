"""What is on disk while training: JSON and safetensors, whole or absent, never pickled.

Check, write, seal, publish, rotate; and on the way back: the first intact one by descending step.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from luthier.errors import CheckpointError, Place, Problem, StoppedError
from luthier.files import Damaged, disk_trouble, open_sealed, remove_folder, whole_folder
from luthier.language import t
from luthier.types import Step

_NAME = re.compile(r"checkpoint-(\d+)")
_WEIGHTS, _MOMENTS, _STATE = "weights.safetensors", "moments.safetensors", "state.json"
_AVERAGES = "averages.safetensors"


@dataclass(frozen=True)
class Progress:
    """The numbers of a run so far.

    best_step, best_value, best_loss: of the evaluation that the kept model comes from; step 0 before the first.
    stale: evaluations since then. tokens, padded, examples, seconds: of training alone. metrics_bytes: how long
    metrics.jsonl was. loss_scale, good_steps: of fp16.
    """

    step: int = 0
    best_step: int = 0
    best_value: float = 0.0
    best_loss: float = 0.0
    stale: int = 0
    tokens: int = 0
    padded: int = 0
    examples: int = 0
    seconds: float = 0.0
    metrics_bytes: int = 0
    loss_scale: float = 1.0
    good_steps: int = 0

    def after(self, step: Step, seconds: float, loss_scale: float, good_steps: int) -> Progress:
        return replace(
            self, step=step.number, tokens=self.tokens + step.num_tokens, padded=self.padded + step.padded_tokens,
            examples=self.examples + step.num_windows, seconds=self.seconds + seconds, loss_scale=loss_scale,
            good_steps=good_steps,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class TrainState:
    """All that a resume needs. The order of the data, the learning rate and the random numbers are functions of
    (seed, step), so they are not here: what is not stored cannot be stored wrongly.

    weights: the trainable parameters by name. moments: the optimiser's tensors by "<parameter>/<name>". averages: the
    running sums of the weights, where they are averaged.
    """

    progress: Progress
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    moments: Mapping[str, Tensor] = field(default_factory=dict)
    averages: Mapping[str, Tensor] = field(default_factory=dict)


def save_checkpoint(folder: Path, state: TrainState, facts: Mapping[str, Any], keep: int) -> Path:
    """Writes folder/checkpoint-<step>, then removes the oldest until `keep` are left, the best one spared.

    facts: what the checkpoint belongs to (run id, configuration, data); compared when it is opened again.
    Errors: StoppedError where a weight is not finite or the disk does not take it; nothing is removed then.
    """
    step = state.progress.step
    path = folder / f"checkpoint-{step}"
    _check_finite(state)
    if path.exists():
        if _reason(path) is None:  # a resumed run that comes by here again would write the same bytes
            _rotate(folder, {step, state.progress.best_step}, keep)
            return path
        remove_folder(path)
    parts = (state.weights, state.moments, state.averages)
    needed = sum(x.numel() * x.element_size() for part in parts for x in part.values())
    with disk_trouble(folder, needed + 2**20):
        try:
            with whole_folder(path, {**facts, "step": step}) as temporary:
                save_file(dict(state.weights), temporary / _WEIGHTS)
                save_file(dict(state.moments), temporary / _MOMENTS)
                if state.averages:
                    save_file(dict(state.averages), temporary / _AVERAGES)
                text = json.dumps(asdict(state.progress), indent=1)
                (temporary / _STATE).write_text(text, encoding="utf-8")
        except SafetensorError as error:  # how the library reports a write that failed
            raise _as_os_error(error) from error
    _rotate(folder, {step, state.progress.best_step}, keep)
    return path


def _rotate(folder: Path, kept: set[int], keep: int) -> None:
    """Removes the oldest until `keep` are left, `kept` spared."""
    present = checkpoint_steps(folder)
    others = [step for step in present if step not in kept]
    room = max(0, keep - (len(present) - len(others)))
    for step in others[: len(others) - room]:
        remove_folder(folder / f"checkpoint-{step}")


def load_checkpoint(path: Path) -> tuple[TrainState, dict[str, Any]]:
    """The state and the facts it was saved with. Errors: CheckpointError where a byte is not as it was written."""
    try:
        return _open(path)
    except Damaged as error:
        fix = t("remove it; --resume then goes on from the one before")
        raise CheckpointError.at(str(path), str(error), fix, code="damaged-checkpoint") from None


def newest_checkpoint(folder: Path, rejected: list[Problem]) -> tuple[TrainState, dict[str, Any]] | None:
    """The intact checkpoint of the highest step, or None where none was ever published.

    By number, not by file time, which copying changes. rejected: gets each damaged one that was passed over.
    Errors: CheckpointError where all are damaged: a resume never begins from nothing unasked.
    """
    steps = checkpoint_steps(folder)
    for step in reversed(steps):
        path = folder / f"checkpoint-{step}"
        try:
            return _open(path)
        except Damaged as error:
            fix = t("start anew in another folder, or with --overwrite")
            rejected.append(Problem(Place(str(path)), str(error), fix, "damaged-checkpoint"))
    if rejected:
        raise CheckpointError(*rejected)
    return None


def checkpoint_steps(folder: Path) -> list[int]:
    """Steps that have a checkpoint, ascending. Partial folders have other names and are not seen."""
    names = [_NAME.fullmatch(path.name) for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(int(match[1]) for match in names if match)


def _open(path: Path) -> tuple[TrainState, dict[str, Any]]:
    facts = open_sealed(path)
    try:
        progress = Progress(**json.loads((path / _STATE).read_text(encoding="utf-8")))
        averages = load_file(path / _AVERAGES) if (path / _AVERAGES).is_file() else {}
        state = TrainState(progress, load_file(path / _WEIGHTS), load_file(path / _MOMENTS), averages)
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise Damaged(t("cannot be read ({error})", error=error)) from None
    if facts.get("step") != progress.step or path.name != f"checkpoint-{progress.step}":
        raise Damaged(t("is the checkpoint of step {step}", step=progress.step))
    return state, facts


def _reason(path: Path) -> str | None:
    try:
        _open(path)
    except Damaged as error:
        return str(error)
    return None


def _check_finite(state: TrainState) -> None:
    for name, tensor in state.weights.items():
        if not bool(torch.isfinite(tensor).all()):
            what = t("{name} holds numbers that are not finite", name=name)
            fix = t("resume from the last checkpoint with a smaller train.learning_rate")
            raise StoppedError(Problem(Place(f"step {state.progress.step}"), what, fix, "not-finite"))


def _as_os_error(error: SafetensorError) -> OSError:
    match = re.search(r"os error (\d+)", str(error))
    return OSError(int(match[1]) if match else 5, str(error))
