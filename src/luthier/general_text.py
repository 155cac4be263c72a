"""General text, read by the model before it is tuned and after."""

from __future__ import annotations

from typing import Any

from luthier.codec import Codec
from luthier.evaluation.written.forgetting import Likely, likelihood_of
from luthier.language import t
from luthier.preparing.general import General
from luthier.progress import Progress
from luthier.runtime import Runtime


def read_general(
    model: Any, codec: Codec, general: General | None, runtime: Runtime, screen: Progress, *, max_tokens: int,
    longest: int,
) -> Likely | None:  # fmt: skip
    """On the first process alone; None where there is nothing to read. longest: tokens that the model takes."""
    if general is None or not runtime.is_first:
        return None
    with screen.track(t("reading general text"), len(general.passages)) as tracker:
        return likelihood_of(
            model, codec.text.tokenizer, general.passages, device=runtime.device, max_tokens=max_tokens,
            longest=longest, done=tracker.advance,
        )  # fmt: skip
