"""Lists in cells: as JSON has them, or written into one text."""

from __future__ import annotations

import json
from typing import Any


def as_list(value: Any) -> list[Any] | None:
    """A list, also where a CSV cell holds it as JSON or as Python prints it ("['a', 'b']"); None where it is none."""
    if isinstance(value, list):
        return value
    if isinstance(value, tuple):
        return list(value)
    found = parsed(value) if isinstance(value, str) and value.lstrip()[:1] == "[" else None
    return found if isinstance(found, list) else None


def parsed(text: str) -> Any:
    """What a text says as JSON, or as a Python literal; None where it is neither."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _literal(text)


def _literal(text: str) -> Any:
    import ast

    try:
        return ast.literal_eval(text) if len(text) < 100_000 else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
