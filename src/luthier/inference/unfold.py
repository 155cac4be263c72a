"""The text of an answer while its tokens come: what is sure of it so far, and where a stop text ends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_TAIL = 64
"""Tokens that are decoded anew with each that comes, at most: the text before them no longer changes."""
_KEEP = 16
_HALF = "\ufffd"
"""What a tokenizer makes of a character of which some bytes are still to come."""


class Unfolding:
    """decode: token ids to text. stops: texts that end the answer and are no part of it. marks: what begins with one
    of them is told only at the end, as a whole: the call of a tool.

    White space around the answer is no part of it."""

    def __init__(
        self, decode: Callable[[Sequence[int]], str], stops: Sequence[str] = (), marks: Sequence[str] = ()
    ) -> None:
        self._decode, self._stops, self._marks = decode, tuple(stops), tuple(marks)
        self.ids: list[int] = []
        self.text, self._whole = "", ""
        self.stopped = False
        """Whether a stop text came."""
        self._anchor, self._before = 0, ""
        self._told = 0
        self._held = False

    def add(self, token: int) -> str:
        """The text that is sure only now that this token came; often nothing."""
        self.ids.append(token)
        tail = self._decode(self.ids[self._anchor :])
        if self.stopped or tail.endswith(_HALF):
            return ""
        self._whole = self._before + tail
        self._read()
        self._move_on()
        return self._tell(self._sure())

    def rest(self) -> str:
        """What is left to tell when no more tokens come."""
        if not self.stopped:
            self._whole = self._before + self._decode(self.ids[self._anchor :])
            self._read()
        return self._tell(len(self.text))

    def _read(self) -> None:
        self.text = self._whole.lstrip()
        start = max(0, self._told - max(map(len, self._stops), default=0))
        found = [at for stop in self._stops if (at := self.text.find(stop, start)) >= 0]
        if found:
            self.text, self.stopped = self.text[: min(found)], True
        self.text = self.text.rstrip()

    def _tell(self, end: int) -> str:
        start, self._told = self._told, max(self._told, end)
        return self.text[start : self._told]

    def _sure(self) -> int:
        """Up to where the text can neither become part of a stop text nor begins with a mark."""
        new = self.text[self._told :]
        found = [at for mark in self._marks if (at := new.find(mark)) >= 0]
        if self._held or found:
            self._held = True
            return self._without_space(self._told + min(found, default=0))
        if self.stopped:
            return len(self.text)
        # white space that was taken off may be the middle of a stop text, too
        new += self._whole[len(self._whole.rstrip()) :]
        held = max((_begun(new, whole) for whole in (*self._stops, *self._marks)), default=0)
        return self._without_space(self._told + len(new) - held)

    def _without_space(self, end: int) -> int:
        """Before white space that stands at the end, as it may be that of the answer."""
        return len(self.text[:end].rstrip())

    def _move_on(self) -> None:
        """Long answers are not decoded from their beginning again and again."""
        if self.stopped or len(self.ids) - self._anchor <= _TAIL:
            return
        anchor = len(self.ids) - _KEEP
        tail = self._decode(self.ids[anchor:])
        if self._whole.endswith(tail):  # else the anchor would lie within a character
            self._anchor, self._before = anchor, self._whole[: len(self._whole) - len(tail)]


def _begun(text: str, whole: str) -> int:
    """Characters at the end of the text with which `whole` may begin."""
    return next((n for n in range(min(len(text), len(whole) - 1), 0, -1) if text.endswith(whole[:n])), 0)
