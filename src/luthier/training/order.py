"""Which windows form a step: a function of the lengths, the sampling, the seed and the epoch, and of nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from luthier.balancing.sampling import Sampling
from luthier.batching import cut

_POOL_STEPS = 100
"""Windows of like length are looked for among this many steps' worth: most of the padding goes, and every
epoch still mixes differently."""
_LONG_EPOCH = 1000
"""Steps: a longer epoch is evaluated in its middle, too."""


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
) -> Iterator[list[list[int]]]:
    """Every step of the run from number `start` on, as this rank's micro-batches of window numbers; the k-th repeat
    of window i, where the sampling repeats it, is i + k · N.

    Step membership does not depend on rank or world; the ranks only share out each step's windows, in
    turn by length, so that they work equally long.
    """
    per_epoch = steps_per_epoch(len(lengths if sampling is None else sampling), batch_size)
    if sampling is not None:
        lengths = np.tile(np.asarray(lengths), sampling.most_repeats)
    for epoch in range(start // per_epoch, epochs):
        skip = start - epoch * per_epoch if epoch == start // per_epoch else 0
        for step in epoch_steps(lengths, batch_size, seed, epoch, sampling)[skip:]:
            yield cut(step[rank::world], lengths, max_tokens, packed=packed)
