"""A table in Markdown, whatever stands in its cells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(headers)} |", f"|{' --- |' * len(headers)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def plain(text: str) -> str:
    """A sentence of the program as text: what Markdown or HTML would take for its own is escaped."""
    return re.sub(r"([\\`*_\[\]])", r"\\\1", " ".join(text.split())).replace("<", "&lt;")


def value(default: object) -> str:
    """A default as YAML has it; nothing where there is none."""
    if default is None or default in ("", [], {}):
        return ""
    return code(default if isinstance(default, str) else json.dumps(default, ensure_ascii=False))
