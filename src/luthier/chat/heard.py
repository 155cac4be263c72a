"""An assistant's answer as it comes: what it thinks, what it says, which tools it calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from luthier.chat.read import END_OF_THINKING, THINK, read_answer
from luthier.formats.chat.turns import Turn

CALL = "<tool_call>"
"""With which the call of a tool begins in what `read_answer` reads."""
THOUGHT, SAID = "thinking", "content"


@dataclass(frozen=True)
class Reader:
    """calls: whether calls of tools are looked for; else they are text as any other. opened: whether the prompt has
    begun the thinking. thinks: whether thinking is told apart at all."""

    calls: bool = False
    opened: bool = False
    thinks: bool = True

    def read(self, text: str) -> Turn:
        """A whole answer. Thinking that has no end, and calls that are no JSON, are said."""
        thought, said = self.parted(text) or ("", text)
        calls = read_answer(said).calls if self.calls and CALL in said else ()
        said = said.partition(CALL)[0].rstrip() if calls else said
        return Turn("assistant", said, thought, calls)

    def follow(self) -> Following:
        return Following(self)

    def parted(self, text: str) -> tuple[str, str] | None:
        """What is thought and what is said; None where that is not, or not yet, to be told apart."""
        if not self.may_think(text):
            return None
        thought, mark, said = text.removeprefix(THINK).partition(END_OF_THINKING)
        return (thought.strip("\n"), said.lstrip()) if mark else None

    def may_think(self, beginning: str) -> bool:
        """Whether an answer that begins so may begin with thinking."""
        return self.thinks and (self.opened or THINK.startswith(beginning[: len(THINK)]))


class Following:
    """One answer in pieces: its thinking as a whole once it is over, what is said as it comes."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._text: str | None = ""
        """What came before it was clear whether it is thought or said; None afterwards."""
        self._begun = False
        self._sent = 0

    def add(self, piece: str) -> Iterator[tuple[str, str]]:
        """(THOUGHT or SAID, text), none empty."""
        if self._text is not None:
            self._text += piece
            parted = self._reader.parted(self._text)
            if parted is None and self._reader.may_think(self._text):
                return
            thought, piece = parted or ("", self._text)
            self._text = None
            if thought:
                yield THOUGHT, thought
        if not self._begun:
            piece = piece.lstrip()
        if piece:
            self._begun = True
            self._sent += len(piece)
            yield SAID, piece

    def end(self, answer: Turn) -> Iterator[tuple[str, str]]:
        """What of the whole answer has not been told. answer: as `Reader.read` gives it."""
        if self._text is not None and answer.thinking:
            yield THOUGHT, answer.thinking
        if rest := answer.content[self._sent :]:
            yield SAID, rest
