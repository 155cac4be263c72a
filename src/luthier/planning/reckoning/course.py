"""The way that a training goes: its steps with their micro-batches, as training/order.py makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.balancing.sampling import Sampling
from luthier.codec import Codec
from luthier.training.how import Training
from luthier.training.order import alike_targets, evaluation_steps, plan_steps, steps_per_epoch
from luthier.types import LabelledBatch, LabelledWindow


@dataclass(frozen=True, eq=False)
class Course:
    """Of the first epoch, which the others are like: steps holds the window numbers of each step's micro-batches.

    tokens, pairs: of each micro-batch, float64 [M]: tokens with padding, and the squares of the lengths that attention
    sees, added up. step: of each micro-batch the number of its step, [M]. real: tokens without padding, in all.
    evaluations: how often the validation data are looked at, in all epochs.
    """

    steps: Sequence[Sequence[Sequence[int]]]
    epochs: int
    evaluations: int
    saves: int
    tokens: np.ndarray
    pairs: np.ndarray
    step: np.ndarray
    real: int

    @property
    def per_epoch(self) -> int:
        return len(self.steps)

    @property
    def total(self) -> int:
        return self.per_epoch * self.epochs

    def added(self, values_M: np.ndarray) -> np.ndarray:
        """[S], of each step the sum over its micro-batches."""
        return np.bincount(self.step, weights=values_M, minlength=self.per_epoch)

    def most(self, values_M: np.ndarray) -> np.ndarray:
        """[S], of each step the largest over its micro-batches."""
        most_S = np.zeros(self.per_epoch)
        np.maximum.at(most_S, self.step, values_M)
        return most_S

    @property
    def micro_batches(self) -> np.ndarray:
        """[S], how many each step has."""
        return np.bincount(self.step, minlength=self.per_epoch)


def course_of(windows: Sequence[LabelledWindow], how: Training, sampling: Sampling | None, paired: int = 0) -> Course:
    """paired: steps of an epoch where the tuning method says how many, as `Tuned` has it."""
    lengths = np.array([len(window) for window in windows])
    planned = plan_steps(
        lengths, batch_size=how.batch_size, max_tokens=how.max_tokens, epochs=1, seed=how.seed, sampling=sampling,
        packed=how.packing, alike=alike_targets(windows) if paired else (), paired=paired,
    )  # fmt: skip
    steps = list(planned)
    parts = [lengths[np.array(micro) % len(lengths)] for step in steps for micro in step]
    if how.packing:
        tokens, pairs = [part.sum() for part in parts], [(part**2).sum() for part in parts]
    else:
        tokens, pairs = [len(part) * part.max() for part in parts], [len(part) * part.max() ** 2 for part in parts]
    per_epoch = paired or steps_per_epoch(len(windows if sampling is None else sampling), how.batch_size)
    evaluations = evaluation_steps(per_epoch, how.epochs)
    between = set(range(how.save_every, per_epoch * how.epochs + 1, how.save_every))
    return Course(
        steps, how.epochs, len(evaluations), len(evaluations | between), np.array(tokens, float),
        np.array(pairs, float), np.repeat(np.arange(len(steps)), [len(step) for step in steps]),
        int(sum(part.sum() for part in parts)),
    )  # fmt: skip


def batches_of(
    codec: Codec, windows: Sequence[LabelledWindow], micro_batches: Sequence[Sequence[int]], how: Training,
    shown: Any = None, number: int = 0,
) -> list[LabelledBatch]:  # fmt: skip
    """A step's micro-batches as training has them. shown: as `windows_at` makes it; without it the windows stand for
    themselves. number: of the step."""
    collate = codec.collate_row if how.packing else codec.collate_labelled
    if shown is None:
        return [collate([windows[i % len(windows)] for i in micro], micro) for micro in micro_batches]
    return [collate(shown(number, micro), micro) for micro in micro_batches]
