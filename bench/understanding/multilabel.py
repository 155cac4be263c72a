"""python -m bench.understanding.multilabel TRAIN TEST [--validation FILE] [--rows N] [key=value …]

Any number of labels a text: Luthier's defaults against the Trainer's, whose example decides at 0.5. With
--also balance=none a run of Luthier that decides there too; TF-IDF and the other baselines have tuned thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.understanding.sequences import compare


def read(task: Any, answers: Sequence[Any]) -> tuple[list[list[float]], Callable[[np.ndarray], list[Any]]]:
    """As run_classification.py: 0 or 1 for each label."""
    targets = [[float(label in answer) for label in task.labels] for answer in answers]
    return targets, lambda logits_NC: list((1 / (1 + np.exp(-logits_NC))).astype(np.float32))


if __name__ == "__main__":
    compare("multilabel", read, __doc__)
