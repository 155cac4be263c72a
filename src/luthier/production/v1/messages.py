"""The messages of a chat: what a client sends, in the task's own form, and what the answer holds beside text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luthier.errors import LuthierError
from luthier.language import t
from luthier.production.requests import Refusal
from luthier.production.v1 import asked

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.artifact import Predictor

_FIELDS = ("role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content")
_ROLES = ("system", "developer", "user", "assistant", "tool")


@dataclass(frozen=True)
class Conversed:
    """input: in the task's own form. marks: with which the call of a tool begins."""

    input: Any
    marks: tuple[str, ...] = ()

    def read(self, text: str) -> tuple[str, Sequence[Mapping[str, Any]]]:
        """What is said, and the tools that are called."""
        return text, ()


def read_messages(predictor: Predictor, body: Mapping[str, Any]) -> Conversed:
    """Errors: Refusal."""
    messages = body.get("messages")
    if messages is None:
        raise asked.missing("messages")
    if not isinstance(messages, list) or not messages:
        raise asked.bad_value("messages", t("messages is a list of at least one message"))
    for number, message in enumerate(messages):
        _check_message(message, f"messages[{number}]")
    if messages[-1]["role"] == "assistant":
        what = t("the last message is the assistant's: there is nothing to answer")
        raise asked.bad_value(f"messages[{len(messages) - 1}]", what)
    try:
        return Conversed(predictor.codec.task.as_sent({"messages": messages}))
    except LuthierError as error:
        problem = error.problems[0]
        raise Refusal(400, problem.what, param="messages", code=problem.code) from None


def _check_message(message: Any, where: str) -> None:
    if not isinstance(message, dict):
        raise asked.bad_value(where, t("a message is an object with role and content"))
    if message.get("role") not in _ROLES:
        raise asked.bad_value(f"{where}.role", t("role is one of {roles}", roles=", ".join(_ROLES)))
    for name, value in message.items():
        if name not in _FIELDS and value not in (None, [], "", {}):
            raise asked.unknown(f"{where}.{name}", _FIELDS)
