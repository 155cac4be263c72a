"""What a model said, as a number that can be asked again of an input with something hidden or taken out.

Such a number is read from what the model gives for a batch, whether torch computed it or another runtime; so it has a
gradient where there is torch, and is the same where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.types import Window

if TYPE_CHECKING:
    from luthier.text.tokenizer import TextRule

Outputs = Mapping[str, Any]
"""By name arrays or tensors, [B, …] each."""


@dataclass(frozen=True, eq=False)
class Claim:
    """One thing that was said of an input.

    name: as people read it. windows: of the input; the claim's number is the sum of what `read` makes of each, and
    grows with how much the model holds to it. outputs: from a torch model and tensors to what `read` is given; a graph
    gives it by itself. read: [B] of a batch of windows. unit: what the number counts. again: the windows of the same
    input with words taken out; None where the claim hangs on places in the text, which would move.
    """

    name: str
    windows: Sequence[Window]
    outputs: Callable[[Any, Mapping[str, Any]], Outputs]
    read: Callable[[Outputs], Any]
    unit: str
    again: Callable[[Any], Sequence[Window]] | None = None


class Claiming:
    """What a task tells of its answers. By default nothing that single words could be held responsible for."""

    def claims(self, input: Any, prediction: Any, text: TextRule) -> Sequence[Claim]:
        """What was said of an input, the first thing first; none where the model said nothing, or nothing that can be
        asked again. input, prediction: of the text as it was read, cleaned."""
        return ()

    @classmethod
    def can_claim(cls) -> bool:
        """Whether it ever tells any."""
        return cls.claims is not Claiming.claims


LOG_ODDS, USER_UNITS, LOG_PROBABILITY = "log_odds", "units", "log_probability"
"""What a claim's number counts: natural logarithm of p / (1 - p); the user's own unit; natural logarithm of p."""


def log_odds(logits: Any, numbers: Sequence[int]) -> Any:
    """[...]: ln p / (1 - p) of some of K classes together. logits: [..., K], of either library."""
    own = list(numbers)
    others = [k for k in range(logits.shape[-1]) if k not in own]
    return log_sum_exp(logits[..., own]) - (log_sum_exp(logits[..., others]) if others else 0.0)


def log_sum_exp(values: Any) -> Any:
    """Over the last axis, without overflow."""
    if not isinstance(values, np.ndarray):
        return values.logsumexp(-1)
    top = values.max(-1, keepdims=True)
    return np.log(np.exp(values - top).sum(-1)) + top[..., 0]
