"""A time as people write it: 7d, 12h, 2026-11-20."""

from __future__ import annotations

import datetime
import re

from luthier.errors import ConfigError
from luthier.language import t

_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(\d{1,6})([mhdw])")


def since_when(written: str, now: float) -> float:
    """Seconds since 1970. now: the same of this moment. Errors: ConfigError."""
    match = _AGO.fullmatch(written.strip())
    if match:
        return now - int(match[1]) * _SECONDS[match[2]]
    try:
        when = datetime.datetime.fromisoformat(written.strip())
    except ValueError:
        fix = t("use 30m, 12h, 7d, 2w, or a date such as 2026-11-20")
        raise ConfigError.at("--since", t("is {value}", value=written), fix, code="bad-value") from None
    return when.astimezone().timestamp()
