"""Where does a text name a person by number: mail address, telephone, identity card, bank card, account?

Precision goes before recall: an order number that is masked is a text spoilt. A number counts by its shape and its
check digits, or by a word before it that says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from luthier.text.numbers import is_bank_card, is_brazilian_id, is_chinese_id, is_iban, is_us_security_number

KINDS = ("email", "phone", "id-card", "card", "iban")


@dataclass(frozen=True, slots=True)
class Found:
    """kind: one of KINDS. start, end: characters of the text."""

    kind: str
    start: int
    end: int


def may_hold_personal_data(text: str) -> bool:
    """Quick, and never wrong when it says no. Several texts at once may be joined by line breaks."""
    return "@" in text or "＠" in text or _has_long_number(text)


def personal_data(text: str) -> list[Found]:
    """Every address and number of a person, in the order of the text; none overlaps another."""
    if not may_hold_personal_data(text):
        return []
    narrow = text.translate(_NARROW)  # one character stays one: places are those of the text
    found: list[Found] = []
    for kind, match in _candidates(narrow):
        start, end = match.span()
        free = all(end <= other.start or start >= other.end for other in found)
        if free and _ACCEPT[kind](narrow, start, end):
            found.append(Found("phone" if kind == "said" else kind, start, end))
    return sorted(found, key=lambda one: one.start)


def masked(text: str) -> str:
    """Each of them replaced by its kind: [email], [phone] … A masked text stays as it is."""
    while found := personal_data(text):  # again, as what was taken away may have hidden a neighbour
        for one in reversed(found):
            text = f"{text[: one.start]}[{one.kind}]{text[one.end :]}"
    return text


def _has_long_number(text: str) -> bool:
    """Whether seven digits follow each other, not counting what stands between the groups of a number."""
    if not text.isascii() and _WIDE_DIGIT.search(text):
        text = text.translate(_NARROW)
    return b"0000000" in text.encode("utf-8", "surrogatepass").translate(_DIGITS, b" ().-/\t")


def _candidates(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """What has the shape of one, the surest kinds first. Numbers are tried where digits begin, which is much quicker
    than everywhere."""
    if "@" in text:
        yield from (("email", match) for match in _EMAIL.finditer(text))
    if not _has_long_number(text):
        return
    yield from (("iban", match) for match in _IBAN.finditer(text))
    starts = [match.start() for match in _DIGITS_BEGIN.finditer(text)]
    before = [start - 1 for start in starts if start and text[start - 1] in "+("]
    for kind, pattern in _NUMBERS:
        for start in [*before, *starts] if kind == "phone" else starts:
            if match := pattern.match(text, start):
                yield kind, match


_DIGITS_BEGIN = re.compile(r"\d+")
_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x2D for byte in range(256))
_WIDE_DIGIT = re.compile("[０-９－–]")
_NARROW = {wide: wide - 0xFEE0 for wide in [*range(0xFF10, 0xFF1A), *map(ord, "＋－（）＠．Ｘｘ")]} | {0x2013: "-"}

_AREA = r"(?:1|7|20|27|3[0-469]|4[0-9]|5[1-8]|6[0-6]|8[1246]|85[2356]|886|9[0-58]|97[1-7])"
"""Country codes of the International Telecommunication Union (E.164), by their first digits."""
_PHONES = rf"""
    \+{_AREA}\d{{7,12}}                                                   # +447797706009
  | \+{_AREA}(?:[ .-]?\(\d{{1,4}}\))?(?:[ .-]?\d{{2,5}}){{2,5}}           # +44 (0)20 7946 0958
  | 00(?:1|7|3[0-469]|4[0-9]|6[0-6]|8[1246]|9[0-58])\d{{8,11}}            # 00447797706009
  | (?:86[ -]?)?1[3-9]\d(?:\d{{8}}|[ -]\d{{4}}[ -]\d{{4}})                # 13800138000, 138 0013 8000
  | \(0\d{{2,4}}\)[ -]?\d{{3,4}}[ -]?\d{{3,4}}                            # (010) 8888 8888
  | (?<!\d\d[ ])0\d{{2,4}}[ ]?[-/ ][ ]?\d{{6,8}}                          # 010-88888888
  | (?<!\d\d[ ])0\d{{1,4}}(?:[ -]\d{{2,4}}){{2,4}} | 0[1-9](?:[.]\d\d){{4}}   # 0207 153 9153, 06.12.34.56.78
  | 0[1-357]\d{{8,9}} | 0[89]\d{{8,10}}                                   # 07732584351, 087187262701
  | (?:1[. -])?(?:\(\d{{3}}\)[ ]?|\d{{3}}-)\d{{3}}[ -]\d{{4}}               # (415) 555-2671, 212-684-4700
  | (?:1[.])?[2-9]\d\d[.][2-9]\d\d[.]\d{{4}}                              # 212.684.4700
  | [48]00-?\d{{3}}-\d{{4}} | [48]00\d-\d{{3}}-\d{{3}}                    # 400-820-8820
