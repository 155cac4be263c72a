"""A run followed from outside its folder, in TensorBoard, MLflow and others, through accelerate's trackers.

They hear what the journal (metrics.jsonl) is told, from the first process alone. They are guests: one that fails is
warned of once and heard no more, and telling them takes a twentieth of the time at most. Nothing is sent anywhere by a
run that names none; where one sends it is its own affair (MLFLOW_TRACKING_URI, WANDB_MODE …).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from luthier.config.schema import Settings
from luthier.config.settings import flat
from luthier.config.write import public
from luthier.errors import ConfigError
from luthier.extras import has, require
from luthier.files import write_text
from luthier.language import t
from luthier.runfolder import IDENTITY
from luthier.types import Report

PROJECT = "luthier"
"""Under which runs stand where a tracker wants a project or an experiment."""
_KEPT = "tracking.json"
"""Of each tracker that this run began in, the name by which it goes on there."""
_OF_EXTRA = ("tensorboard", "mlflow")
_PATIENCE, _LONGEST = 20, 10.0
"""A step is told when the tracker was left alone so many times as long as the last one took, but so many seconds at
most: accelerate's MLflow takes 35 ms to write one to SQLite, TensorBoard 0.3 ms."""
_PROCESSES = ("RANK", "WORLD_SIZE", "LOCAL_RANK")


def check_trackers(names: Sequence[str]) -> None:
    """Refuses before anything runs a tracker that is not installed. Errors: LuthierError with the line for pip."""
    for name in names:
        if name in _OF_EXTRA:
            require(name)
        elif not has(name):
            what = t("{module} is not installed", module=name)
            raise ConfigError.at("track", what, f"pip install {name}", code="missing-extra")


@dataclass
class _Guest:
    """A tracker that was started. free_at: when it may be told of a further step, by the monotonic clock."""

    name: str
    tracker: Any
    free_at: float = 0.0


@dataclass
class Tracking:
    """The trackers of a run that still listen. step: the last that was told of."""

    guests: list[_Guest]
    warn: Callable[[str], None]
    step: int = 0

    def tell(self, entry: Mapping[str, Any]) -> None:
        """An entry of the journal. Of steps a slow tracker hears only some; of evaluations it hears each."""
        self.step = int(entry["step"])
        is_step = "validation" not in entry
        self._log(_named(entry), self.step, is_step)

    def result(self, test: Report) -> None:
        """The scores of the saved model, at the end."""
        self._log({_safe(f"test/{score.name}"): score.value for score in test.scores}, self.step, False)

    def close(self) -> None:
        for guest in list(self.guests):
            self._call(guest, guest.tracker.finish)

    def _log(self, values: Mapping[str, float], step: int, is_step: bool) -> None:
        for guest in list(self.guests):
            before = time.monotonic()
            if not is_step or before >= guest.free_at:
                self._call(guest, partial(guest.tracker.log, dict(values), step=step))
                now = time.monotonic()
                guest.free_at = now + min(_LONGEST, _PATIENCE * (now - before))

    def _call(self, guest: _Guest, action: Callable[[], Any]) -> None:
        try:
            action()
        except Exception as error:
            self.guests.remove(guest)
            self.warn(_failed(guest.name, error))


@contextmanager
def open_tracking(
    settings: Settings, folder: Path, run_id: str, step: int, warn: Callable[[str], None], *, first: bool
) -> Iterator[Tracking]:
    """The run's trackers, until the block ends. On a resume each goes on where it was, if it can.

    folder: of the run. step: the last that is not done again. first: whether this is the process that tells.
    """
    if not first or not settings.track:
        yield Tracking([], warn)
        return
    with _accelerate_alone():
        guests = _start(settings, folder, run_id, step, warn)
        tracking = Tracking(guests, warn, step)
        try:
            yield tracking
        finally:
            tracking.close()


def _start(settings: Settings, folder: Path, run_id: str, step: int, warn: Callable[[str], None]) -> list[_Guest]:
    known = _known(folder)
    guests: list[_Guest] = []
    for name in dict.fromkeys(settings.track):
        try:
            tracker = _MAKERS[name](folder, run_id, known.get(name), step)
            tracker.start()
            if name not in known:
                tracker.store_init_configuration(_config(settings))
            known[name] = _id_of(tracker, run_id)
            guests.append(_Guest(name, tracker))
        except Exception as error:  # whatever a tracker raises, such as for a server that does not answer
            warn(_failed(name, error))
    write_text(folder / _KEPT, json.dumps(known))
    return guests


