"""Which windows form a step: a function of the lengths, the sampling, the seed and the epoch, and of nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from luthier.balancing.sampling import Sampling
from luthier.batching import cut
from luthier.types import LabelledWindow

_POOL_STEPS = 100
"""Windows of like length are looked for among this many steps' worth: most of the padding goes, and every
epoch still mixes differently."""
_LONG_EPOCH = 1000
"""Steps: a longer epoch is evaluated in its middle, too."""
_LONG, _UNLIKE = 0.95, 1.25
"""A window is unlike the others from this quantile of the lengths on, where that is so many times the median."""


def unlike(lengths: Sequence[int]) -> float:
    """The length of windows before whose step freed memory is given back on a CPU: it costs such a step about a tenth
    of its time and keeps the peak near what the longest batch needs."""
    return max(float(np.quantile(lengths, _LONG)), _UNLIKE * float(np.median(lengths)))


def holds_unlike(step: Sequence[Sequence[int]], lengths: Sequence[int], long: float) -> bool:
    """Whether one of a step's windows is so long. A number beyond the windows repeats one of them."""
    return any(lengths[i % len(lengths)] >= long for micro in step for i in micro)


def steps_per_epoch(num_windows: int, batch_size: int) -> int:
    return -(-num_windows // batch_size)


def evaluation_steps(per_epoch: int, epochs: int) -> set[int]:
    """After which steps the validation data are looked at: every epoch, and within long ones."""
    parts = max(1, math.ceil(per_epoch / _LONG_EPOCH))
    within = [round(per_epoch * part / parts) for part in range(1, parts + 1)]
    return {epoch * per_epoch + step for epoch in range(epochs) for step in within}


def epoch_steps(
    lengths: Sequence[int] | np.ndarray, batch_size: int, seed: int, epoch: int, sampling: Sampling | None = None
) -> list[np.ndarray]:
    """The windows of each step: every window once, or as the sampling says. A function of the arguments alone.

    With a sampling the k-th repeat of window i is i + k · N, and `lengths` goes on for the repeats.
    """
    rng = np.random.default_rng((seed, epoch))
    lengths_N = np.asarray(lengths)
    shuffled = rng.permutation(len(lengths_N) if sampling is None else sampling.epoch(seed, epoch))
    pool = batch_size * _POOL_STEPS
    steps: list[np.ndarray] = []
    for start in range(0, len(shuffled), pool):
        part = shuffled[start : start + pool]
        by_length = part[np.argsort(lengths_N[part], kind="stable")]
        steps += [by_length[k : k + batch_size] for k in range(0, len(by_length), batch_size)]
    return [steps[i] for i in rng.permutation(len(steps))]


def alike_targets(windows: Sequence[LabelledWindow]) -> np.ndarray:
    """int [N]: of each window a number, the same for those with the same targets."""
    _, alike_N = np.unique(np.stack([window.targets for window in windows]), axis=0, return_inverse=True)
    return alike_N.reshape(-1)


def paired_steps(
    alike_N: Sequence[int] | np.ndarray, batch_size: int, steps: int, seed: int, epoch: int
) -> list[np.ndarray]:
    """The windows of each step of an epoch of so many steps, where windows are held against each other: twos that want
    the same stay together (threes where one would be left alone), and a pass over all windows is dealt out evenly. So
    no step holds a window twice, and all classes meet. alike: the same number for windows that want the same. A
    function of the arguments alone.
    """
    rng = np.random.default_rng((seed, epoch))
    alike_N = np.asarray(alike_N)
    members = [np.flatnonzero(alike_N == number) for number in np.unique(alike_N)]
    made: list[np.ndarray] = []
    while len(made) < steps:
        groups = [part for own in members for part in np.array_split(rng.permutation(own), max(1, len(own) // 2))]
        dealt = np.array_split(rng.permutation(len(groups)), steps_per_epoch(len(alike_N), batch_size))
        made += [np.concatenate([groups[i] for i in chosen]) for chosen in dealt if len(chosen)]
    return made[:steps]


def times_shown(
    lengths: Sequence[int] | np.ndarray, *, batch_size: int, seed: int, steps: int, sampling: Sampling
) -> np.ndarray:
    """[N], how often the first `steps` steps of a run show each window."""
    shown_N = np.zeros(len(lengths), np.int64)
    per_epoch = steps_per_epoch(len(sampling), batch_size)
    repeated = np.tile(np.asarray(lengths), sampling.most_repeats)
    for epoch in range(-(-steps // per_epoch)):
        begun = epoch_steps(repeated, batch_size, seed, epoch, sampling)[: steps - epoch * per_epoch]
        numbers, counts = np.unique(np.concatenate(begun) % len(lengths), return_counts=True)
        shown_N[numbers] += counts
    return shown_N


def plan_steps(
    lengths: Sequence[int] | np.ndarray,
    *,
    batch_size: int,
    max_tokens: int,
    epochs: int,
    seed: int,
    start: int = 0,
    rank: int = 0,
    world: int = 1,
    sampling: Sampling | None = None,
    packed: bool = False,
    alike: Sequence[int] | np.ndarray = (),
    paired: int = 0,
) -> Iterator[list[list[int]]]:
    """Every step of the run from number `start` on, as this rank's micro-batches of window numbers; the k-th repeat
    of window i, where the sampling repeats it, is i + k · N.

    Step membership does not depend on rank or world; the ranks only share out each step's windows, in
    turn by length, so that they work equally long. paired: steps of an epoch in which windows that are alike meet; 0
    for epochs that show each once, or as the sampling says.
    """
    per_epoch = paired or steps_per_epoch(len(lengths if sampling is None else sampling), batch_size)
    if sampling is not None:
        lengths = np.tile(np.asarray(lengths), sampling.most_repeats)
    for epoch in range(start // per_epoch, epochs):
        skip = start - epoch * per_epoch if epoch == start // per_epoch else 0
        steps = (
            paired_steps(alike, batch_size, paired, seed, epoch)
            if paired
            else epoch_steps(lengths, batch_size, seed, epoch, sampling)
        )
        for step in steps[skip:]:
            yield cut(step[rank::world], lengths, max_tokens, packed=packed)
