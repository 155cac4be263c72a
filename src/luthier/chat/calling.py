"""How a template writes the calls of tools: asked of the template itself, so that what a model writes can be read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from luthier.chat.rule import Refused
from luthier.chat.tokens import Chat
from luthier.formats.chat.calls import ToolCall, as_text
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation

_FIRST = ToolCall("kbqdx", '{"wvjzq": "hqzvk"}', "bdfgh1357")
_SECOND = ToolCall("zqkvw", '{"jxqzk": "pqwkz"}', "ckmpr2468")
ASKED = json.dumps([{"type": "function", "function": {"name": call.name, "description": "?", "parameters": {
    "type": "object", "properties": {key: {"type": "string"} for key in json.loads(call.arguments)}}}}
    for call in (_FIRST, _SECOND)])  # fmt: skip
"""The tools that the template is told of when it is asked."""


@dataclass(frozen=True)
class CallForm:
    """What stands before the first call's name, between a name and its arguments, and between two calls; in the text
    of an answer, which has no special tokens. further: None where a template writes one call alone."""

    before: str
    middle: str
    further: str | None

    @property
    def mark(self) -> str:
        """With which a call begins."""
        return self.before.strip()

    def read(self, text: str, names: Collection[str]) -> tuple[str, tuple[ToolCall, ...]]:
        """What is said before the calls, and these; no calls where what looks like one is of no tool that there is, or
        its arguments are no JSON object."""
        begun = self._head(self.before).search(text)
        calls: list[ToolCall] = []
        head = begun
        while head is not None:
            found = _object(text, head.end())
            if found is None or head["name"] not in names:
                return text, ()
            calls.append(ToolCall(head["name"], found[0]))
            head = self._head(self.further).match(text, found[1]) if self.further is not None else None
        return (text, ()) if begun is None else (text[: begun.start()].rstrip(), tuple(calls))

    def _head(self, before: str) -> re.Pattern[str]:
        return re.compile(rf"{_loose(before)}(?P<name>[\w.:-]+){_loose(self.middle)}")


def form_of(chat: Chat, stops: Sequence[int]) -> CallForm | None:
    """As `find_form`, of a template with its tokenizer. stops: ids at which generation ends."""
    asked = Conversation((Turn("user", "?"),), ASKED)

    def written(turn: Turn) -> str:
        _, ids = chat.answered(asked, turn)
        return chat.marks.tokenizer.decode([i for i in ids if i not in stops], skip_special_tokens=True)

    return find_form(written)


def find_form(written: Callable[[Turn], str]) -> CallForm | None:
    """written: what a model is to write for a turn of the assistant, as an answer is read. None for a template that
    writes no calls, or not as a name with JSON behind it."""
    try:
        one = written(Turn("assistant", "", calls=(_FIRST,)))
    except Refused:
        return None
    first = _placed(one, _FIRST, 0)
    if first is None or not one[: first[0]].strip():
        return None
    before, middle = one[: first[0]], one[first[0] + len(_FIRST.name) : first[1]]
    try:
        two = written(Turn("assistant", "", calls=(_FIRST, _SECOND)))
    except Refused:
        return CallForm(before, middle, None)
    last = _placed(two, _FIRST, 0)
    second = _placed(two, _SECOND, last[2]) if last else None
    return CallForm(before, middle, two[last[2] : second[0]] if last and second else None)


def _placed(text: str, call: ToolCall, start: int) -> tuple[int, int, int] | None:
    """Where the call's name begins, and where its arguments begin and end."""
    name = text.find(call.name, start)
    if name < 0:
        return None
    at = name + len(call.name)
    while (at := text.find("{", at)) >= 0:
        found = _object(text, at)
        if found is not None and json.loads(found[0]) == json.loads(call.arguments):
            return name, at, found[1]
        at += 1
    return None


def _object(text: str, start: int) -> tuple[str, int] | None:
    """The JSON object that begins there, and where it ends."""
    try:
        found, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return (as_text(found), end) if isinstance(found, dict) else None


def _loose(text: str) -> str:
    """As a pattern: white space may differ, and so may the ids of calls."""
    parts = [r"\s*".join(re.escape(word) for word in _WORDS.split(part)) for part in text.split(_FIRST.id)]
    return r"[^\"\s]*".join(parts)


_WORDS = re.compile(r"\s+|(?<=[{}\[\],:\"])|(?=[{}\[\],:\"])")