def _tensorboard(folder: Path, run_id: str, known: str | None, step: int) -> Any:
    """Into the run's own folder; of an earlier process what was told after the checkpoint is purged."""
    from accelerate.tracking import TensorBoardTracker

    return TensorBoardTracker("tensorboard", folder, purge_step=None if known is None else step + 1)


def _mlflow(folder: Path, run_id: str, known: str | None, step: int) -> Any:
    from accelerate.tracking import MLflowTracker

    return MLflowTracker(experiment_name=PROJECT, run_name=run_name(folder), run_id=known)


def _wandb(folder: Path, run_id: str, known: str | None, step: int) -> Any:
    from accelerate.tracking import WandBTracker

    return WandBTracker(PROJECT, name=run_name(folder), id=run_id, resume="allow", dir=str(folder))


def _trackio(folder: Path, run_id: str, known: str | None, step: int) -> Any:
    """It knows a run by its name, which is therefore made unmistakable."""
    from accelerate.tracking import TrackioTracker

    return TrackioTracker(PROJECT, name=f"{run_name(folder)}-{run_id[:6]}", resume="allow")


def _swanlab(folder: Path, run_id: str, known: str | None, step: int) -> Any:
    """It wants a name of 21 small letters and digits."""
    from accelerate.tracking import SwanLabTracker

    name = f"{run_id}{PROJECT}"[:21]
    return SwanLabTracker(PROJECT, experiment_name=run_name(folder), id=name, resume="allow",
                          logdir=str(folder / "swanlab"))  # fmt: skip


_MAKERS: Mapping[str, Callable[[Path, str, str | None, int], Any]] = {
    "tensorboard": _tensorboard,
    "mlflow": _mlflow,
    "wandb": _wandb,
    "trackio": _trackio,
    "swanlab": _swanlab,
}
"""By name: of the run's folder, its run_id, the id from before a resume and the last step an accelerate tracker."""


def run_name(folder: Path) -> str:
    """The folder's name; of a run within a run that one's before it: tickets-1-seed-43."""
    folder = folder.absolute()
    for above in (folder.parent, folder.parent.parent):
        if (above / IDENTITY).is_file():
            return f"{above.name}-{folder.name}"
    return folder.name


def _id_of(tracker: Any, run_id: str) -> str:
    """MLflow gives names of its own; the others were given ours."""
    info = getattr(tracker.tracker, "info", None)
    return str(getattr(info, "run_id", run_id))


def _known(folder: Path) -> dict[str, str]:
    try:
        return dict(json.loads((folder / _KEPT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _named(entry: Mapping[str, Any]) -> dict[str, float]:
    """An entry's numbers under the names by which they stand in a tracker: train/loss, validation/accuracy …"""
    part = entry.get("validation")
    if part is not None:
        return {**{_safe(f"validation/{name}"): value for name, value in part.items()}, "epoch": entry["epoch"]}
    return {f"train/{name}": value for name, value in entry.items() if name != "step"}


def _safe(name: str) -> str:
    """MLflow and SwanLab refuse an @: recall@5 stands as recall_at_5."""
    return name.replace("@", "_at_")


def _config(settings: Settings) -> dict[str, Any]:
    """Dotted keys; logins in addresses are left out."""
    values = {key: public(value) for key, value in flat(settings.model_dump(exclude={"out", "track"})).items()}
    plain = {key: value if isinstance(value, (bool, int, float, str)) else str(value) for key, value in values.items()}
    return {key: plain[key] for key, value in values.items() if value not in (None, [], {})}


def _failed(name: str, error: Exception) -> str:
    words = " ".join(str(error).split())[:200]
    return t("{tracker} cannot be told of this run ({error}); training goes on without it", tracker=name,
             error=public(f"{type(error).__name__}: {words}"))  # fmt: skip


@contextmanager
def _accelerate_alone() -> Iterator[None]:
    """accelerate's trackers ask its idea of the processes before they speak. It is told that there is one, for the
    others never come here, and it forgets that afterwards: whoever uses accelerate in this program begins afresh."""
    from accelerate.state import PartialState

    begun = bool(PartialState._shared_state)
    if not begun:
        hidden = {key: os.environ.pop(key) for key in _PROCESSES if key in os.environ}
        try:
            PartialState(cpu=True)
        finally:
            os.environ.update(hidden)
    try:
        yield
    finally:
        if not begun:
            PartialState._reset_state()
