"""Characters that nobody sees: which of them are remains, and which a script needs.

Sources: Unicode 15, chapter 23 (special areas and format characters); UTS #51 for emoji sequences; the WHATWG Encoding
Standard for the C1 controls, which are characters of Windows-1252 that were taken for Latin-1.
"""

from __future__ import annotations

import re
import unicodedata

_RTL = "\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_HAS_RTL = re.compile(f"[{_RTL}]")
_JOINING = re.compile(
    "[\u0600-\u08ff\u0900-\u0df5\u0f00-\u0fff\u1000-\u109f\u1780-\u18af\ua840-\ua8ff\ufb50-\ufdff\ufe70-\ufefc]"
)
"""Arabic and its kin, Indic scripts, Tibetan, Burmese, Khmer, Mongolian: where joiners change what is written."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf]")
"""Thai, Lao, Burmese, Khmer and others: where a zero-width space parts words."""
_MONGOLIAN = re.compile("[\u1800-\u18af]")
_FLAG = "\U0001f3f4[\U000e0030-\U000e007a]{1,16}\U000e007f"
"""A region's flag is spelled in tag characters; anywhere else these are a hidden text."""
_ODD = (
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufeff"
    "\uffa0\ufff9-\ufffc\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_HAS_ODD = re.compile(_ODD)
_SUSPECT = re.compile(f"({_FLAG})|{_ODD}")
_PRINTABLE = "\u3164\uffa0\ufffc"
"""Those of them that Python takes for printable."""
_ZERO_WIDTH_SPACE, _NON_JOINER, _JOINER, _VOWEL_SEPARATOR = "\u200b", "\u200c", "\u200d", "\u180e"
_OVERRIDES = "\u202d\u202e"
_DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
_INSTEAD = {"\x0b": "\n", "\x0c": "\n", "\x1c": " ", "\x1d": " ", "\x1e": " ", "\x1f": " "}


def without_invisible(text: str) -> str:
    """Control characters, byte order marks, zero-width and soft hyphens go; vertical tabs and form feeds become line
    breaks, C1 controls the Windows-1252 characters that they were, lone surrogates U+FFFD.

    Stays: tab and line breaks; joiners in scripts that have them and in emoji; zero-width spaces of scripts without
    spaces; direction marks in texts with right-to-left letters (never overrides, which make a text read otherwise than
    it is stored); variation selectors.
    """
    if text.isprintable() and not any(character in text for character in _PRINTABLE):  # ten times as quick as a search
        return text
    if not may_hold_invisible(text):
        return text
    rtl = _HAS_RTL.search(text) is not None
    return _SUSPECT.sub(lambda match: match[1] or _instead(text, match.start(), rtl), text)


def may_hold_invisible(text: str) -> bool:
    """Quick; where it says no, `without_invisible` changes nothing."""
    return _HAS_ODD.search(text) is not None


def _instead(text: str, position: int, rtl: bool) -> str:
    character = text[position]
    before, after = text[position - 1 : position] if position else "", text[position + 1 : position + 2]
    if character in _INSTEAD:
        return _INSTEAD[character]
    if "\x80" <= character <= "\x9f":
        return character.encode("latin-1").decode("cp1252", "ignore")
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    needed = (
        (rtl and character in _DIRECTIONS)
        or (character in (_NON_JOINER, _JOINER) and _JOINING.match(before) is not None)
        or (character == _JOINER and _is_emoji(before) and _is_emoji(after))
        or (character == _ZERO_WIDTH_SPACE and _UNSPACED.match(before) is not None)
        or (character == _VOWEL_SEPARATOR and _MONGOLIAN.match(before) is not None)
    )
    return character if needed else ""


def _is_emoji(character: str) -> bool:
    """A symbol, a skin tone, or the selector behind one."""
    return character == "\ufe0f" or (character != "" and unicodedata.category(character) in ("So", "Sk", "Sm"))
