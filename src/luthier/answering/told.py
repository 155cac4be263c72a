"""An answer that was found in a context, or that there is none, as a claim: it starts here and ends there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from luthier.answering.locate import places
from luthier.answering.reading import Part, Reading
from luthier.claims import LOG_PROBABILITY, Claim, Outputs, log_sum_exp
from luthier.types import Window


def answer_claims(
    prediction: Reading, windows: Sequence[Window], nothing: str,
    outputs: Callable[[Any, Mapping[str, Any]], Outputs],
) -> list[Claim]:  # fmt: skip
    """The number is ln p of its first token plus ln p of its last one, among the tokens of the context and the one that
    stands for no answer, in the window in which the answer is likeliest. nothing: how no answer is called. None where
    the model was not asked."""
    held = [(window, part) for window, part in zip(_with_text(windows), prediction.parts, strict=True)]
    if prediction.found is None or not held:
        return []
    said = prediction.said
    found = [(odds, window, ends) for window, part in held if (placed := _ends(window, part, prediction)) is not None
             for odds, ends in [placed]]  # fmt: skip
    if not found:
        return []
    _, window, (first, last) = max(found, key=lambda one: one[0])
    if not said:
        first = last = 0
    allowed = [0, *places(window).tolist()]

    def read(said: Outputs) -> Any:
        logits = said["logits"]
        starts, ends = logits[..., 0], logits[..., 1]
        among = log_sum_exp(starts[:, allowed]) + log_sum_exp(ends[:, allowed])
        return starts[:, first] + ends[:, last] - among

    return [Claim(said or nothing, [window], outputs, read, LOG_PROBABILITY)]


def _with_text(windows: Sequence[Window]) -> list[Window]:
    return [window for window in windows if len(places(window))]


def _ends(window: Window, part: Part, prediction: Reading) -> tuple[float, tuple[int, int]] | None:
    """Of the best answer in this window its log odds and the positions of its first and last token; None where it does
    not stand there."""
    found = prediction.found
    assert found is not None
    starts = np.flatnonzero(part.spans_P2[:, 0] == found.start)
    ends = np.flatnonzero(part.spans_P2[:, 1] == found.end)
    pairs = [(s, e) for s in starts for e in ends if s <= e]
    if not pairs:
        return None
    first, last = pairs[0]
    above_P2 = part.logits[1:] - part.logits[0]
    at = places(window)
    return float(above_P2[first, 0] + above_P2[last, 1]), (int(at[first]), int(at[last]))
