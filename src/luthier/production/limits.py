"""What a server takes on before it says no."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from luthier.errors import ConfigError, did_you_mean, shown
from luthier.language import t


@dataclass(frozen=True)
class Limits:
    """seconds: after which a request is given up. patience: seconds that a new input may have to wait for its turn, as
    far as the turns so far tell; where it would be more, the request is refused at once, so that what was accepted is
    answered in time. waiting: inputs that may wait in all, which bounds the memory. turn: seconds that one turn of the
    model should take while others wait.

    connections: at once. header_bytes: of a request. header_seconds, body_seconds, write_seconds: for the whole of a
    request's headers, of its body, and for the client to take what it was sent. idle_seconds: between a reply and the
    next request. leaving_seconds: that a connection on which nothing is asked stays open when the server ends, so that
    who has just asked hears why not.
    """

    seconds: float = 30.0
    patience: float = 2.0
    waiting: int = 4096
    turn: float = 0.25
    connections: int = 1024
    header_bytes: int = 64 * 1024
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    write_seconds: float = 30.0
    idle_seconds: float = 30.0
    leaving_seconds: float = 0.5


def with_limits(limits: Limits, words: Sequence[str]) -> Limits:
    """words: NAME=VALUE each. Errors: ConfigError for a name that there is not, and for what is no number above 0."""
    usual: dict[str, int | float] = vars(Limits())
    for word in words:
        name, _, value = word.partition("=")
        place = f"--limit {shown(word)}"
        if name not in usual:
            what = t("there is no limit {name}", name=shown(name))
            raise ConfigError.at(place, what, did_you_mean(name, usual), code="unknown-limit")
        whole = isinstance(usual[name], int)
        number: float = math.nan
        with suppress(ValueError):
            number = int(value) if whole else float(value)
        if not 0 < number < math.inf:
            wanted = t("a whole number above 0") if whole else t("a number above 0")
            what = t("is {value}, not {wanted}", value=shown(value), wanted=wanted)
            raise ConfigError.at(place, what, f"--limit {name}={usual[name]}", code="bad-limit")
        limits = replace(limits, **{name: number})
    return limits
