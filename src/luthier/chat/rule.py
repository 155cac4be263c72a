"""How conversations are written for one model: its template, and what is known of it. Saved with the task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from luthier.chat.read import END_OF_THINKING, THINK, answer_turn
from luthier.chat.sandbox import render
from luthier.formats.chat.turns import Turn


class Refused(Exception):  # noqa: N818  says what the template did, not that something failed
    """A template that will not, or cannot, write a conversation. turn: from 1, 0 where it is none in particular."""

    def __init__(self, reason: str, turn: int = 0) -> None:
        super().__init__(reason)
        self.turn = turn


@dataclass(frozen=True)
class ChatRule:
    """source: of the Jinja template. name: of it, for messages. tokens: the special tokens by the names that templates
    know, such as bos_token. end: the token with which the assistant ends its turn. stops: ids at which generation ends.
    pad: id of what fills batches up. day: the date that the template is told, "" for one that does not ask.
    thinking: what it is told of thinking (enable_thinking), None for nothing; with False no thinking is kept.
    system: what the system says where a conversation has it say nothing. texts: whether the template wants the
    arguments of calls as JSON text. inline: whether it knows nothing of thinking, which then stands in the content.
    parts: whether it wants what is said as a list of parts."""

    source: str
    name: str
    tokens: Mapping[str, str]
    end: str = ""
    stops: tuple[int, ...] = ()
    pad: int = 0
    day: str = ""
    thinking: bool | None = None
    system: str = ""
    texts: bool = False
    inline: bool = False
    parts: bool = False

    def state(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "stops": list(self.stops)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(**{**state, "stops": tuple(state["stops"])})

    @property
    def digest(self) -> str:
        """By which a template is known again: the beginning of its SHA-256."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:12]

    def heard(self, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        """The turns as they are rendered: with the system's, the assistant's thinking apart from its words."""
        made = [answer_turn(turn) if turn.role == "assistant" else turn for turn in turns]
        if self.thinking is False:
            made = [replace(turn, thinking="") for turn in made]
        if self.system and not (made and made[0].role == "system"):
            made.insert(0, Turn("system", self.system))
        return tuple(made)

    def variables(
        self, turns: Sequence[Turn], tools: str, *, prompt: bool, change: Callable[[str, bool], str] | None = None
    ) -> dict[str, Any]:
        """What the template is given. prompt: whether the assistant's next turn is to begin. change: of every text
        that a person wrote, with whether the assistant said it."""
        change = change or (lambda text, _: text)
        messages = [self._message(turn, change) for turn in turns]
        listed = _changed(json.loads(tools), lambda text: change(text, False)) if tools else None
        if isinstance(listed, dict):
            listed = [listed]
        told = {} if self.thinking is None else {"enable_thinking": self.thinking}
        given = {"messages": messages, "tools": listed, "documents": None, "add_generation_prompt": prompt}
        return {**self.tokens, **given, **told}

    def rendered(self, turns: Sequence[Turn], tools: str, *, prompt: bool, change: Callable[[str, bool], str]) -> str:
        """Errors: Refused."""
        try:
            return render(self.source, self.day, self.variables(turns, tools, prompt=prompt, change=change))
        except Exception as error:  # a template's expressions raise whatever Python raises
            raise Refused(str(error).strip() or type(error).__name__) from None

    def _message(self, turn: Turn, change: Callable[[str, bool], str]) -> dict[str, Any]:
        """As templates read it. Thinking stands under all names that they have for it, as transformers does it."""
        answers = turn.role == "assistant"

        def own(text: str) -> str:
            return change(text, answers)

        message = turn.as_json()
        message.pop("weight", None)
        thinking = message.pop("reasoning_content", "")
        calls = message.pop("tool_calls", None)
        made: dict[str, Any] = {"role": message.pop("role"), **{key: own(value) for key, value in message.items()}}
        if thinking and self.inline:
            made["content"] = f"{THINK}\n{own(thinking)}\n{END_OF_THINKING}\n\n{made['content']}"
        elif thinking:
            made |= dict.fromkeys(("reasoning_content", "thinking", "reasoning"), own(thinking))
        if self.parts:
            made["content"] = [{"type": "text", "text": made["content"]}]
        if calls:
            made["tool_calls"] = [self._call(call, own) for call in calls]
        return made

    def _call(self, call: Mapping[str, Any], own: Callable[[str], str]) -> dict[str, Any]:
        function = _changed(call["function"], own)
        if self.texts:
            function["arguments"] = json.dumps(function["arguments"], ensure_ascii=False)
        id = {"id": own(call["id"])} if "id" in call else {}
        return {"type": call["type"], "function": function, **id}

    def opens_thinking(self, prompt: str) -> str:
        """A prompt without the <think> with which it ends, "" where it does not: some templates begin the thinking
        for the model, and leave out of every earlier turn what was thought."""
        return prompt[: prompt.rindex(THINK)] if prompt.rstrip().endswith(THINK) else ""


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """With every string changed, names included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    if isinstance(value, dict):
        plain = ("name", "arguments", "type", "function", "parameters", "properties")
        return {key if key in plain else change(key): _changed(item, change) for key, item in value.items()}
    return value
