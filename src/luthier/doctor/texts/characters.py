"""Which texts hold characters that were broken on the way, or that nobody can see?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from luthier.data.findings import WARNING
from luthier.doctor.check import Context
from luthier.doctor.gathered import Gathered
from luthier.doctor.texts.fault import TextFault, around
from luthier.errors import shown
from luthier.extras import has, need
from luthier.language import t
from luthier.text.invisible import may_hold_invisible, without_invisible
from luthier.text.misread import likely_original, may_be_misread
from luthier.types import Finding

_LOST = ("\ufffd", "锟斤拷")
"""The replacement character, and two of them in UTF-8 read as GBK."""


class Misread(TextFault):
    """mojibake: UTF-8 that was read in another encoding and saved as such."""

    def is_possible(self, joined: str) -> bool:
        return may_be_misread(joined)

    def fault(self, text: str) -> str | None:
        mended = likely_original(text)
        if mended is None:
            return None
        return "" if self.sample else _contrast(text, _better(text, mended))

    def told(self, data: Gathered) -> Iterable[Finding]:
        what = t("{count} texts were read in a wrong encoding once and saved: {sample}",
                 count=len(self.rows), sample=self.sample)  # fmt: skip
        fix = t("export them again as UTF-8; --fix OUT or data.clean=mojibake mends what it can")
        yield Finding(WARNING, "mojibake", what, fix, data.places(self.rows, data.text_column))


class Lost(TextFault):
    """replacement-character: U+FFFD stands where a character was that could not be decoded."""

    def is_possible(self, joined: str) -> bool:
        return any(sign in joined for sign in _LOST)

    def fault(self, text: str) -> str | None:
        found = [at for sign in _LOST if (at := text.find(sign)) >= 0]
        return shown(around(text, found[0], found[0] + 1)) if found else None

    def told(self, data: Gathered) -> Iterable[Finding]:
        what = t("{count} texts have lost characters: U+FFFD stands in their place, as in {sample}",
                 count=len(self.rows), sample=self.sample)  # fmt: skip
        fix = t("export them again from their source with the right encoding; what is lost cannot be brought back")
        yield Finding(WARNING, "replacement-character", what, fix, data.places(self.rows, data.text_column))


class Invisible(TextFault):
    """invisible-character: zero-width characters, soft hyphens, marks of direction that nothing needs."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._kinds: Counter[str] = Counter()

    def is_possible(self, joined: str) -> bool:
        return not joined.isascii() and may_hold_invisible(joined)

    def fault(self, text: str) -> str | None:
        if text.isascii() or not may_hold_invisible(text):
            return None
        text = likely_original(text) or text  # halves of a broken character are told as mojibake
        clean = without_invisible(text)
        gone = [c for c in dict.fromkeys(text) if text.count(c) > clean.count(c)] if clean != text else []
        self._kinds.update(gone)
        return shown(around(text, at := text.index(gone[0]), at + 1)) if gone else None

    def told(self, data: Gathered) -> Iterable[Finding]:
        kinds = ", ".join(f"U+{ord(c):04X}" for c, _ in self._kinds.most_common(5))
        what = t("{count} texts hold characters that nobody sees ({kinds}), as in {sample}; a model reads them",
                 count=len(self.rows), kinds=kinds, sample=self.sample)  # fmt: skip
        fix = t("--fix OUT takes them out, data.clean=control in training and serving")
        yield Finding(WARNING, "invisible-character", what, fix, data.places(self.rows, data.text_column))


def _better(text: str, mended: str) -> str:
    """ftfy knows more ways in which text gets broken; without it ours will do."""
    if not has("ftfy"):
        return mended
    fixed = need("ftfy").fix_encoding(text)
    return fixed if fixed != text else mended


def _contrast(text: str, mended: str) -> str:
    """Both about the first place where they differ."""
    start = next((i for i, (a, b) in enumerate(zip(text, mended, strict=False)) if a != b), 0)
    before, after = around(text, start, start + 10, 15), around(mended, start, start + 6, 15)
    return t("{before} was likely {after}", before=shown(before), after=shown(after))
