"""A conversation whose last answer is learnt, and earlier ones with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

from luthier.errors import DataError, Problem, nearest_name, shown
from luthier.formats.cells.columns import named, values_of
from luthier.formats.cells.lists import as_list
from luthier.formats.chat.calls import read_tools
from luthier.formats.chat.conversations import instruction_turns, message_turns
from luthier.formats.chat.special import special_token
from luthier.formats.chat.turns import Turn
from luthier.formats.format import Format
from luthier.language import t
from luthier.types import Column, Example, Row


@dataclass(frozen=True, slots=True)
class Conversation:
    """turns: up to the one that is to be answered. tools: a JSON list of those that may be called, "" for none."""

    turns: tuple[Turn, ...]
    tools: str = ""


class MessageRows(Format[Conversation, Turn]):
    """messages, ShareGPT's conversations, Alpaca's instruction[,input],output and prompt,completion."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("messages", ("conversations", "conversation", "chat", "turns", "dialog", "对话"), required=False),
        Column("input", ("输入",), required=False),
        Column("prompt", ("instruction", "query", "question", "指令", "提问"), required=False),
        Column("completion", ("output", "response", "answer", "输出", "回答"), required=False, is_answer=True),
        Column("system", ("system_prompt",), required=False),
        Column("history", required=False),
        Column("tools", ("functions",), required=False),
    )
    tasks: ClassVar[tuple[str, ...]] = ("sft",)
    several_layouts: ClassVar[bool] = True

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        messages = [as_list(value) for value in values_of(first, named(columns, self.columns[0]))]
        if messages and all(m and all(isinstance(turn, dict) for turn in m) for m in messages if m is not None):
            return 1.0 if any(messages) else 0.0
        names = {name.strip().casefold() for name in columns}
        pairs = (("instruction", "output"), ("instruction", "response"), ("prompt", "completion"),
                 ("prompt", "response"), ("query", "response"), ("指令", "输出"), ("指令", "回答"))  # fmt: skip
        return 0.9 if any(names.issuperset(pair) for pair in pairs) else 0.0

    def parse(self, row: Row) -> Example[Conversation, Turn]:
        turns = self._turns(row)
        learnt = [i for i, turn in enumerate(turns) if turn.role == "assistant" and turn.weight > 0]
        if not learnt:
            silent = not any(turn.role == "assistant" for turn in turns)
            what = t("no turn of the assistant: there is nothing to learn") if silent else t(
                "every turn of the assistant has weight 0: there is nothing to learn")  # fmt: skip
            fix = t("add what the assistant answers, or remove the row")
            raise DataError.at(replace(row.place, column="messages"), what, fix, code="no-assistant-turn")
        last = learnt[-1]
        tools = read_tools(row.values.get("tools"), replace(row.place, column="tools"))
        return Example(Conversation(turns[:last], tools), turns[last], row.place, row.number, written=turns[-1].role)

    def parse_input(self, row: Row) -> Conversation:
        turns = self._turns(row, with_answer=False)
        tools = read_tools(row.values.get("tools"), replace(row.place, column="tools"))
        return Conversation(turns[:-1] if turns[-1].role == "assistant" else turns, tools)

    def _turns(self, row: Row, *, with_answer: bool = True) -> tuple[Turn, ...]:
        values = row.values
        if values.get("messages") is not None:
            return message_turns(row)
        asked = values.get("prompt") is not None or values.get("input") is not None
        if asked and (values.get("completion") is not None or not with_answer):
            return instruction_turns(row)
        raise _no_columns(row)

    def as_row(self, input: Conversation, answer: Turn) -> dict[str, Any]:
        tools = {"tools": input.tools} if input.tools else {}
        return {"messages": [turn.as_json() for turn in (*input.turns, answer)], **tools}

    def remarks(self, example: Example[Conversation, Turn]) -> Iterator[Problem]:
        turns = (*example.input.turns, example.answer)
        for code, what, fix in (*_order(turns, example.written), *_forged(turns)):
            yield Problem(example.place, what, fix, code)

    def plain_text(self, input: Conversation) -> str:
        return "\n".join(turn.text for turn in input.turns)

    def told(self, input: Conversation) -> str:
        return "\n".join(f"{t(turn.role)}: {turn.text}" for turn in input.turns)

    def answer_text(self, answer: Turn) -> str:
        return answer.text

    def answer_spans(self, input: Conversation, answer: Turn) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        start = 0
        for turn in (*input.turns, answer):
            end = start + len(turn.text)
            if turn.weight > 0:
                spans.append((start, end))
            start = end + 1
        return spans

    def map_texts(self, input: Conversation, change: Callable[[str], str]) -> Conversation:
        return Conversation(tuple(turn.mapped(change) for turn in input.turns), input.tools)

    def map_answer(self, answer: Turn, change: Callable[[str], str], before: Conversation, after: Conversation) -> Turn:
        return answer.mapped(change)


def _order(turns: Sequence[Turn], last_role: str) -> Iterator[tuple[str, str, str]]:
    """What chat templates may refuse or join: at most one remark a row."""
    said = [(i, turn.role) for i, turn in enumerate(turns, 1) if turn.role != "system"]
    fix = t("most chat templates want user and assistant by turns; check how yours renders it")
    if said[0][1] == "assistant":
        yield "turn-order", t("the assistant speaks first"), fix
        return
    for (_, one), (number, two) in pairwise(said):
        if one == two != "tool":
            yield "turn-order", t("turns {one} and {two} are both of the {role}", one=number - 1, two=number,
                                  role=t(two)), fix  # fmt: skip
            return
        if two == "tool" and one == "user":
            yield "turn-order", t("turn {number} is a tool's and no call stands before it", number=number), fix
            return
    if last_role not in ("assistant", "tool"):
        fix = t("the turns behind the assistant's last one are left out of training")
        yield "turn-order", t("the conversation ends with the {role}", role=t(last_role)), fix


def _forged(turns: Sequence[Turn]) -> Iterator[tuple[str, str, str]]:
    for number, turn in enumerate(turns, 1):
        found = None if turn.weight > 0 and turn.role == "assistant" else special_token(turn.content)
        if found is not None:
            what = t("turn {number}, of the {role}, holds {token}, which chat templates use to mark turns",
                     number=number, role=t(turn.role), token=shown(found))  # fmt: skip
            fix = t("it is encoded as plain text, never as a control token; remove it if it is left from a template")
            yield "special-token", what, fix
            return


def _no_columns(row: Row) -> DataError:
    known = ("messages", "conversations", "instruction", "output", "prompt", "completion", "response")
    keys = [str(key) for key in row.values]
    near = {key: name for key in keys if key not in known and (name := nearest_name(key, known))}
    what = t("no messages, no prompt with a completion; the row has {keys}", keys=shown(", ".join(keys), 80))
    if near:
        fix = t("did you mean {names}?", names=", ".join(f"'{name}' ({shown(key)})" for key, name in near.items()))
    else:
        fix = t("write messages, conversations, instruction and output, or prompt and completion")
    return DataError.at(row.place, what, fix, code="missing-column")
