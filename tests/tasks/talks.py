"""Small talks that a tiny causal model can learn."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

WHERE = {"parcel": "at the depot", "invoice": "on the card", "refund": "with the courier", "voucher": "in cash"}


def talk(*said: str, system: str = "") -> dict[str, Any]:
    """User and assistant by turns, the user first."""
    turns: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    roles: Sequence[str] = ("user", "assistant")
    return {"messages": turns + [{"role": roles[k % 2], "content": text} for k, text in enumerate(said)]}


def talks(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """No two alike."""
    draw = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        thing = draw.choice(list(WHERE))
        rows.append(talk(f"where is my {thing} {number}", f"the {thing} is {WHERE[thing]}"))
    return rows
