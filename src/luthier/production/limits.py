"""What a server takes on before it says no."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """seconds: after which a request is given up. patience: seconds that a new input may have to wait for its turn, as
    far as the turns so far tell; where it would be more, the request is refused at once, so that what was accepted is
    answered in time. waiting: inputs that may wait in all, which bounds the memory. turn: seconds that one turn of the
    model should take while others wait."""

    seconds: float = 30.0
    patience: float = 2.0
    waiting: int = 4096
    turn: float = 0.25
