"""The shapes of OpenAI's replies: https://platform.openai.com/docs/api-reference."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Told:
    """One whole answer. reason: stop, length or tool_calls. tokens: generated, the one that ended it included.
    thinking, calls: of a chat, the calls as OpenAI writes them."""

    text: str
    reason: str
    prompt_tokens: int
    tokens: int
    thinking: str = ""
    calls: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Envelope:
    """What all pieces of a reply have in common. chat: of a chat, not of a completion. counts: a stream ends with its
    usage."""

    id: str
    created: int
    model: str
    chat: bool
    counts: bool

    @staticmethod
    def new(model: str, now: float, *, chat: bool, counts: bool) -> Envelope:
        return Envelope(f"{'chatcmpl' if chat else 'cmpl'}-{secrets.token_hex(12)}", int(now), model, chat, counts)

    def whole(self, answers: Sequence[Told]) -> dict[str, Any]:
        """The reply where nothing is streamed."""
        choices = [self._choice(i, told) for i, told in enumerate(answers)]
        return {**self._head(""), "choices": choices, "usage": usage(answers)}

    def _choice(self, index: int, told: Told) -> dict[str, Any]:
        if not self.chat:
            return {"index": index, "text": told.text, "logprobs": None, "finish_reason": told.reason}
        message: dict[str, Any] = {"role": "assistant", "content": told.text or None if told.calls else told.text}
        message["refusal"] = None
        if told.thinking:
            message["reasoning_content"] = told.thinking
        if told.calls:
            message["tool_calls"] = list(told.calls)
        return {"index": index, "message": message, "logprobs": None, "finish_reason": told.reason}

    def first(self, index: int) -> dict[str, Any] | None:
        """The piece that says who speaks; None where that is not said."""
        return self._piece(index, {"role": "assistant", "content": ""}) if self.chat else None

    def piece(self, index: int, text: str, *, thought: bool = False) -> dict[str, Any]:
        name = "reasoning_content" if thought else "content"
        return self._piece(index, {name: text} if self.chat else text)

    def last(self, index: int, told: Told) -> list[dict[str, Any]]:
        """The calls of tools, if any, then why the answer ended."""
        calls = [{"index": i, **call} for i, call in enumerate(told.calls)]
        pieces = [self._piece(index, {"tool_calls": calls})] if calls else []
        return [*pieces, self._piece(index, {} if self.chat else "", told.reason)]

    def counted(self, answers: Sequence[Told]) -> dict[str, Any]:
        """The piece with the usage, which has no choices."""
        return {**self._head(".chunk"), "choices": [], "usage": usage(answers)}

    def _piece(self, index: int, said: Any, reason: str | None = None) -> dict[str, Any]:
        content = {"delta": said} if self.chat else {"text": said}
        choice = {"index": index, **content, "logprobs": None, "finish_reason": reason}
        return {**self._head(".chunk"), "choices": [choice], **({"usage": None} if self.counts else {})}

    def _head(self, ending: str) -> dict[str, Any]:
        kind = f"chat.completion{ending}" if self.chat else "text_completion"
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def usage(answers: Sequence[Told]) -> dict[str, int]:
    asked, said = sum(told.prompt_tokens for told in answers), sum(told.tokens for told in answers)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def event(content: Any) -> bytes:
    """A server-sent event."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


DONE = event("[DONE]")
