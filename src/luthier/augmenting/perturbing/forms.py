"""The same words in other signs: case, punctuation, spaces, width."""

from __future__ import annotations

import re
import unicodedata

import numpy as np

from luthier.text.scripts import is_spaced, text_language

_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
"""ASCII to its full-width form."""
_MORE = 0.3
"""Of the places where a space may be added."""


def lowercase(text: str, rng: np.random.Generator) -> str:
    return text.lower()


def uppercase(text: str, rng: np.random.Generator) -> str:
    return text.upper()


def no_punctuation(text: str, rng: np.random.Generator) -> str:
    """Apostrophes and hyphens inside of words and numbers stay; a text of nothing but signs does, too."""
    made: list[str] = []
    for i, sign in enumerate(text):
        if not unicodedata.category(sign).startswith("P"):
            made.append(sign)
        elif 0 < i < len(text) - 1 and text[i - 1].isalnum() and text[i + 1].isalnum():
            between_digits = text[i - 1].isdigit() and text[i + 1].isdigit()
            made.append(sign if sign in "'’-" or between_digits else " " if text[i - 1].isascii() else "")
    left = re.sub(r" {2,}", " ", "".join(made)).strip()
    return left or text


def spaces(text: str, rng: np.random.Generator) -> str:
    """Doubled, put between characters of scripts without spaces, and left at the end."""
    if is_spaced(text_language(text)):
        spread = re.sub(r" ", lambda match: "  " if rng.random() < _MORE else " ", text)
    else:
        spread = "".join(c + (" " if rng.random() < _MORE else "") for c in text)
    return spread.rstrip() + " \n"


def full_width(text: str, rng: np.random.Generator) -> str:
    """Letters, digits and signs as Chinese and Japanese input methods may write them."""
    return text.translate(_WIDE)
