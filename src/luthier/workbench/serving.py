"""Servers that the page started: where they answer, and whether they do already."""

from __future__ import annotations

import re
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from luthier.workbench.jobs import Job

_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_PATIENCE = 0.5


def served(job: Job) -> dict[str, Any]:
    """address: None until it listens. ready: whether its model is loaded."""
    said = job.out.read_text(encoding="utf-8", errors="replace")
    found = _ADDRESS.search(said)
    address = found[0] if found else None
    alive = job.state == "running"
    return {**job.as_json(), "address": address, "ready": bool(alive and address and _answers(address))}


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/health/ready", timeout=_PATIENCE) as reply:
            return reply.status == 200
    except (URLError, OSError):
        return False
