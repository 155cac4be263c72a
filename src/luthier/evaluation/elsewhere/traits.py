"""What is kept of a row in the place of its texts: numbers and hashes by which other rows are held against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

AXES = 32
"""Numbers that are kept of a vector."""
MOST_WORDS = 128
"""Of a text: those with the smallest marks, which is the same choice in every text (a bottom-k sketch, Cohen 1997)."""
_SEED = 1
_LARGEST = 60_000.0
"""Of a number that is kept in half precision."""


@dataclass(frozen=True)
class Said:
    """A prediction without the texts in it. labels: classes, or kinds of entities, each once. value: of a task that
    answers with a number. confidence: how likely the model says that its answer is right; of several parts the least.
    """

    labels: tuple[str, ...] = ()
    value: float | None = None
    confidence: float | None = None


@dataclass(frozen=True, eq=False)
class Traits:
    """Of one row. digest: a keyed hash of the text, by which equal texts are told. unknown: the share of its tokens
    that the tokenizer does not know, None where it knows any. rare: the share of its words that are rare in training,
    None where nothing is kept of that. words: uint16 [W], rising, keyed marks of some of its words. vector: float16
    [K], what the model's body makes of it, on AXES axes; None where nobody looked."""

    digest: str
    characters: int
    tokens: int
    unknown: float | None
    rare: float | None
    words: np.ndarray
    said: Said = Said()
    vector: np.ndarray | None = field(default=None)


def said_by(shown: Any) -> Said:
    """shown: what the user sees of a prediction, as `Task.show` gives it."""
    parts = [*_parts(shown)]
    labels = dict.fromkeys(label for label, _, _ in parts if label is not None)
    sure = [score for label, score, _ in parts if label is not None and score is not None]
    values = [value for _, _, value in parts if value is not None]
    return Said(tuple(labels), values[0] if len(values) == 1 else None, min(sure) if sure else None)


def _parts(shown: Any, prefix: str = "") -> list[tuple[str | None, float | None, float | None]]:
    """Of each part of an answer its label, how sure that is, and its number, as far as it has them."""
    if isinstance(shown, (list, tuple)):
        return [part for one in shown for part in _parts(one, prefix)]
    if not isinstance(shown, Mapping):
        return []
    score = shown.get("score")
    number = float(score) if isinstance(score, (int, float)) and not isinstance(score, bool) else None
    for key in ("label", "entity_group"):
        if isinstance(shown.get(key), str):
            return [(prefix + shown[key], number, None)]
    if isinstance(shown.get("answer"), str):
        return [(prefix + ("answer" if shown["answer"] else "no answer"), number, None)]
    if set(shown) == {"score"}:
        return [(None, None, number)]
    return [
        part for name, one in shown.items() if isinstance(one, (list, Mapping)) for part in _parts(one, f"{name}: ")
    ]


def sketch(marks_W: np.ndarray) -> np.ndarray:
    """uint16, rising. marks: uint32 of all words of a text. Two words in 65,536 buckets may share one."""
    return np.unique((np.sort(marks_W)[:MOST_WORDS] >> 16).astype(np.uint16))


def on_axes(vectors_ND: np.ndarray) -> np.ndarray:
    """float16 [N, K]: on AXES directions drawn at random, the same for every vector of one width, which keep distances
    about as they are (Johnson & Lindenstrauss 1984). No data chose them: rows of the run and others stay alike in law
    where they were, and tests of that stay exact."""
    width = vectors_ND.shape[1]
    found = np.asarray(vectors_ND, np.float32)
    if width > AXES:
        axes_DK, _ = np.linalg.qr(np.random.default_rng(_SEED).normal(size=(width, AXES)))
        found = found @ axes_DK.astype(np.float32)
    return np.clip(found, -_LARGEST, _LARGEST).astype(np.float16)


def as_arrays(rows: Sequence[Traits]) -> tuple[dict[str, np.ndarray], list[Any]]:
    """To be stored: numbers, and the labels of each row as JSON. Vectors are stored elsewhere, in full."""
    numbers = {
        "held.characters": np.array([row.characters for row in rows], np.int32),
        "held.tokens": np.array([row.tokens for row in rows], np.int32),
        "held.digests": np.frombuffer(b"".join(bytes.fromhex(row.digest) for row in rows), np.uint8),
        "held.word_counts": np.array([len(row.words) for row in rows], np.int32),
        "held.words": np.concatenate([row.words for row in rows]) if rows else np.zeros(0, np.uint16),
    }
    for name, values in (
        ("unknown", [row.unknown for row in rows]),
        ("rare", [row.rare for row in rows]),
        ("value", [row.said.value for row in rows]),
        ("confidence", [row.said.confidence for row in rows]),
    ):
        numbers[f"held.{name}"] = np.array([np.nan if value is None else value for value in values], np.float32)
    return numbers, [list(row.said.labels) for row in rows]


def from_arrays(numbers: Mapping[str, np.ndarray], labels: Sequence[Any]) -> list[Traits]:
    """The inverse of `as_arrays`. Errors: KeyError, ValueError where something is missing."""
    ends = np.cumsum(numbers["held.word_counts"])
    words = np.split(numbers["held.words"], ends[:-1]) if len(ends) else []
    width = len(numbers["held.digests"]) // max(1, len(labels))
    digests = numbers["held.digests"].reshape(-1, width) if width else []
    columns = [numbers[f"held.{name}"].tolist() for name in ("unknown", "rare", "value", "confidence")]
    told = [[None if value != value else value for value in column] for column in columns]
    sizes = zip(numbers["held.characters"].tolist(), numbers["held.tokens"].tolist(), strict=True)
    return [
        Traits(digest.tobytes().hex(), characters, tokens, unknown, rare, own, Said(tuple(names), value, confidence))
        for digest, (characters, tokens), unknown, rare, value, confidence, own, names
        in zip(digests, sizes, *told, words, labels, strict=True)
    ]  # fmt: skip
