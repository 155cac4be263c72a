"""Where does a piece of a text lie after the text was changed?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import accumulate

_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
"""Letters of scripts that are written without spaces: each is a piece of its own, as no word would end before the
sentence does."""
_PIECE = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|\s+|.", re.DOTALL)


def moved(spans: Sequence[tuple[int, int]], before: str, after: str) -> list[tuple[int, int]]:
    """The spans of the first text in the second, (start, end) in characters; an empty span where nothing is left.

    The texts are aligned word by word (difflib); a word that became another keeps its ends, and its inner places
    where both are equally long.
    """
    if before == after or not spans:
        return list(spans)
    starts, ends = _starts_and_ends(before, after)
    return [(starts[start], max(starts[start], ends[end])) for start, end in spans]


def _starts_and_ends(before: str, after: str) -> tuple[list[int], list[int]]:
    """For each place between characters of the first text, [len + 1] each, where it lies in the second: as the place
    where something starts, and as the place where something ends."""
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    old_at, new_at = [0, *accumulate(map(len, old))], [0, *accumulate(map(len, new))]
    starts, ends = [0] * (len(before) + 1), [0] * (len(before) + 1)
    for _, i, i_end, j, j_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        first, last, to, to_end = old_at[i], old_at[i_end], new_at[j], new_at[j_end]
        alike = last - first == to_end - to
        for place in range(first, last):
            starts[place] = to + (place - first if alike else 0)
            ends[place + 1] = to + (place + 1 - first) if alike else to_end
    starts[len(before)] = len(after)
    return starts, ends
