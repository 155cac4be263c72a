"""An assistant's answer as it comes: what it thinks, what it says, which tools it calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from luthier.chat.calling import CallForm
from luthier.chat.read import END_OF_THINKING, THINK
from luthier.formats.chat.turns import Turn

THOUGHT, SAID = "thinking", "content"


@dataclass(frozen=True)
class Reader:
    """form, names: how calls of tools are written, and which there are; else calls are text as any other. opened:
    whether the prompt has begun the thinking. thinks: whether thinking is told apart at all."""

    form: CallForm | None = None
    names: tuple[str, ...] = ()
    opened: bool = False
    thinks: bool = True

    def read(self, text: str) -> Turn:
        """A whole answer. Thinking that has no end, and calls that cannot be read, are said."""
        thought, said = self.parted(text) or ("", text)
        said, calls = self.form.read(said, self.names) if self.form else (said, ())
        return Turn("assistant", said, thought, calls)

    @property
    def marks(self) -> tuple[str, ...]:
        """From which on an answer can only be read as a whole."""
        return (self.form.mark,) if self.form else ()

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
