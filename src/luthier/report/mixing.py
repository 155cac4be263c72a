"""How often training shows the rows of each of its sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.preparing.prepare import Prepared
from luthier.types import LabelledWindow

if TYPE_CHECKING:
    from luthier.ready import Ready


def mixture_story(
    ready: Ready, prepared: Prepared, windows: Sequence[LabelledWindow], steps: int
) -> list[dict[str, Any]]:
    """As `Ready.sets_shown`, and how many rows, repeats counted, the steps of the run have shown. A row that is read in
    several windows is shown when all of them are; where texts are joined, what they are joined to is counted."""
    from luthier.training.order import times_shown

    mixture, train = ready.mixture, prepared.split.train
    sampling = ready.sampling(train, windows)
    if mixture is None or sampling is None:
        return []
    how = ready.training
    lengths = [len(window) for window in windows]
    times = times_shown(lengths, batch_size=how.batch_size, seed=how.seed, steps=steps, sampling=sampling)
    owners = np.array([window.example for window in windows])
    windows_of = np.bincount(owners, minlength=len(train))
    if ready.codec.task.joins:
        windows_of = np.ones_like(windows_of)
    shown_N = np.bincount(owners, weights=times, minlength=len(train)) / np.maximum(windows_of, 1)
    shown_S = np.bincount(mixture.sets(train), weights=shown_N, minlength=len(mixture.names))
    return [
        {**row, "shown": round(count)} for row, count in zip(ready.sets_shown(train, windows), shown_S, strict=True)
    ]
