"""What a client wants answered, in the task's own form: the messages of a chat with its tools, the prompts of a
completion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from luthier.chat.heard import Reader
from luthier.errors import LuthierError
from luthier.language import t
from luthier.production.requests import MOST_ITEMS, Refusal, read_items
from luthier.production.v1 import asked

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.artifact import Predictor
    from luthier.writer import Writer

_FIELDS = ("role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content")
_ROLES = ("system", "developer", "user", "assistant", "tool")


def read_messages(predictor: Predictor, body: Mapping[str, Any]) -> tuple[Any, Reader]:
    """The conversation in the task's own form, and what reads its answer. Errors: Refusal."""
    writer: Writer[Any, Any] = predictor.codec.task  # type: ignore[assignment]  whoever asks has made sure
    if not writer.converses:
        what = t("{task} continues texts and knows no turns; ask /v1/completions", task=predictor.codec.task.name)
        raise Refusal(400, what, param="model", code="unsupported_model")
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
    tools = _tools(body)
    form = writer.call_form(predictor.codec.text) if tools else None
    reader = Reader(form, tuple(tool["function"]["name"] for tool in tools))
    try:
        return writer.as_sent({"messages": messages, **({"tools": tools} if tools else {})}), reader
    except LuthierError as error:
        problem = error.problems[0]
        raise Refusal(400, problem.what, param="messages", code=problem.code) from None


def prompt_of(body: Mapping[str, Any], item: int) -> str:
    """Of a completion that was read."""
    return body["prompt"] if isinstance(body["prompt"], str) else body["prompt"][item]


def read_prompts(predictor: Predictor, body: Mapping[str, Any]) -> list[Any]:
    """The texts of a completion in the task's own form. Errors: Refusal."""
    prompt = body.get("prompt")
    if prompt is None:
        raise asked.missing("prompt")
    texts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise asked.bad_value("prompt", t("prompt is a text or a list of texts; token ids are not taken"))
    if len(texts) > MOST_ITEMS:
        raise asked.bad_value("prompt", t("more than {most} inputs", most=MOST_ITEMS))
    return read_items(predictor, texts, "prompt")


def _tools(body: Mapping[str, Any]) -> list[Any]:
    """Those that the model is told of. Errors: Refusal."""
    tools, choice = body.get("tools") or [], body.get("tool_choice") or "auto"
    if not isinstance(tools, list):
        raise asked.bad_value("tools", t("tools is a list of objects"))
    for number, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise asked.bad_value(f"tools[{number}]", t("a tool is of type function and has a function with a name"))
        if function.get("strict"):
            raise asked.unsupported(f"tools[{number}].function.strict")
    if choice not in ("auto", "none"):
        raise asked.unsupported("tool_choice")
    return tools if choice == "auto" else []


def _check_message(message: Any, where: str) -> None:
    if not isinstance(message, dict):
        raise asked.bad_value(where, t("a message is an object with role and content"))
    if message.get("role") not in _ROLES:
        raise asked.bad_value(f"{where}.role", t("role is one of {roles}", roles=", ".join(_ROLES)))
    for name, value in message.items():
        if name not in _FIELDS and value not in (None, [], "", {}):
            raise asked.unknown(f"{where}.{name}", _FIELDS)
