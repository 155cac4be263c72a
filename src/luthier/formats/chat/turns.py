"""What one turn of a conversation is, and how people write it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from luthier.errors import DataError, Place, did_you_mean, nearest_name, shown
from luthier.formats.cells.text import kind_of, refuse_surrogates
from luthier.formats.chat.calls import ToolCall, call_as_json, read_calls
from luthier.language import t

ROLES = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant",
    "gpt": "assistant", "model": "assistant", "chatgpt": "assistant", "function_call": "assistant", "tool": "tool",
    "function": "tool", "observation": "tool", "ipython": "tool",
}  # fmt: skip
"""What people call the four roles; the last but three are those of ShareGPT."""
_ROLE, _CONTENT = ("role", "from"), ("content", "value")
_THINKING = ("reasoning_content", "thinking", "reasoning")
_WEIGHT = ("weight", "loss_weight", "train")


@dataclass(frozen=True, slots=True)
class Turn:
    """role: system, user, assistant or tool. calls: what an assistant asks tools for. name, call_id: of a tool, and
    of the call that it answers. weight: how much each token counts in the loss; what others than the assistant say
    is not learnt unless the user gives it a weight."""

    role: str
    content: str
    thinking: str = ""
    calls: tuple[ToolCall, ...] = ()
    name: str = ""
    call_id: str = ""
    weight: float = 0.0

    @property
    def text(self) -> str:
        """All that is said in it, one thing a line."""
        return "\n".join(part for part in (self.thinking, self.content, *(str(call) for call in self.calls)) if part)

    def mapped(self, change: Callable[[str], str]) -> Turn:
        """With every text changed, those in the arguments of calls too."""
        calls = tuple(call.mapped(change) for call in self.calls)
        thinking = change(self.thinking) if self.thinking else ""
        return replace(self, content=change(self.content) if self.content else "", thinking=thinking, calls=calls)

    def as_json(self) -> dict[str, Any]:
        """As a list of messages has it."""
        extra: dict[str, Any] = {"reasoning_content": self.thinking, "name": self.name, "tool_call_id": self.call_id}
        if self.calls:
            extra["tool_calls"] = [call_as_json(call) for call in self.calls]
        if self.weight != usual_weight(self.role):
            extra["weight"] = self.weight
        return {"role": self.role, "content": self.content, **{k: v for k, v in extra.items() if v or k == "weight"}}


def usual_weight(role: str) -> float:
    return 1.0 if role == "assistant" else 0.0


def read_turn(value: Any, number: int, place: Place) -> Turn:
    """{"role": …, "content": …} or ShareGPT's {"from": …, "value": …}. number: from 1. Errors: DataError."""
    if not isinstance(value, Mapping):
        what = t("turn {number} is no object: {value}", number=number, value=shown(value))
        raise DataError.at(place, what, t('write {"role": "user", "content": "…"}'), code="wrong-type")
    said = _first(value, _ROLE)
    if said is None or said == "":
        raise _missing(t("role"), _ROLE, value, number, place, "missing-role")
    role = ROLES.get(str(said).strip().casefold())
    if role is None:
        what = t("turn {number} has the unknown role {role}", number=number, role=shown(said))
        known = ("system", "user", "assistant", "tool", "human", "gpt", "function_call", "observation")
        fix = did_you_mean(str(said), known) + " " + t("(known: {roles})", roles=", ".join(known))
        raise DataError.at(place, what, fix, code="unknown-role")
    content, thinking, calls = _content(value, role, str(said).strip().casefold(), number, place)
    if not (content.strip() or calls or role in ("system", "tool")):
        what = t("turn {number}, of the {role}, is empty", number=number, role=t(role))
        raise DataError.at(place, what, t("write what is said there, or remove the row"), code="empty-turn")
    for text in (content, thinking):
        refuse_surrogates(text, place)
    name, call_id = (value.get(key) for key in ("name", "tool_call_id"))
    weight = _weight(value, role, number, place)
    return Turn(role, content, thinking, calls, str(name or ""), str(call_id or ""), weight)


def _content(
    value: Mapping[str, Any], role: str, said: str, number: int, place: Place
) -> tuple[str, str, tuple[ToolCall, ...]]:
    """What is said, what was thought before, which tools are called."""
    thinking = str(_first(value, _THINKING) or "")
    written = value.get("tool_calls") or value.get("function_call") or ()
    calls = [*read_calls(written, number, place)]
    content = _first(value, _CONTENT)
    if content is None:
        if not calls and not any(key in value for key in _CONTENT):
            raise _missing(t("content"), _CONTENT, value, number, place, "missing-content")
        content = ""
    if said == "function_call":
        return "", thinking, tuple(read_calls(content, number, place))
    if isinstance(content, (list, tuple)):
        parts = list(_parts(content, number, place))
        calls += (call for kind, text in parts if kind == "tool_call" for call in read_calls(text, number, place))
        thinking = "\n".join([*filter(None, [thinking]), *(text for kind, text in parts if kind == "thinking")])
        content = "".join(text for kind, text in parts if kind == "text")
    if isinstance(content, Mapping) and role == "tool":
        content = json.dumps(content, ensure_ascii=False)
    if not isinstance(content, str):
        what = t("what is said in turn {number} is of type {kind}", number=number, kind=kind_of(content))
        raise DataError.at(place, what, t("write it as a string"), code="wrong-type")
    return content, thinking, tuple(calls)


def _parts(content: Any, number: int, place: Place) -> Iterator[tuple[str, Any]]:
    """The pieces of a content list: {"type": "text", "text": …} as OpenAI has it, or with "value"."""
    for part in content:
        kind = part.get("type") if isinstance(part, Mapping) else "text"
        text = _first(part, ("text", "value", "thinking", "reasoning")) if isinstance(part, Mapping) else part
        kinds = {"text": "text", "reasoning": "thinking", "thinking": "thinking", "tool_call": "tool_call"}
        if kind not in kinds or not isinstance(text, str):
            what = t("turn {number} holds a part that is no text: {value}", number=number, value=shown(part))
            raise DataError.at(place, what, t("leave such parts out; only texts are learnt"), code="wrong-type")
        yield kinds[kind], text


def _weight(value: Mapping[str, Any], role: str, number: int, place: Place) -> float:
    weight = _first(value, _WEIGHT)
    if weight is None:
        return usual_weight(role)
    if not isinstance(weight, (int, float)) or not math.isfinite(weight) or weight < 0:
        what = t("turn {number} has the weight {value}", number=number, value=shown(weight))
        raise DataError.at(place, what, t("write true, false, or a number from 0"), code="turn-weight")
    return float(weight)


def _missing(
    what: str, names: tuple[str, ...], value: Mapping[str, Any], number: int, place: Place, code: str
) -> DataError:
    keys = shown(", ".join(map(str, value)) or "{}")
    near = next((f"{shown(key)} → '{name}'" for key in value if (name := nearest_name(str(key), names))), None)
    said = t("turn {number} has no {what}, only {keys}", number=number, what=what, keys=keys)
    fix = t("did you mean {name}?", name=near) if near else t("write {names}", names=" / ".join(names))
    return DataError.at(place, said, fix, code=code)


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)
