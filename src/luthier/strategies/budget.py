"""What each strategy may cost: the same number of epochs, or the same time."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from luthier.fit import fit
from luthier.language import t
from luthier.models.find import ModelFolder
from luthier.preparing.prepare import Prepared
from luthier.progress import SILENT, Progress
from luthier.ready import make_ready, tune
from luthier.runtime import Runtime
from luthier.strategies.names import Strategy

_STEPS = 6
"""Of a trial, of each of its epochs."""
_EPOCHS = 3
_MOST_EPOCHS = 100


@dataclass(frozen=True)
class Cost:
    """Seconds: once, before the first epoch, and of each epoch."""

    once: float
    epoch: float

    def epochs(self, seconds: float) -> int:
        """How many fit into the seconds; one at least."""
        return min(_MOST_EPOCHS, max(1, int((seconds - self.once) / max(self.epoch, 1e-9))))


def equal_time(
    strategies: Sequence[Strategy], prepared: Prepared, folder: ModelFolder, minutes: float, runtime: Runtime,
    screen: Progress,
) -> dict[str, int]:  # fmt: skip
    """Of each strategy, by name, how many epochs fit into its share of the minutes; found by a few real steps."""
    share = 60 * minutes / len(strategies)
    found: dict[str, int] = {}
    with screen.track(t("how long does an epoch take?"), len(strategies)) as tracker:
        for strategy in strategies:
            cost = measured_cost(strategy, prepared, folder, runtime)
            found[strategy.name] = cost.epochs(share)
            if cost.once + cost.epoch > share:
                screen.warn(t("{name}: one epoch takes about {seconds:.0f} s, more than its {share:.0f} s; it gets one",
                              name=strategy.name, seconds=cost.once + cost.epoch, share=share))  # fmt: skip
            tracker.advance(1, strategy.name)
    return found


def measured_cost(strategy: Strategy, prepared: Prepared, folder: ModelFolder, runtime: Runtime) -> Cost:
    """A training of few rows in a folder that is thrown away, drawn out to all of them by tokens."""
    ready = make_ready(strategy.settings, prepared, folder, (), runtime)
    windows = ready.codec.encode_labelled(prepared.split.train, groups=ready.sets(prepared.split.train))
    rng = np.random.default_rng(ready.training.seed)
    few = [windows[i] for i in sorted(rng.permutation(len(windows))[: _STEPS * ready.training.batch_size].tolist())]
    how = replace(ready.training, epochs=_EPOCHS, patience=0, save_every=10**9, keep=1)
    with tempfile.TemporaryDirectory() as place:
        done = fit(tune(ready), ready.codec, few, [], how, folder=Path(place), facts={}, runtime=runtime,
                   screen=SILENT)  # fmt: skip
    times = sum(map(len, windows)) / max(1, sum(map(len, few)))
    sampling = ready.sampling(prepared.split.train, windows)
    shown = 1.0 if sampling is None else len(sampling) / len(windows)
    return Cost(done.kept_seconds * times, (done.progress.seconds - done.kept_seconds) / _EPOCHS * times * shown)
