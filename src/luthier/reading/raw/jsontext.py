"""A JSON text that is read on while its parts are taken from the front, with the line of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from json import JSONDecodeError, JSONDecoder
from typing import Any

_LONGEST = 2**26
"""Characters of one value."""
_EDGE = 16
"""A fault this near to the end of what was read may be the end itself."""
_SPACE = re.compile(r"[ \t\r\n]*")


class JsonText:
    """text: what is in memory. line: of the next thing that is not white space, after `peek`."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self.text, self._at, self._ended = "", 0, False
        self._lines, self._column = 1, 0
        """Line, from 1, and column, from 0, of the first character in memory."""
        self._seen, self._seen_line = 0, 1

    @property
    def line(self) -> int:
        self._seen_line += self.text.count("\n", self._seen, self._at)
        self._seen = self._at
        return self._seen_line

    def where(self, position: int) -> tuple[int, int]:
        """Line and column, both from 1, of a position in `text`."""
        breaks = self.text.count("\n", 0, position)
        column = position - self.text.rfind("\n", 0, position) if breaks else self._column + position + 1
        return self._lines + breaks, column

    def peek(self) -> str:
        """The next character that is not white space; "" at the end."""
        while True:
            match = _SPACE.match(self.text, self._at)
            assert match is not None
            self._at = match.end()
            if self._at < len(self.text) or not self._more():
                return self.text[self._at : self._at + 1]

    def take(self, wanted: str) -> None:
        """Errors: JSONDecodeError where something else stands there."""
        if self.peek() != wanted:
            raise JSONDecodeError(f"Expecting '{wanted}'", self.text, self._at)
        self._at += 1

    def step(self, between: str, end: str) -> None:
        """Past what parts two values; stays in front of what ends them."""
        if self.peek() == end:
            return
        self.take(between)
        if self.peek() == end:
            raise JSONDecodeError("Illegal trailing comma", self.text, self._at)

    def key(self, decoder: JSONDecoder) -> str:
        """A key and its colon."""
        if self.peek() != '"':
            raise JSONDecodeError("Expecting property name enclosed in double quotes", self.text, self._at)
        key, _ = self.value(decoder)
        self.take(":")
        return key

    def opens_objects(self) -> bool:
        """Whether the bracket that comes next opens a list of objects."""
        while True:
            match = re.compile(r"\[\s*(\S)").match(self.text, self._at)
            if match or not self._more():
                return match is not None and match[1] == "{"

    def value(self, decoder: JSONDecoder) -> tuple[Any, str]:
        """The next value, and how it is written. Errors: JSONDecodeError, whose position is one in `text`."""
        self.peek()
        wanted = 1
        while True:
            try:
                value, end = decoder.raw_decode(self.text, self._at)
                is_whole = end < len(self.text) or self._ended or len(self.text) > _LONGEST
                if is_whole or not self._more():
                    written, self._at = self.text[self._at : end], end
                    return value, written
                continue
            except JSONDecodeError as error:
                open_string = error.msg.startswith("Unterminated string")
                if not open_string and error.pos < len(self.text) - _EDGE:
                    raise
                if len(self.text) > _LONGEST or not self._more(wanted):
                    raise
            wanted *= 2

    def _more(self, count: int = 1) -> bool:
        """Reads up to `count` chunks on, and forgets what was taken."""
        chunks = list(islice(self._chunks, count))
        if not chunks:
            self._ended = True
            return False
        self._lines, column = self.where(self._at)
        self._column = column - 1
        self._seen_line = self._lines
        self.text, self._at, self._seen = "".join([self.text[self._at :], *chunks]), 0, 0
        return True
