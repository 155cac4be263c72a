"""Frozen layers in a probe: as in a run they go once over what its steps show, and are read from then on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from luthier.caching import Cache, open_cache
from luthier.progress import SILENT
from luthier.ready import Ready
from luthier.runtime import Runtime
from luthier.training.augmented import Augmented
from luthier.training.frozen.once import Once, frozen_once, plan_of
from luthier.tuning.parts import Tuned
from luthier.types import LabelledWindow

MicroBatches = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Shown:
    """windows: in which the micro-batches of the steps name some. seconds: that the frozen layers will take for all
    windows of the run; 0 where they run at every step."""

    windows: Sequence[LabelledWindow]
    steps: Sequence[MicroBatches]
    once: Once
    seconds: float = 0.0


@contextmanager
def shown_once(
    ready: Ready, tuned: Tuned, windows: Sequence[LabelledWindow], steps: Sequence[MicroBatches],
    augmented: Augmented | None, runtime: Runtime,
) -> Iterator[Shown]:  # fmt: skip
    """Inside the block the frozen layers are read, where a run with these settings would read them. steps: those that
    are tried. Nothing of it stays on disk."""
    how = ready.training
    numbers = sorted({i % len(windows) for step in steps for micro in step for i in micro})
    few, place = [windows[i] for i in numbers], {number: at for at, number in enumerate(numbers)}
    plan, real = plan_of(tuned, few, tuple, how, how.epochs, augmented), open_cache(how.cache_bytes)
    with TemporaryDirectory(dir=real and real.folder, prefix=".tmp-") as folder:
        cache = Cache(Path(folder), how.cache_bytes) if real else None
        with frozen_once(tuned.model, ready.codec, plan, cache, runtime, SILENT, lambda: False) as once:
            times = sum(map(len, windows)) / max(1, sum(map(len, few)))
            if real is None or once.training is None or not real.could_hold(round(once.training.bytes * times)):
                yield Shown(windows, steps, Once(once.boundary))
                return
            named = [[[place[i % len(windows)] for i in micro] for micro in step] for step in steps]
            yield Shown(few, named, once, once.seconds * times)
