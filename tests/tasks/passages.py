"""Small labelled texts with entities, as lines of words and as spans."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from tiny import write_jsonl

_NAMES = {
    "person": ["Ada Brook", "Omar", "Ida Stern", "Jürgen", "Mia Bell"],
    "place": ["Lisbon", "Porto", "Oslo", "Rome", "Zürich"],
}
_FRAMES = [
    "{person} moved to {place}", "we met {person} today", "rain fell in {place}", "{person} , then {person} left",
    "nobody answered", "a parcel for {place} is late", "{place} is far from {place}",
]  # fmt: skip


def passages(count: int, seed: int = 0) -> list[tuple[list[str], list[str]]]:
    """Words and their tags (BIO), no two alike."""
    draw = random.Random(seed)
    rows: dict[tuple[str, ...], list[str]] = {}
    while len(rows) < count:
        words: list[str] = []
        tags: list[str] = []
        for part in draw.choice(_FRAMES).split():
            label = part.strip("{}")
            name = draw.choice(_NAMES[label]).split() if part != label else [part]
            words += name
            tags += [f"B-{label}"] + [f"I-{label}"] * (len(name) - 1) if part != label else ["O"]
        extra = draw.choices(["please", "again", "still", "that", "with", "for", "this", "was"], k=draw.randint(0, 4))
        rows.setdefault((*words, *extra), [*tags, *["O"] * len(extra)])
    return [(list(words), tags) for words, tags in rows.items()]


def write_conll(path: Path, count: int, seed: int = 0) -> Path:
    """A word and its tag a line."""
    blocks = ("".join(f"{w} {t}\n" for w, t in zip(*row, strict=True)) for row in passages(count, seed))
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def write_spans(path: Path, count: int, seed: int = 0) -> Path:
    """JSON Lines of texts with spans."""
    from luthier.errors import Place
    from luthier.formats.marked.tags import read_tags
    from luthier.formats.marked.words import join_words

    rows: list[dict[str, Any]] = []
    for words, tags in passages(count, seed):
        text, places = join_words(words)
        found, _ = read_tags(tags, Place("made"))
        spans = [{"start": places[a][0], "end": places[b - 1][1], "label": label} for a, b, label in found]
        rows.append({"text": text, "entities": spans})
    return write_jsonl(path, rows)
