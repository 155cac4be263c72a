"""Training windows that differ a little each time they are seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.augmenting.method import Change
from luthier.codec import Codec
from luthier.types import Example, LabelledWindow

_STREAM = 0xA06
"""Sets these random numbers apart from the others that hang on the same seed."""


@dataclass(frozen=True)
class Augmented:
    """examples: of training, a window each. A changed window is a function of (seed, step, number): not of processes,
    micro-batches or where a resume went on."""

    codec: Codec
    examples: Sequence[Example[Any, Any]]
    change: Change
    seed: int

    def windows(self, step: int, numbers: Sequence[int]) -> list[LabelledWindow]:
        """The windows with these numbers as the step sees them. A number beyond the examples repeats one of them."""
        task, text = self.codec.task, self.codec.text
        chosen = [self.examples[number % len(self.examples)] for number in numbers]
        inputs = [self.changed(example.input, step, n) for example, n in zip(chosen, numbers, strict=True)]
        groups = self.codec.encode(inputs)
        return [task.attach(group[0], e.answer, text) for group, e in zip(groups, chosen, strict=True)]

    def changed(self, input: Any, step: int, number: int) -> Any:
        rng = np.random.default_rng((_STREAM, self.seed, step, number))
        return self.codec.task.format.map_texts(input, lambda words: self.change(words, rng))


def windows_at(
    codec: Codec, windows: Sequence[LabelledWindow], augmented: Augmented | None, seed: int
) -> Callable[[int, Sequence[int]], list[LabelledWindow]]:
    """From a step and the numbers of windows to these as the step sees them: changed, where they are to be, and with
    what the task itself draws anew each time."""

    def shown(step: int, numbers: Sequence[int]) -> list[LabelledWindow]:
        if augmented is not None:
            found = augmented.windows(step, numbers)
        else:
            found = [windows[number % len(windows)] for number in numbers]
        drawn = zip(found, numbers, strict=True)
        return [codec.task.seen_at(window, codec.text, (seed, step, number)) for window, number in drawn]

    return shown
