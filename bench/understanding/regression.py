"""python -m bench.understanding.regression TRAIN TEST [--validation FILE] [key=value …]

Numbers from texts or pairs (columns text, text_pair, score): Luthier's defaults against the Trainer's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.understanding.sequences import compare


def read(task: Any, answers: Sequence[float]) -> tuple[list[float], Callable[[np.ndarray], list[Any]]]:
    """As run_glue.py: the numbers as they are."""
    return list(answers), lambda logits_NC: logits_NC[:, 0].tolist()


if __name__ == "__main__":
    compare("regression", read, __doc__)
