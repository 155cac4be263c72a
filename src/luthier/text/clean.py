"""Cleaning in named steps, the same before training, at serving time and in `luthier check --fix`.

A cleaner is idempotent: cleaned text is not changed again. That makes raw and cleaned files give the same predictions,
and it is why the steps are repeated until nothing changes (`&amp;lt;` needs three rounds).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

from luthier.errors import ConfigError, did_you_mean, shown
from luthier.extras import need
from luthier.language import t
from luthier.text.invisible import without_invisible
from luthier.text.markup import without_markup
from luthier.text.misread import likely_original

_ROUNDS = 32
"""More than any text needs; a text made to need more, such as tags within tags without end, is left as it is."""


class Change(NamedTuple):
    """What one step did to a text."""

    step: str
    before: str
    after: str


class Cleaner:
    """Changes texts by some steps, in our order whatever the order of the names.

    Errors: ConfigError for an unknown name; LuthierError where a step's library is not installed.
    """

    def __init__(self, names: Iterable[str]) -> None:
        asked = set(names)
        for name in sorted(asked - set(STEPS)):
            fix = did_you_mean(name, STEPS)
            raise ConfigError.at("data.clean", t("there is no cleaning step {name}", name=shown(name)), fix,
                                 code="unknown-choice")  # fmt: skip
        self.names = tuple(name for name in STEPS if name in asked)
        self._steps = [(name, STEPS[name]()) for name in self.names]

    def __call__(self, text: str) -> str:
        return self.traced(text)[0]

    def traced(self, text: str) -> tuple[str, list[Change]]:
        """The cleaned text, and what each step did to it.

        Idempotent also where the rounds do not suffice: the text then stays as it is, except for masking.
        """
        settled = self._settle(text)
        if settled is not None:
            return settled
        masked = dict(self._steps).get("mask", str)(text)
        changes = [Change("mask", text, masked)] if masked != text else []
        again = self._settle(masked)
        return (masked, changes) if again is None else (again[0], changes + again[1])

    def _settle(self, text: str) -> tuple[str, list[Change]] | None:
        """Repeated until nothing changes; None where that takes too long."""
        changes: list[Change] = []
        for _ in range(_ROUNDS):
            begin = text
            for name, step in self._steps:
                after = step(text)
                if after != text:
                    changes.append(Change(name, text, after))
                    text = after
            if text == begin:
                return text, changes
        return None


@cache
def cleaner(names: tuple[str, ...]) -> Cleaner:
    """The Cleaner of these steps, made once."""
    return Cleaner(names)


# ---- the steps


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


_CHINESE_PUNCTUATION = "！（），：；？［］～"
_TO_HALF = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_LETTERS_TO_HALF = {code: half for code, half in _TO_HALF.items() if chr(code) not in _CHINESE_PUNCTUATION}


def _fullwidth(text: str) -> str:
    return text if text.isascii() else text.translate(_LETTERS_TO_HALF)


def _fullwidth_punctuation(text: str) -> str:
    return text if text.isascii() else text.translate(_TO_HALF)


_UNTIDY = re.compile(r"[^\S \n]|  |\n\n\n| \n|\A\s|\s\Z")
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028]")


def _whitespace(text: str) -> str:
    """Runs of blanks to one space, no blanks at the ends of lines, at most one empty line, none at the text's ends.

    Paragraphs stay; so do the indentation of lines and what stands in ``` fences: in code they mean something.
    """
    if text.isprintable():  # no white space but spaces
        return " ".join(text.split()) if "  " in text or text[:1] == " " or text[-1:] == " " else text
    if _UNTIDY.search(text) is None:
        return text
    kept: list[str] = []
    fenced = False
    for line in _LINE_ENDS.sub("\n", text).replace("\u2029", "\n\n").split("\n"):
        body = line.strip()
        fence = body.startswith(("```", "~~~"))
        if fenced and not fence:
            kept.append(line)
        elif body:
            indent = line[: len(line) - len(line.lstrip())]
            kept.append("".join(c if c == "\t" else " " for c in indent) + " ".join(body.split()))
        elif kept and kept[-1]:
            kept.append("")
        fenced ^= fence
    return "\n".join(kept).strip()


def _mojibake() -> Callable[[str], str]:
    """ftfy knows most ways in which text gets broken; of Chinese that was read as GBK we know ourselves."""
    fix = need("ftfy").fix_encoding

    def step(text: str) -> str:
        fixed = text if text.isascii() else fix(text)
        return fixed if fixed != text else likely_original(text) or text

    return step


def _mask() -> Callable[[str], str]:
    from luthier.text.people import masked

    return masked


STEPS: dict[str, Callable[[], Callable[[str], str]]] = {
    "mojibake": _mojibake,
    "nfc": lambda: _nfc,
    "html": lambda: without_markup,
    "fullwidth": lambda: _fullwidth,
    "fullwidth_punctuation": lambda: _fullwidth_punctuation,
    "control": lambda: without_invisible,
    "whitespace": lambda: _whitespace,
    "mask": _mask,
}
"""By name what makes a step, in the order in which they are done. Encodings come first, because the characters that
they took are not yet those that were written; masking comes last, when nothing hides a number any more."""

KEEPS_LENGTH = frozenset(("fullwidth", "fullwidth_punctuation"))
"""Steps that put one character in the place of one, so that offsets into the text stay true."""
