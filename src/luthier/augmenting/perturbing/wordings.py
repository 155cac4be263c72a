"""The same said in slightly other words, by rules that leave the meaning alone: contractions, numbers, a polite
beginning; in Chinese particles that sound alike, polite forms, numerals."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from luthier.text.scripts import text_language

_VERBS = "do does did is are was were has have had would could should must might need"
_PRONOUNS = {"am": "I", "are": "you we they", "have": "I you we they", "will": "I you he she it we they"}
_ENDINGS = {"am": "'m", "are": "'re", "have": "'ve", "will": "'ll"}
_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " \
         "seventeen eighteen nineteen twenty"  # fmt: skip
_NUMBERS: Sequence[str] = _SMALL.split()
_BEGINNINGS = {
    "en": ("Hello, ", "Please note: ", "Hi there, "),
    "zh": ("你好，", "您好，", "请注意，"),
}
_PARTICLE = re.compile(
    "(?<![土各本当外产内场工每天])地(?![方址点区铁图上下板道位球])|(?<![觉获取值记懂使免])得(?![到了意出以])"
)
_DIGITS = "零一二三四五六七八九"
_ORDERED = "月日号点楼层"
"""Measure words that count in order, before which two is 二 and not 两."""
_MEASURES = "个只条张本件次天年月日号点分块元份杯位周岁家人层楼斤种"


def _pairs() -> dict[str, str]:
    """Long forms to short ones, in lower case."""
    found = {f"{verb} not": f"{verb}n't" for verb in _VERBS.split()}
    found |= {"will not": "won't", "cannot": "can't"}
    for verb, pronouns in _PRONOUNS.items():
        found |= {f"{one.lower()} {verb}": f"{one.lower()}{_ENDINGS[verb]}" for one in pronouns.split()}
    return found


_SHORT = _pairs()
_LONG = {short: long for long, short in _SHORT.items()}
_EITHER = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, (*_SHORT, *_LONG)), key=len, reverse=True)) + r")\b", re.IGNORECASE
)
_CUT = re.compile(r"\b(\w+) (n['’]t|['’](?:m|re|ve|ll))\b", re.IGNORECASE)
"""As tokenised text has them: "do n't"."""


def contractions(text: str, rng: np.random.Generator) -> str:
    """Long forms become short ones and short ones long: "do not" and "don't"."""
    straight = _CUT.sub(lambda match: match[1] + match[2], text).replace("’", "'")

    def other(match: re.Match[str]) -> str:
        said = match[0]
        found = _SHORT.get(said.lower()) or _LONG[said.lower()]
        if found.startswith("i") and said[0] == "I" and found[1:2] in ("'", " "):
            return "I" + found[1:]
        return found[0].upper() + found[1:] if said[0].isupper() else found

    return _EITHER.sub(other, straight) if _EITHER.search(straight) else text


def number_words(text: str, rng: np.random.Generator) -> str:
    """Whole numbers up to twenty become words, and words numbers; "one" stays, which is seldom a number."""

    def other(match: re.Match[str]) -> str:
        said = match[0]
        if said.isdigit():
            return _NUMBERS[int(said)] if int(said) < len(_NUMBERS) else said
        return str(_NUMBERS.index(said.lower()))

    if text_language(text) != "en":
        return text
    words = "|".join(word for word in _NUMBERS if word != "one")
    return re.sub(rf"(?<![\w.,:/-])(?:[0-9]{{1,2}}|{words})(?![\w:/-]|[.,]\d)", other, text, flags=re.IGNORECASE)


def politeness(text: str, rng: np.random.Generator) -> str:
    """A greeting before it, in English and Chinese."""
    beginnings = _BEGINNINGS.get(text_language(text))
    return text if beginnings is None else str(rng.choice(beginnings)) + text


def particles(text: str, rng: np.random.Generator) -> str:
    """的, 地 and 得, which sound alike, all as 的: the commonest slip there is. Words that hold one stay."""
    return _PARTICLE.sub("的", text)


def polite_you(text: str, rng: np.random.Generator) -> str:
    """您 becomes 你 and 你 您."""
    return text.translate({ord("您"): "你", ord("你"): "您"}).replace("您们", "你们")


def numerals(text: str, rng: np.random.Generator) -> str:
    """Before a measure word 三 becomes 3 and 3 三."""

    def other(match: re.Match[str]) -> str:
        said, measure = match[0], text[match.end()]
        if said == "两" or (said == "2" and measure not in _ORDERED):
            return "2" if said == "两" else "两"
        return _DIGITS[int(said)] if said.isdigit() else str(_DIGITS.index(said))

    numbers = rf"[0-9{_DIGITS}十百千万亿两.,第]"
    return re.sub(rf"(?<!{numbers})[0-9{_DIGITS}两](?=[{_MEASURES}])", other, text)
