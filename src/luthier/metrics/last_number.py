"""The number that an answer comes to: the last one, or the one behind "####", as in GSM8K (Cobbe et al. 2021)."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

_MARK = "####"
_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS = {"十": 10, "百": 100, "千": 1000}
_GROUPS = {"万": 10**4, "亿": 10**8}
_FIGURES = re.compile(
    r"(?:(?<![\w)])[-−])?"  # a hyphen behind a word is no sign
    rf"(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:\s?[{''.join(_GROUPS)}])?"
)
_WRITTEN_OUT = re.compile(rf"负?[{''.join((*_DIGITS, *_TENS, *_GROUPS))}]+(?:点[{''.join(_DIGITS)}]+)?")
_UNIT = re.compile(r"\s?(?:[^\W\d_]{1,12})?\W*")
"""What may stand behind a number at the end: 72 %, 72 apples., 72个苹果。"""


def last_number(text: str) -> Decimal | None:
    """1,234.50 and 1234.5 are the same, as are 3.5万 and 35000; Chinese numerals (一百二十) count where there are no
    figures. None where there is no number."""
    found = _last(_behind_mark(text))
    return None if found is None else _value(found.group())


def ends_in_number(text: str) -> bool:
    """Whether it is an answer whose number is what counts: behind "####", or at the end with a unit at most; of
    Chinese numerals only where nothing else is said, for they stand in words, too."""
    text = _behind_mark(text)
    found = _last(text)
    if found is None or not _UNIT.fullmatch(text, found.end()):
        return False
    return found.re is _FIGURES or found.start() == 0


def _behind_mark(text: str) -> str:
    return unicodedata.normalize("NFKC", text).rpartition(_MARK)[2].strip()


def _last(text: str) -> re.Match[str] | None:
    for pattern in (_FIGURES, _WRITTEN_OUT):
        found = list(pattern.finditer(text))
        if found:
            return found[-1]
    return None


def _value(number: str) -> Decimal:
    sign = -1 if number[0] in "-−负" else 1
    number = number.lstrip("-−负")
    if number[0] in ".0123456789":
        plain = number.replace(",", "")
        factor = _GROUPS.get(plain[-1], 1)
        return sign * factor * Decimal(plain.rstrip("万亿 "))
    whole, _, behind = number.partition("点")
    decimals = "".join(str(_DIGITS[sign]) for sign in behind)
    return sign * (_numeral(whole) + Decimal(f"0.{decimals or 0}"))


def _numeral(written: str) -> int:
    """三千零二十 is 3020; 二〇二四 is 2024."""
    if all(sign in _DIGITS for sign in written):
        return int("".join(str(_DIGITS[sign]) for sign in written))
    total, section, digit = 0, 0, None
    for sign in written:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif sign in _TENS:
            section, digit = section + (1 if digit is None else digit) * _TENS[sign], None
        else:
            section, group = section + (digit or 0), _GROUPS[sign]
            # 一亿零三百万: the hundred millions stand; 一万亿: the ten thousands are multiplied
            total = total + section * group if total > group else (total + section) * group
            section, digit = 0, None
    return total + section + (digit or 0)
