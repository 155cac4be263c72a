"""Small labelled rows for several tasks at once: short orders with an intent and slots in them."""

from __future__ import annotations

import random
from typing import Any

_PLACES = ["porto", "lyon", "turin", "blue heron", "old mill"]
_TIMES = ["tonight", "friday", "sunday morning"]
_ORDERS = {
    "reserve": ["book a table in {place} for {time}", "reserve seats at {place}", "i want to book for {time} please"],
    "weather": ["will it rain in {place} {time}", "how warm is it in {place}", "any snow on {time}"],
    "music": ["play something from {place}", "put on a song for {time}", "stop the song now"],
}


def errands(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Rows with `tokens`, `tags` and `intent`; no two alike."""
    draw = random.Random(seed)
    rows: dict[str, dict[str, Any]] = {}
    while len(rows) < count:
        intent = draw.choice(list(_ORDERS))
        values = {"place": draw.choice(_PLACES), "time": draw.choice(_TIMES)}
        tokens, tags = [], []
        for word in draw.choice(_ORDERS[intent]).split():
            kind = word.strip("{}")
            pieces = values[kind].split() if word.startswith("{") else [word]
            tokens += pieces
            tags += [f"{'I' if i else 'B'}-{kind}" if word.startswith("{") else "O" for i in range(len(pieces))]
        for _ in range(draw.randint(0, 2)):
            tokens, tags = [*tokens, draw.choice(["ok", "hm", "well", "thanks", "again", "soon"])], [*tags, "O"]
        rows.setdefault(" ".join(tokens), {"tokens": tokens, "tags": tags, "intent": intent})
    return list(rows.values())
