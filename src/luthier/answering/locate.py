"""From an answer's characters to tokens. P: tokens of a window that stand for a piece of the context."""

from __future__ import annotations

import unicodedata

import numpy as np

from luthier.formats.questions import Answer, Answers
from luthier.types import Window


def places(window: Window) -> np.ndarray:
    """int [P]: the positions of the tokens that stand for a piece of the context."""
    assert window.spans is not None
    return np.flatnonzero(window.spans[:, 0] < window.spans[:, 1])


def target(window: Window, answers: Answers) -> tuple[int, int]:
    """The positions of the first and the last token of the first right answer that stands whole in the window; twice
    the first position, which stands for no answer, where none does."""
    assert window.spans is not None
    positions = places(window)
    found = tokens_of(window.spans[positions], answers)
    return (0, 0) if found is None else (int(positions[found[0]]), int(positions[found[1]]))


def tokens_of(spans_P2: np.ndarray, answers: Answers) -> tuple[int, int] | None:
    """First and last token of the first answer that stands whole in the window; None where none does. spans_P2: in
    characters, ascending."""
    for answer in answers:
        start, end = _seen(answer)
        if len(spans_P2) and spans_P2[0, 0] <= start < end <= spans_P2[-1, 1]:
            first = int(np.searchsorted(spans_P2[:, 1], start, side="right"))
            last = int(np.searchsorted(spans_P2[:, 0], end, side="left")) - 1
            return first, max(first, last)
    return None


def _seen(answer: Answer) -> tuple[int, int]:
    """Its ends without what tokenizers drop: space, control and format characters, marks on a letter."""
    inside = [i for i, c in enumerate(answer.text) if not _dropped(c)]
    first, last = (inside[0], inside[-1]) if inside else (0, len(answer.text) - 1)
    return answer.start + first, answer.start + last + 1


def _dropped(character: str) -> bool:
    kind = unicodedata.category(character)
    return character.isspace() or character == "\ufffd" or kind in ("Cc", "Cf", "Co", "Cn") or kind[0] == "M"


def with_marks(context: str, ends_P: np.ndarray) -> np.ndarray:
    """Ends of pieces of the context behind the accents and other marks on their last letter, which tokenizers drop."""
    if context.isascii():
        return ends_P
    behind = list(range(len(context) + 1))
    for i in range(len(context) - 1, -1, -1):
        if unicodedata.category(context[i])[0] == "M":
            behind[i] = behind[i + 1]
    return np.array(behind)[ends_P]
