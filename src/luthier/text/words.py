"""A text as words that can be taken out, moved and put back. In scripts without spaces a word is a character."""

from __future__ import annotations

import re

_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f\U00020000-\U0003134f"
"""Kana, Chinese, Thai."""
_UNIT = re.compile(rf"\s*(?:[{_UNSPACED}]|[^\s{_UNSPACED}]+)")
_LONE = re.compile(rf"[{_UNSPACED}]")
_EDGE = re.compile(r"^[\W_]+|[\W_]+$")
_PARTS = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")
NEGATIONS = frozenset(
    [
        "no",
        "not",
        "never",
        "none",
        "nor",
        "neither",
        "nobody",
        "nothing",
        "nowhere",
        "without",
        "cannot",
        "hardly",
        "barely",
        "n't",
        "nicht",
        "kein",
        "keine",
        "keinen",
        "nie",
        "niemals",
        "ohne",
        "ne",
        "pas",
        "jamais",
        "sans",
        "aucun",
        "aucune",
        "nunca",
        "sin",
        "ninguno",
        "不",
        "没",
        "沒",
        "无",
        "無",
        "非",
        "未",
        "别",
        "別",
        "莫",
        "勿",
        "否",
    ]
)
"""Words that turn a sentence round, in the languages that Luthier is used with most."""


def units(text: str) -> list[str]:
    """The words with the space before each; put together they are the text, but for space at its end."""
    return _UNIT.findall(text)


def core(unit: str) -> str:
    """A word without case and without the signs around it: "(Not!" is not; "" where it is nothing but signs."""
    return _EDGE.sub("", unit).casefold()


def vocabulary(text: str) -> set[str]:
    """The words of a text, as cores, by which texts are compared; where words do not stand apart, pairs of characters
    that follow each other."""
    found: set[str] = set()
    before = ""
    for unit in units(text):
        word = core(unit)
        if len(word) == 1 and _LONE.match(word):
            if before and unit[0] == word:
                found.add(before + word)
            before = word
        else:
            before = ""
            if word:
                found.add(word)
    return found


def is_negation(word: str) -> bool:
    """word: a core."""
    return word in NEGATIONS or word.replace("’", "'").endswith("n't")


def name_words(name: str) -> set[str]:
    """The words of a label's name, as cores: card_arrival, cardArrival and "card arrival" are card and arrival. A name
    that is a number has none."""
    words = {core(unit) for part in _PARTS.split(name) for unit in units(part)}
    return {word for word in words if word and not word.isdigit()}
