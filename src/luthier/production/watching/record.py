"""What is answered, handed to whoever records it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import Request


def record(request: Request, predictor: Any, inputs: Sequence[Any], said: Sequence[Any], sent: Sequence[Any]) -> None:
    """Costs the request next to nothing. sent: the inputs as they stood in it."""
    recorder = request.app.state.recorder
    if recorder is not None:
        recorder.take(request.state.id, predictor, inputs, said, sent)


def when_written(request: Request, predictor: Any, item: int, input: Any, sent: Any) -> Callable[[Any], None]:
    """For an answer that comes later, in another thread. item: which of the request's inputs it is for."""
    recorder, name = request.app.state.recorder, request.state.id

    def heard(written: Any) -> None:
        if recorder is not None:
            recorder.take(name, predictor, [input], [written], [sent], first=item)

    return heard
