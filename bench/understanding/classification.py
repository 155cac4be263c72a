"""python -m bench.understanding.classification TRAIN TEST [--validation FILE] [--label NAME] [key=value …]

One label a text or pair: Luthier's defaults against the Trainer's. Out of scope: task.reject=oos beside
--also task.reject=none, what plain training makes of the rows that belong to no class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.understanding.sequences import compare


def read(task: Any, answers: Sequence[str]) -> tuple[list[int], Callable[[np.ndarray], list[Any]]]:
    numbers = {label: i for i, label in enumerate(task.labels)}

    def predictions(logits_NC: np.ndarray) -> list[Any]:
        raised_NC = np.exp(logits_NC - logits_NC.max(1, keepdims=True))
        return list((raised_NC / raised_NC.sum(1, keepdims=True)).astype(np.float32))

    return [numbers[answer] for answer in answers], predictions


if __name__ == "__main__":
    compare("classification", read, __doc__)