"""
_EMAIL = re.compile(r"(?<![\w.%+'-])\w[\w.%+'-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![A-Za-z0-9-])",
                    re.ASCII)  # fmt: skip
_IBAN = re.compile(r"[A-Z]{2}(?<![A-Za-z0-9]..)\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_NUMBERS = (
    ("id-card", re.compile(r"(?<![A-Za-z0-9-])(?:\d{17}[\dXx]|\d{3}-\d\d-\d{4}|\d{3}\.\d{3}\.\d{3}-\d\d)"
                           r"(?![A-Za-z0-9-])")),
    ("card", re.compile(r"(?<![A-Za-z0-9.-])(?:\d{14,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|"
                        r"\d{4}([ -])\d{6}\2\d{4,5})(?![A-Za-z0-9]|[.-]\d)")),
    ("phone", re.compile(rf"(?<![0-9_@])(?<!\d[.-])(?:{_PHONES})(?!\d|[.]\d|[A-Fa-f]+\d|[-]\d)", re.VERBOSE)),
    ("said", re.compile(r"(?<![0-9_@.-])(?:\d{3,4}[ -]\d{4}|\d{7,12})(?!\d|[.]\d|[A-Za-z_-]+\d)")),
)  # fmt: skip
"""In the order in which they are looked for: a stretch of text is one thing only."""
_SAID = re.compile(
    r"(?:(?<![A-Za-z])(?:tele?phone|phone|mobile|cell|whatsapp|fax|tel|ring|call|text|txt)|电话|手机|座机|致电|传真|微信|热线)"
    r"(?: ?(?:us|me|him|her|now|no|number|on|at|is|号码|号|是|为|请打|：|[:.]))* {0,2}$", re.IGNORECASE)  # fmt: skip
"""A word after which any number of a telephone's length is one."""
_FILE_ENDINGS = {
    "png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "css", "js", "ts", "json", "html", "htm", "xml", "pdf",
    "mp3", "mp4", "py", "md",
}  # fmt: skip
_OTHER_NUMBER = re.compile(
    r"(?:\b(?:orders?|ref|reference|invoice|ids?|uid|tracking|parcel|ticket|sku|isbn|ean|imei|barcode|serial|code|case)|"
    r"订单|单号|运单|快递|编号|流水|票号|工单|序列号|条码|货号|案号|QQ群?)[\s:：#.]{0,3}"
    r"(?:(?:no|nr|number|numbers|id|is|号码|号|是|为)[\s:：#.]{0,3}){0,2}$", re.IGNORECASE)  # fmt: skip
_WORD_BEFORE = re.compile(r"[A-Za-z]+$")
_CALLING = {
    "call", "calls", "tel", "phone", "ph", "mob", "mobile", "txt", "text", "ring", "on", "to", "fax", "or", "at",
    "line", "landline", "free", "help",
}  # fmt: skip
_ADDRESS_BEFORE = re.compile(r"(?:://|www\.)[!-~]*$")
_DATE = re.compile(r"0?\d[-./ ]\d{1,2}[-./ ](?:19|20)\d\d|0\d{1,2}-\d\d-\d\d")
_CONTEXT = 40
"""Characters before a number in which the word stands that says what it is."""


def _is_email(text: str, start: int, end: int) -> bool:
    local, _, domain = text[start:end].partition("@")
    last = domain.rpartition(".")[2]
    next_sentence = len(last) > 3 and last.istitle() and domain[0].islower()  # "ticket@kiosk.Valid 4-7/12"
    return local != "git" and not next_sentence and last.lower() not in _FILE_ENDINGS


def _is_phone(text: str, start: int, end: int) -> bool:
    it, before = text[start:end], text[max(0, start - _CONTEXT) : start]
    digits = [c for c in it if c.isdigit()]
    if len(set(digits)) < 2 or (it.isdigit() and _is_sequence(digits)) or _DATE.match(it):
        return False
    if it[0] in "+(" or len(digits) > 7:
        round_number = it[0] == "+" and it.endswith("00000")
        if round_number or (it.startswith("+1") and len(digits) != 11) or not 7 <= len(digits) <= 15:
            return False
        if it[0] == "0" and not it.startswith("00") and not 9 < len(digits) < 13:
            return False
    word = _WORD_BEFORE.search(before)
    if word is not None and word.group().lower() not in _CALLING:
        return False
    return not _OTHER_NUMBER.search(before) and not _ADDRESS_BEFORE.search(before)


def _is_card(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _CONTEXT) : start]
    return is_bank_card(_digits(text, start, end)) and not _OTHER_NUMBER.search(before)


def _is_id_card(text: str, start: int, end: int) -> bool:
    it = text[start:end]
    if it[3] == "-":
        return is_us_security_number(it)
    return is_brazilian_id(_digits(text, start, end)) if it[3] == "." else is_chinese_id(it)


def _digits(text: str, start: int, end: int) -> str:
    return "".join(c for c in text[start:end] if c.isdigit())


def _is_sequence(digits: list[str]) -> bool:
    """1234567890: an example or a password."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(digits)}
    return steps in ({1}, {9})


_ACCEPT = {
    "email": _is_email,
    "iban": lambda text, start, end: is_iban(text[start:end].replace(" ", "")),
    "id-card": _is_id_card,
    "card": _is_card,
    "phone": _is_phone,
    "said": lambda text, start, end: bool(
        _SAID.search(text, max(0, start - _CONTEXT), start) and _is_phone(text, start, end)
    ),
}
