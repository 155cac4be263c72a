"""Bytes to lines of text, a block at a time; what cannot be decoded or must not stand in a text is told by line."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from luthier.errors import DataError, Place, Problem
from luthier.files import size_text
from luthier.language import t
from luthier.reading.raw.encodings import UTF8, Encoding

_BLOCK = 2**20
_LONGEST = 2**26
"""Characters of one line: far above any row, low enough that a file without line ends is noticed in time."""
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\r") + b"\x7f"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ESCAPED = re.compile(r"[\udc80-\udcff]{1,4}")
_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[\udc80-\udcff]{1,4}")
_OTHER_BREAKS = ("\x85", "\u2028", "\u2029")
"""Line ends to str.splitlines, and to nobody else."""


def escaped(text: str) -> str:
    """The first bytes, in hex, that could not be decoded; "" where there are none."""
    match = None if text.isascii() else _ESCAPED.search(text)
    return match[0].encode(UTF8, "surrogateescape").hex(" ") if match else ""


class Lines:
    """Lines with their ends as they are; a line ends with CR, LF or both, as in an editor.

    faults: by line number, from 1, what is wrong with lines drawn so far. Who reads the lines takes them out.
    """

    def __init__(self, raw: BinaryIO, encoding: Encoding, name: str, *, controls: bool = False) -> None:
        """raw: behind the byte-order mark. controls: control characters are no fault."""
        self._wrong = _ESCAPED if controls else _ODD
        self.faults: dict[int, Problem] = {}
        self._raw, self._encoding, self._name = raw, encoding, name
        self._decoder = codecs.getincrementaldecoder(encoding.codec)("strict")
        self._fed, self._count, self._current = encoding.mark, 0, list[str]()

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self.blocks())

    def drawn(self, number: int) -> str:
        """A line of the block at hand, by its number; "" for any other."""
        at = number - 1 - (self._count - len(self._current))
        return self._current[at] if 0 <= at < len(self._current) else ""

    def blocks(self) -> Iterator[list[str]]:
        """All lines, a megabyte at a time."""
        waiting: list[str] = []
        waiting_odd = False
        while block := self._raw.read(_BLOCK):
            text, odd = self._decode(block)
            odd = odd or waiting_odd
            at = text.rfind("\n") + 1 or text.rfind("\r", 0, -1) + 1
            if not at:
                waiting, waiting_odd = [*waiting, text], odd
                if sum(map(len, waiting)) > _LONGEST:
                    raise self._too_long()
                continue
            behind = text[at:]
            yield self._lines("".join([*waiting, text[:at]]), odd, behind)
            waiting, waiting_odd = [behind], odd
        rest, cut = self._end()
        last = ("".join(waiting) + rest).removesuffix("\x1a")  # DOS ended files with it
        if last:
            lines = self._lines(last, waiting_odd or bool(rest), "")
            if cut:
                self.faults[self._count] = self._cut(cut)
            yield lines

    def chunks(self) -> Iterator[str]:
        """The text as it comes, for who looks for his own ends in it. What could not be decoded is left as it is:
        see `escaped`."""
        while block := self._raw.read(_BLOCK):
            yield self._decode(block)[0]
        yield self._end()[0]

    def _decode(self, block: bytes) -> tuple[str, bool]:
        """The text, and whether any of it is to be looked at again."""
        state = self._decoder.getstate()
        try:
            text = self._decoder.decode(block)
        except UnicodeDecodeError as error:
            if self._encoding.is_wide:
                raise self._undecodable(error, len(state[0])) from None
            self._decoder.setstate(state)
            self._decoder.errors = "surrogateescape"
            text = self._decoder.decode(block)
        self._fed += len(block)
        if self._encoding.is_wide:
            return text, _CONTROL.search(text) is not None
        odd = len(block.translate(None, _CONTROLS)) != len(block)
        return text, odd or (self._decoder.errors != "strict" and not text.isascii())

    def _lines(self, text: str, odd: bool, behind: str) -> list[str]:
        """behind: what was decoded and comes after this text."""
        if odd or any(mark in text for mark in _OTHER_BREAKS):
            lines = io.StringIO(text, newline="").readlines()
        else:
            lines = text.splitlines(keepends=True)
        if odd:
            self._look(text, lines, behind)
        self._count += len(lines)
        self._current = lines
        return lines

    def _look(self, text: str, lines: list[str], behind: str) -> None:
        seen, offset = 0, None
        begin = 0
        for number, line in enumerate(lines, self._count + 1):
            match = self._wrong.search(line)
            if match and match[0] >= "\udc80":
                if offset is None:
                    offset = self._fed - len(self._decoder.getstate()[0]) - len(self._bytes(text + behind))
                here = begin + match.start()
                offset, seen = offset + len(self._bytes(text[seen:here])), here
                self.faults[number] = self._mixed(number, match, offset)
            elif match:
                self.faults[number] = self._control(number, match)
            begin += len(line)

    def _bytes(self, text: str) -> bytes:
        return text.encode(self._encoding.codec, "surrogateescape")

    def _end(self) -> tuple[str, bytes]:
        """What the last bytes give, and those that are the beginning of a character."""
        pending = self._decoder.getstate()[0]
        if not pending:
            return self._decoder.decode(b"", final=True), b""
        return "\ufffd", pending

    def _mixed(self, number: int, match: re.Match[str], offset: int) -> Problem:
        place = Place(self._name, number, match.start() + 1)
        found = match[0].encode(UTF8, "surrogateescape").hex(" ")
        what = t("is not {encoding}: bytes {found} at offset {offset}",
                 encoding=self._encoding.codec, found=found, offset=offset)  # fmt: skip
        fix = t("was text of another encoding pasted in? write this line anew, or convert that part of the file")
        return Problem(place, what, fix, "mixed-encoding")

    def _control(self, number: int, match: re.Match[str]) -> Problem:
        place = Place(self._name, number, match.start() + 1)
        if match[0] == "\0":
            fix = t("remove it, or let --fix OUT take it out; is the file cut?")
            return Problem(place, t("a NUL byte (\\x00) in the text"), fix, "nul-byte")
        what = t("a control character ({code}) in the text", code=f"\\x{ord(match[0]):02x}")
        return Problem(place, what, t("find out what it should be, or let --fix OUT take it out"), "control-character")

    def _cut(self, pending: bytes) -> Problem:
        what = t("ends inside a character (bytes {found}): the file looks cut", found=pending.hex(" "))
        return Problem(Place(self._name, self._count), what, t("fetch or export it again"), "cut-file")

    def _undecodable(self, error: UnicodeDecodeError, pending: int) -> DataError:
        offset = self._fed - pending + error.start
        found = error.object[error.start : error.start + 4].hex(" ")
        before = error.object[: error.start].decode(self._encoding.codec, "replace")
        what = t("is not {encoding}: bytes {found} at offset {offset}",
                 encoding=self._encoding.codec, found=found, offset=offset)  # fmt: skip
        place = Place(self._name, self._count + len(before.splitlines()) or 1)
        return DataError.at(place, what, t("export the file again, as UTF-8"), code="encoding")

    def _too_long(self) -> DataError:
        what = t("a line of more than {size}", size=size_text(_LONGEST))
        fix = t("is a line end missing, or is this no text file?")
        return DataError.at(Place(self._name, self._count + 1), what, fix, code="line-too-long")
