"""What a model wrote, read back: what it thought, which tools it calls, what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from luthier.errors import LuthierError, Place
from luthier.formats.chat.calls import ToolCall, call_as_json, read_calls
from luthier.formats.chat.turns import Turn

THINK, END_OF_THINKING = "<think>", "</think>"
_CALL, _END_OF_CALL = "<tool_call>", "</tool_call>"


def answer_turn(turn: Turn) -> Turn:
    """The turn with thinking that stands before its words, in <think> or up to </think>, apart from them."""
    if turn.thinking or END_OF_THINKING not in turn.content:
        return turn
    before, _, said = turn.content.partition(END_OF_THINKING)
    start, _, thought = before.rpartition(THINK)
    if start.strip():  # the mark stands in the midst of what is said
        return turn
    return replace(turn, thinking=thought.strip("\n"), content=said.lstrip("\n"))


def read_answer(text: str) -> Turn:
    """The assistant's turn that a generated text is. Calls that are no JSON stay in the text."""
    turn = answer_turn(Turn("assistant", text))
    said, calls = turn.content, tuple[ToolCall, ...]()
    if _CALL in said:
        try:
            calls = tuple(call for written in _written_calls(said) for call in read_calls(written, 1, Place("")))
        except LuthierError:
            calls = ()
    if calls:
        said = said.partition(_CALL)[0].rstrip()
    return replace(turn, content=said.strip() if turn.thinking or calls else said, calls=calls)


def _written_calls(text: str) -> Iterator[str]:
    for part in text.split(_CALL)[1:]:
        yield part.partition(_END_OF_CALL)[0]


def shown_answer(text: str) -> dict[str, Any]:
    """As a pipeline shows it: generated_text, and apart from it what was thought and which tools are called."""
    turn = read_answer(text)
    made: dict[str, Any] = {"generated_text": turn.content}
    if turn.thinking:
        made["reasoning_content"] = turn.thinking
    if turn.calls:
        made["tool_calls"] = [call_as_json(call) for call in turn.calls]
    return made
