"""General text, read by the model before it is tuned and after."""

from __future__ import annotations

from typing import Any

import numpy as np

from luthier.codec import Codec
from luthier.evaluation.written.forgetting import Likely, likelihood_of
from luthier.inference.predict import predict
from luthier.language import t
from luthier.preparing.general import General
from luthier.progress import Progress
from luthier.runtime import Runtime
from luthier.writer import Writer


def read_general(
    model: Any, codec: Codec, general: General | None, runtime: Runtime, screen: Progress, *, max_tokens: int,
    longest: int,
) -> Likely | None:  # fmt: skip
    """On the first process alone; None where there is nothing to read. longest: tokens that the model takes."""
    if general is None or not runtime.is_first:
        return None
    task = codec.task
    assert isinstance(task, Writer)  # else there is none
    with screen.track(t("reading general text"), len(general.passages)) as tracker:
        asked = [question for text in general.passages if (question := task.plainly_asked(text)) is not None]
        if asked:
            said = predict(model, codec, asked, device=runtime.device, max_tokens=max_tokens, done=tracker.advance)
            return Likely(np.array([one.nll for one in said]), np.array([one.learnt for one in said]))
        return likelihood_of(
            model, codec.text.tokenizer, general.passages, device=runtime.device, max_tokens=max_tokens,
            longest=longest, done=tracker.advance,
        )  # fmt: skip
