"""Amounts of memory and time as people write them."""

from __future__ import annotations

import re

from luthier.errors import ConfigError, shown
from luthier.language import t

_BYTES = {"": 1, "b": 1, "k": 1024, "kib": 1024, "kb": 1000, "m": 2**20, "mib": 2**20, "mb": 10**6,
          "g": 2**30, "gib": 2**30, "gb": 10**9, "t": 2**40, "tib": 2**40, "tb": 10**12}  # fmt: skip
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_NUMBER = r"(\d+(?:\.\d+)?)"


def read_bytes(text: str) -> float:
    """8GiB, 500 MB, 6g (a single letter is binary). Errors: ConfigError."""
    match = re.fullmatch(rf"\s*{_NUMBER}\s*([a-z]*)\s*", text.lower())
    if match is None or match[2] not in _BYTES or float(match[1]) == 0:
        what, fix = t("{value} is no amount of memory", value=shown(text)), t("write for example --memory 8GiB")
        raise ConfigError.at("--memory", what, fix, code="bad-value")
    return float(match[1]) * _BYTES[match[2]]


def read_seconds(text: str) -> float:
    """1h, 90min, 1h30m, 45s. Errors: ConfigError."""
    parts = re.findall(rf"{_NUMBER}\s*([a-z]+)", text.lower())
    whole = re.fullmatch(rf"\s*(?:{_NUMBER}\s*[a-z]+\s*)+", text.lower())
    seconds = sum(float(number) * _SECONDS.get(unit, 0) for number, unit in parts)
    if whole is None or any(unit not in _SECONDS for _, unit in parts) or seconds == 0:
        what, fix = t("{value} is no time", value=shown(text)), t("write for example --time 1h or --time 30min")
        raise ConfigError.at("--time", what, fix, code="bad-value")
    return seconds


def seconds_text(seconds: float) -> str:
    """45 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return t("{seconds} s", seconds=whole if whole >= 10 else f"{seconds:.1f}")
    if whole < 3600:
        return t("{minutes} min {seconds} s", minutes=whole // 60, seconds=whole % 60)
    return t("{hours} h {minutes} min", hours=whole // 3600, minutes=whole % 3600 // 60)
