"""What a command says on its way: for people, and what of it is a mistake that can be mended."""

from __future__ import annotations

import json
import re
from typing import Any

BEGUN = "$ "
"""Stands before a command in a log to which several spoke, one after the other."""
_OVERWRITTEN = re.compile(r"[^\n]*\r(?!\n)")
"""What a progress bar drew and drew over."""


def told(text: str) -> str:
    """What was said as a terminal would show it, without what is for programs."""
    lines = _OVERWRITTEN.sub("", text).split("\n")
    return "\n".join(line.rstrip() for line in lines if _problem(line) is None)


def problems_in(text: str) -> list[dict[str, Any]]:
    """The mistakes that the last command in a log told of, as `--json` has them."""
    last = text.rpartition(f"\n{BEGUN}")[2]
    return [problem for line in last.splitlines() if (problem := _problem(line)) is not None]


def _problem(line: str) -> dict[str, Any] | None:
    if not line.startswith('{"'):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"code", "message", "fix"} <= set(found) else None
