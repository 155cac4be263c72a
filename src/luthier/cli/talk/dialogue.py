"""A conversation with a model, turn by turn."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.chat.heard import Reader
from luthier.formats.chat.turns import Turn
from luthier.inference.artifact import Predictor
from luthier.inference.speech import Speech, as_writer, opens_thinking, order, speak
from luthier.writer import Written


@dataclass(frozen=True)
class Reply:
    """turn: what was said. stopped: whether the model ended it. tokens, prompt_tokens: of answer and prompt. cut: of
    the conversation, what there was no room for. halted: whether the user ended it."""

    turn: Turn
    stopped: bool
    tokens: int
    prompt_tokens: int
    cut: int
    halted: bool

    def as_json(self) -> dict[str, Any]:
        reason = "halted" if self.halted else "stop" if self.stopped else "length"
        said: dict[str, Any] = {"text": self.turn.content}
        if self.turn.thinking:
            said["reasoning_content"] = self.turn.thinking
        return {**said, "finish_reason": reason, "prompt_tokens": self.prompt_tokens, "tokens": self.tokens}


@dataclass
class Dialogue:
    """messages: what was said, without the system's. A model that knows no turns is asked each time anew."""

    predictor: Predictor
    system: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, text: str, listen: Callable[[str, str], None], halted: Callable[[], bool]) -> Reply:
        """listen: takes kind and text of each piece, as `Following` tells them. halted: whether the user has had
        enough. Errors: DataError for what the template refuses; the conversation is then as it was."""
        writer = as_writer(self.predictor)
        asked = [*self.messages, {"role": "user", "content": text}]
        input = writer.as_input({"messages": self._with_system(asked)} if writer.converses else text)
        wanted = order(self.predictor, input, writer.how(), may_cut=True)
        reader = Reader(opened=opens_thinking(self.predictor, wanted), thinks=writer.converses)
        following, pieces, whole = reader.follow(), list[str](), list[Written]()

        def hear(piece: str | Written) -> None:
            if isinstance(piece, Written):
                whole.append(piece)
                return
            pieces.append(piece)
            for kind, part in following.add(piece):
                listen(kind, part)

        speech = Speech(wanted, self.predictor, hear, halted)
        speak(self.predictor, [speech])
        said = whole[0] if whole else Written("".join(pieces).strip(), tokens=speech.count, stopped=False)
        turn = reader.read(said.text or "")
        for kind, part in following.end(turn):
            listen(kind, part)
        if writer.converses and turn.content:
            self.messages = [*asked, {k: v for k, v in turn.as_json().items() if k != "weight"}]
        return Reply(turn, said.stopped, said.tokens, len(wanted.prompt), wanted.cut, halted=not whole)

    def reset(self) -> None:
        self.messages = []

    def save(self, path: Path) -> None:
        """Adds it to a file as one more row of training data."""
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"messages": self._with_system(self.messages)}, ensure_ascii=False) + "\n")

    def _with_system(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"role": "system", "content": self.system}, *messages] if self.system else messages
