"""Which piece of a long text is most like a short one?"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_WORD = re.compile(r"[^\W\u2e80-\u9fff\uf900-\ufaff]+|[\u2e80-\u9fff\uf900-\ufaff]")
_LIKE = 0.6
_MOST = 20_000
"""Characters looked at: what is quadratic must stay small."""


def nearest_text(text: str, context: str) -> tuple[int, int] | None:
    """(start, end) in characters of the context, None where nothing is like it. Case and spaces weigh little."""
    words = list(_WORD.finditer(context[:_MOST]))
    count = len(_WORD.findall(text))
    if not words or not count or count > 100:
        return None
    wanted = _folded(text)
    best, place = _LIKE, None
    matcher = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(wanted)
    for size in {max(1, count - 1), count, count + 1}:
        for first in range(len(words) - size + 1):
            start, end = words[first].start(), words[first + size - 1].end()
            matcher.set_seq1(_folded(context[start:end]))
            if min(matcher.real_quick_ratio(), matcher.quick_ratio()) > best and matcher.ratio() > best:
                best, place = matcher.ratio(), (start, end)
    return place


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
