"""Which characters in a text were broken or slipped in on its way, and what stood there before?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
UNSEEN = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0001-\U000e007f]"
)
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = frozenset("\u200c\u200d")
_NO_SPACES = re.compile("[\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u19e0-\u19ff\u1a20-\u1aaf]")
"""Thai, Lao, Tibetan, Burmese, Khmer, Tai Tham: a zero-width space may stand between their words."""
_JOINING = re.compile("[\u0590-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]")
"""Scripts whose letters change with a joiner beside them: Arabic and its kin, the Indic ones, Burmese, Khmer,
Mongolian."""
_SIGN_CATEGORIES = ("So", "Sk", "Mn", "Me")
_SIGN_PIECES = "#*0123456789\u2640\u2642\U0001f3f4"


def invisible(text: str) -> Iterator[int]:
    """Where a character stands that nobody sees and nothing needs: zero-width, soft hyphens, a byte order mark inside,
    marks of direction in a text that has only one. A joiner within an emoji or a word of a joining script, and
    directions in a text written from right to left, are part of the writing."""
    if text.isascii():
        return
    both_ways: bool | None = None
    for match in UNSEEN.finditer(text):
        i, c = match.start(), match.group()
        if c in _DIRECTIONS:
            both_ways = bool(_RIGHT_TO_LEFT.search(text)) if both_ways is None else both_ways
            needed = both_ways
        elif c in _JOINERS:
            needed = _joins(text, i)
        elif c == "\u200b":
            needed = bool(_NO_SPACES.search(text[max(0, i - 1) : i + 2]))
        else:
            needed = c > "\U000e0000" and "\U0001f3f4" in text[max(0, i - 7) : i]
        if not needed:
            yield i


def likely_original(text: str) -> str | None:
    """What the text was before its UTF-8 was read as Windows-1252, Latin-1 or GBK; None where it was not."""
    if text.isascii():
        return None
    mended = _LATIN_RUN.sub(_from_latin, text) if _LATIN_TRACE.search(text) else text
    if mended == text and _GBK_TRACE.search(text):
        mended = _WIDE_RUN.sub(_from_gbk, text)
    return mended if mended != text else None


def may_be_misread(text: str) -> bool:
    """Quick; where it says no, `likely_original` finds nothing."""
    return not text.isascii() and bool(_LATIN_TRACE.search(text) or _GBK_TRACE.search(text))


def _joins(text: str, i: int) -> bool:
    before, after = text[max(0, i - 1) : i], text[i + 1 : i + 2]
    if not before or not after:
        return False
    signs = (unicodedata.category(c) in _SIGN_CATEGORIES or c in _SIGN_PIECES for c in (before, after))
    return all(signs) or bool(_JOINING.match(before) and (_JOINING.match(after) or text[i] == "\u200c"))


# ---- UTF-8 read as Windows-1252 or Latin-1

_TAILS = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
"""What the bytes 0x80 to 0xBF are read as."""
_LETTER_TAILS = "\u0080-\u00a9\u00ac-\u00ba\u00bc-\u00bf€ƒ†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ„"
"""Without closing quotation marks, dashes and dots, which may stand behind a capital that ends a word."""
_LATIN_TRACE = re.compile(
    rf"â[€\u0080]|ð[Ÿ\u009f]|ï»¿|Ã[{_LETTER_TAILS}]|Â[\u00a0-\u00bf]|[à-ï][{_TAILS}]{{2}}[à-ï][{_TAILS}]{{2}}|(?:[Â-ß][{_TAILS}]){{3}}"
)
_LATIN_RUN = re.compile(rf"(?:[Â-ß][{_TAILS}]|[à-ï][{_TAILS}]{{2}}|[ð-ô][{_TAILS}]{{3}}|â€[\u009d\u0090\u008f])+")
_WINDOWS = {ord(bytes([b]).decode("cp1252")): b for b in range(0x80, 0xA0) if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def _from_latin(match: re.Match[str]) -> str:
    run = match.group()
    if not _LATIN_TRACE.match(run) and not _LATIN_TRACE.search(run):
        return run
    try:
        return bytes(_WINDOWS.get(ord(c), ord(c)) for c in run).decode("utf-8")
    except ValueError:
        return run


# ---- UTF-8 read as GBK

_QUOTE_AS_GBK = "鈥"
"""The first two bytes of typographic quotation marks, dashes and dots."""
_GBK_TRACE = re.compile(
    "["
    + "".join(bytes([a, b]).decode("gbk") for a in range(0xE4, 0xEA) for b in range(0x80, 0xC0))
    + _QUOTE_AS_GBK
    + "]"
)
"""The first two bytes of most Chinese characters in UTF-8, as GBK reads them: rare characters."""
_WIDE_RUN = re.compile(r"[^\x00-\x7f]{2,}")
_LOST = 0.15
_CHINESE = re.compile("[\u4e00-\u9fff]")


def _from_gbk(match: re.Match[str]) -> str:
    run = match.group()
    try:
        once = run.encode("gb18030").decode("utf-8", errors="replace")
    except UnicodeEncodeError:
        return run
    lost = once.count("\ufffd")
    if _QUOTE_AS_GBK in run and not lost:
        return once
    chinese = len(_CHINESE.findall(once))
    return once if chinese >= 2 and lost <= max(1, _LOST * len(once)) and chinese * 2 >= len(once) else run
