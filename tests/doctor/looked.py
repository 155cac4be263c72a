"""What the doctor finds in a few rows."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.errors import Place
from luthier.formats.format import AnyFormat
from luthier.formats.labelled import Labelled
from luthier.types import Example, Finding

_WORDS = (
    "parcel", "late", "driver", "refund", "money", "invoice", "charged", "twice", "please", "where", "again", "still",
    "today", "door", "broken", "sent",
)  # fmt: skip


def found(
    pairs: Iterable[tuple[Any, Any]],
    test: Iterable[tuple[Any, Any]] = (),
    layout: AnyFormat | None = None,
    **context: Any,
) -> dict[str, Finding]:
    """Findings by their codes. Rows stand from line 2 on, as behind a header."""
    doctor = Doctor(Context(layout or Labelled(), **context))
    doctor.data.columns.update(text="body", label="team")
    for part, rows in (("train", pairs), ("test", test)):
        examples = [Example(text, label, Place(f"{part}.csv", line)) for line, (text, label) in enumerate(rows, 2)]
        list(doctor.watch(part, examples))
    return {finding.code: finding for finding in doctor.findings()}


def good(count: int = 60, labels: Sequence[str] = ("delivery", "refund", "billing")) -> list[tuple[str, str]]:
    """Rows in which nothing is to be found; no two alike."""
    draw = random.Random(0)
    texts = {" ".join(draw.choices(_WORDS, k=draw.randint(5, 12))): None for _ in range(2 * count)}
    return [(text, labels[i % len(labels)]) for i, text in enumerate(list(texts)[:count])]


def lines(finding: Finding) -> list[int | None]:
    return [place.line for place in finding.rows]
