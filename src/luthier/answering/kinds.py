"""What a question asks for, by its question word."""

from __future__ import annotations

import re

_WORDS = (
    "how many", "how much", "how", "what", "when", "where", "which", "who", "whom", "whose", "why",
    "为什么", "什么时候", "什么", "多少", "怎么", "怎样", "如何", "哪", "谁", "几", "何",
)  # fmt: skip
_ASKED = re.compile("|".join(rf"\b{word}\b" if word.isascii() else word for word in _WORDS), re.IGNORECASE)


def question_kind(question: str) -> str:
    """The first question word in it, in English or Chinese; "other" where none is there."""
    found = _ASKED.search(question)
    return found.group().lower() if found else "other"
