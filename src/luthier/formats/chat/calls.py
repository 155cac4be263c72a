"""Calls of tools, as an assistant writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from luthier.errors import DataError, Place, shown
from luthier.language import t


@dataclass(frozen=True, slots=True)
class ToolCall:
    """arguments: a JSON object as text, so that a call can be hashed and compared."""

    name: str
    arguments: str
    id: str = ""

    def __str__(self) -> str:
        return f'{{"name": {json.dumps(self.name, ensure_ascii=False)}, "arguments": {self.arguments}}}'

    def mapped(self, change: Callable[[str], str]) -> ToolCall:
        """With every text in the arguments changed."""
        return ToolCall(self.name, as_text(_mapped(json.loads(self.arguments), change)), self.id)


def call_as_json(call: ToolCall) -> dict[str, Any]:
    """As OpenAI's messages have it, the arguments as an object."""
    function = {"name": call.name, "arguments": json.loads(call.arguments)}
    return {"type": "function", "function": function, **({"id": call.id} if call.id else {})}


def read_calls(value: Any, number: int, place: Place) -> Iterator[ToolCall]:
    """One call or a list of them, as objects or as JSON text. number: of the turn. Errors: DataError."""
    found = _parsed(value, number, place) if isinstance(value, str) else value
    for call in found if isinstance(found, (list, tuple)) else [found]:
        function = call.get("function", call) if isinstance(call, Mapping) else None
        name = function.get("name") if isinstance(function, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(name, str) or not name:
            what = t("turn {number} calls a tool without a name: {value}", number=number, value=shown(call))
            fix = t('write {"name": "…", "arguments": {…}}')
            raise DataError.at(place, what, fix, code="tool-call")
        arguments = function.get("arguments", function.get("parameters"))
        if isinstance(arguments, str):
            arguments = _parsed(arguments, number, place)
        id = call.get("id") if isinstance(call, Mapping) else None
        yield ToolCall(name, as_text({} if arguments is None else arguments), str(id or ""))


def read_tools(value: Any, place: Place) -> str:
    """The tools that a conversation may call as a JSON list, "" for none. Errors: DataError."""
    if value is None or value == "" or value == []:
        return ""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, (list, dict)):
        what, fix = t("the tools are no JSON list: {value}", value=shown(value)), t("write a list of objects")
        raise DataError.at(place, what, fix, code="tool-call")
    return as_text(found) if found else ""


def as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _parsed(text: str, number: int, place: Place) -> Any:
    try:
        return json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        what = t("the tool call of turn {number} is no JSON ({error}): {value}", number=number,
                 error=getattr(error, "msg", type(error).__name__), value=shown(text))  # fmt: skip
        raise DataError.at(place, what, t('write {"name": "…", "arguments": {…}}'), code="tool-call") from None


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    return {key: _mapped(item, change) for key, item in value.items()} if isinstance(value, dict) else value
