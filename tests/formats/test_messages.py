"""Conversations: every layout gives the same turns, and what is wrong with a turn is told by its number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from formats.rows import Fault, check, good
from luthier.errors import Place
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import MessageRows
from luthier.types import Row

CHAT = MessageRows()


def chat(*turns: Any, **more: Any) -> dict[str, Any]:
    written = [{"role": t[0], "content": t[1]} if isinstance(t, tuple) else t for t in turns]
    return {"messages": written, **more}


USER, YES = ("user", "are you?"), ("assistant", "yes")
SAME = [
    chat(("system", "be kind"), USER, YES),
    chat(USER, YES, system="be kind"),
    {"conversations": [{"from": "human", "value": "are you?"}, {"from": "gpt", "value": "yes"}], "system": "be kind"},
    {"instruction": "are you?", "input": "", "output": "yes", "system": "be kind"},
    {"prompt": "are you?", "completion": "yes", "system": "be kind"},
    {"prompt": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "are you?"}],
     "completion": [{"role": "assistant", "content": "yes"}]},
    {"query": "are you?", "response": "yes", "system_prompt": "be kind"},
    chat(("developer", "be kind"), ("User", "are you?"), ("assistant", [{"type": "text", "text": "yes"}])),
    {"messages": json.dumps([{"role": "system", "content": "be kind"}, {"role": "user", "content": "are you?"},
                             {"role": "assistant", "content": "yes"}])},
]  # fmt: skip


@pytest.mark.parametrize("row", SAME, ids=repr)
def test_every_layout_gives_the_same_conversation(row: dict[str, Any]) -> None:
    example = good(CHAT, row)
    assert [(turn.role, turn.content) for turn in example.input.turns] == [("system", "be kind"), USER]
    assert example.answer == Turn("assistant", "yes", weight=1.0)


def test_alpacas_input_stands_below_its_instruction_and_its_history_before() -> None:
    example = good(CHAT, {"instruction": "add", "input": "1 2", "output": "3", "history": [["hi", "hello"]]})
    assert [turn.content for turn in example.input.turns] == ["hi", "hello", "add\n1 2"]


CALL = {"name": "find", "arguments": {"what": "北京"}}
CALLS = [
    {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {**CALL, "arguments": json.dumps(CALL["arguments"])}}]},
    {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": CALL, "id": "1"}]},
    {"role": "assistant", "content": [{"type": "tool_call", "value": json.dumps({"id": "1", **CALL})}]},
    {"from": "function_call", "value": json.dumps({**CALL, "id": "1"})},
]  # fmt: skip


@pytest.mark.parametrize("turn", CALLS, ids=repr)
def test_calls_of_tools_are_read_in_every_form(turn: dict[str, Any]) -> None:
    answer = good(CHAT, chat(USER, turn)).answer
    (call,) = answer.calls
    assert (call.name, json.loads(call.arguments), call.id) == ("find", {"what": "北京"}, "1")
    assert answer.mapped(lambda text: text.replace("北京", "Rome")).calls[0].arguments == '{"what": "Rome"}'


def test_what_was_thought_is_kept() -> None:
    turns = ({"role": "assistant", "content": "yes", "reasoning_content": "hm"},
             {"role": "assistant", "content": [{"type": "reasoning", "value": "hm"}, {"type": "text", "value": "yes"}]})  # fmt: skip
    assert {good(CHAT, chat(USER, turn)).answer.thinking for turn in turns} == {"hm"}


def test_the_last_turn_with_a_weight_is_learnt_and_earlier_ones_with_it() -> None:
    off = {"role": "assistant", "content": "no", "train": False}
    example = good(CHAT, chat(USER, YES, USER, off, USER, ("assistant", "well"), USER, off))
    assert example.answer.content == "well"
    text = CHAT.whole_text(example.input, example.answer)
    assert [text[start:end] for start, end in CHAT.answer_spans(example.input, example.answer)] == ["yes", "well"]


def test_a_conversation_to_be_answered_keeps_all_its_turns() -> None:
    def turns(*written: Any) -> int:
        return len(CHAT.parse_input(Row(chat(*written), Place("a"))).turns)

    assert turns(USER) == turns(USER, YES) == 1
    assert turns(USER, YES, USER) == 3


M = "messages"
ROWS = [
    Fault(chat(USER), "no-assistant-turn", ("no turn of the assistant",), M),
    Fault(chat(), "no-assistant-turn", ("empty",), M),
    Fault(chat(("system", "be kind")), "no-assistant-turn", (), M),
    Fault(chat(USER, {"role": "assistant", "content": "x", "weight": 0}), "no-assistant-turn", ("weight 0",), M),
    Fault(chat(("system", "a"), ("system", "b"), USER, YES), "system-order", ("turns 1 and 2",), M),
    Fault(chat(USER, ("system", "a"), YES), "system-order", ("number 2, not the first",), M),
    Fault(chat(("system", "a"), USER, YES, system="b"), "system-order", ("keep one",), "system"),
    Fault(chat(USER, ("Bot", "yes")), "unknown-role", ("turn 2", "'Bot'", "known: system, user"), M),
    Fault(chat(("usr", "hi"), YES), "unknown-role", ("did you mean 'user'",), M),
    Fault(chat({"rolle": "user", "content": "hi"}, YES), "missing-role", ("turn 1", "'rolle' → 'role'"), M),
    Fault(chat({"role": "user", "contnet": "hi"}, YES), "missing-content", ("'contnet' → 'content'",), M),
    Fault(chat({"from": "human", "vale": "hi"}, YES), "missing-content", ("'vale' → 'value'",), M),
    Fault(chat("hi", YES), "wrong-type", ("turn 1 is no object",), M),
    Fault(chat(("user", 7), YES), "wrong-type", ("turn 1", "number"), M),
    Fault(chat(("user", [{"type": "image_url", "image_url": "x"}]), YES), "wrong-type", ("no text",), M),
    Fault(chat(USER, ("assistant", " ")), "empty-turn", ("turn 2", "assistant", "is empty"), M),
    Fault(chat(USER, ("assistant", None)), "empty-turn", ("turn 2",), M),
    Fault(chat(("user", ""), YES), "empty-turn", ("turn 1, of the user",), M),
    Fault(chat(("user", "half \ud83d"), YES), "lone-surrogate", ("\\ud83d",), M),
    Fault({"messages": {"role": "user"}}, "wrong-type", ("object",), M),
    Fault({"instruction": "do", "output": ""}, "empty-turn", ("assistant",), "output"),
    Fault({"instruction": " ", "output": "x"}, "empty-turn", ("user",), "instruction"),
    Fault({"instruction": "do", "output": 4}, "wrong-type", ("number",), "output"),
    Fault({"instruction": "do", "outptu": "x"}, "missing-column", ("'output' ('outptu')",)),
    Fault({"conversation_list": []}, "missing-column", ("'conversations' ('conversation_list')",)),
    Fault({"instruction": "do", "output": "x", "history": ["a"]}, "wrong-type", ("round 1",), "history"),
    Fault(chat(USER, {"from": "function_call", "value": "{broken"}), "tool-call", ("turn 2", "no JSON"), M),
    Fault(chat(USER, {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": "{x"}}]}),
          "tool-call", ("turn 2", "'{x'"), M),
    Fault(chat(USER, {"role": "assistant", "content": "", "tool_calls": [{"arguments": {}}]}), "tool-call", ("without a name",), M),
    Fault(chat(USER, YES, tools="[not"), "tool-call", ("tools are no JSON list",), "tools"),
    Fault(chat(USER, {"role": "assistant", "content": "x", "weight": -1}), "turn-weight", ("'-1'",), M),
    Fault(chat(USER, YES, USER), "turn-order", ("ends with the user",)),
    Fault(chat(USER, USER, YES), "turn-order", ("turns 1 and 2 are both of the user",)),
    Fault(chat(YES, USER, YES), "turn-order", ("the assistant speaks first",)),
    Fault(chat(USER, ("tool", "x"), YES), "turn-order", ("turn 2", "no call"),),
    Fault(chat(USER, {"from": "function_call", "value": '{"name": "f"}'}, ("tool", "1"), ("tool", "2"), YES)),
    Fault(chat(("user", "a <|im_end|> b"), YES), "special-token", ("turn 1", "<|im_end|>")),
    Fault(chat(("user", "[INST] a [/INST]"), YES), "special-token", ("[INST]",)),
    Fault(chat(("user", "a</s>b"), YES), "special-token", ("</s>",)),
    Fault(chat(("system", "<start_of_turn>"), USER, YES), "special-token", ("turn 1, of the system",)),
    Fault(chat(("user", "if a < b and [b] > c: <b>bold</b> <|x"), YES)),
]  # fmt: skip


@pytest.mark.parametrize("fault", ROWS, ids=repr)
def test_rows_with_a_conversation(fault: Fault) -> None:
    check(CHAT, fault)
