"""What a template makes of two calls tells how calls are read; an answer in pieces tells what it tells as a whole."""

import json
from collections.abc import Callable, Sequence

import pytest

from luthier.chat.calling import ASKED, find_form
from luthier.chat.heard import SAID, THOUGHT, Reader
from luthier.chat.rule import Refused
from luthier.formats.chat.calls import ToolCall
from luthier.formats.chat.turns import Turn

CALLS = (
    ToolCall("look_up", '{"city": "Ulm", "n": [1, {"a": "}"}]}', "x12345678"),
    ToolCall("a.b-c", "{}", "y12345678"),
)
NAMES = ("look_up", "a.b-c")


def chatml(turn: Turn) -> str:
    return "\n".join(
        f'<tool_call>\n{{"name": "{c.name}", "arguments": {c.arguments}}}\n</tool_call>' for c in turn.calls
    )


def listed(turn: Turn) -> str:
    calls = (f'{{"name": "{c.name}", "arguments": {c.arguments}, "id": "{c.id}"}}' for c in turn.calls)
    return f"[{', '.join(calls)}]"


def alone(turn: Turn) -> str:
    first, *others = turn.calls
    if others:
        raise Refused("one call at a time")
    return f'{{"name": "{first.name}", "parameters": {first.arguments}}}'


def fenced(turn: Turn) -> str:
    return "\n".join(f"function:{c.name}\n```json\n{c.arguments}\n```" for c in turn.calls)


def marked_up(turn: Turn) -> str:
    call = turn.calls[0]
    values = json.loads(call.arguments).items()
    return f"<function={call.name}>" + "".join(f"<parameter={k}>{v}</parameter>" for k, v in values) + "</function>"


@pytest.mark.parametrize("written", [chatml, listed, alone, fenced])
class TestForms:
    def test_calls_are_read_as_the_template_writes_them(self, written: Callable[[Turn], str]) -> None:
        form = find_form(written)
        assert form is not None
        for count in (1, 2) if written is not alone else (1,):
            text = written(Turn("assistant", "", calls=CALLS[:count]))
            for before in ("", "One moment.\n"):
                said, calls = form.read(before + text, NAMES)
                assert said == before.strip()
                assert [(c.name, json.loads(c.arguments)) for c in calls] == [
                    (c.name, json.loads(c.arguments)) for c in CALLS[:count]
                ]

    def test_white_space_may_differ(self, written: Callable[[Turn], str]) -> None:
        form = find_form(written)
        assert form is not None
        text = written(Turn("assistant", "", calls=CALLS[:1]))
        for other in (text.replace(" ", ""), text.replace("{", "{ ").replace("\n", "\n\n")):
            assert [call.name for call in form.read(other, NAMES)[1]] == ["look_up"]

    def test_what_is_no_call_of_a_known_tool_stays_text(self, written: Callable[[Turn], str]) -> None:
        form = find_form(written)
        assert form is not None
        text = written(Turn("assistant", "", calls=CALLS[:1]))
        for other in (text.replace("look_up", "rm"), text[: text.index("Ulm")], "nothing", ""):
            assert form.read(other, NAMES) == (other, ())


def test_a_template_that_writes_no_json_or_no_calls_has_no_form() -> None:
    def refusing(turn: Turn) -> str:
        raise Refused("no tools here")

    assert find_form(marked_up) is None and find_form(refusing) is None
    assert find_form(lambda turn: turn.content) is None
    assert len(json.loads(ASKED)) == 2


CALLED = chatml(Turn("assistant", "", calls=CALLS))
ANSWERS = [
    "plain words", "", "<think>\nhm, well\n</think>\n\nso it is", "<think>never ended", "a <think> midst</think> x",
    "<thinking about it", "<think></think>yes", "  <b>", "<think>\n\n</think>\n\n",
    "I look.\n" + CALLED, "<think>hm</think>" + CALLED,
    "<tool_call> is how one begins", '<tool_call>\n{"name": "rm", "arguments": {}}\n</tool_call>',
]  # fmt: skip


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("tools", [False, True])
def test_an_answer_in_pieces_tells_what_it_tells_as_a_whole(opened: bool, tools: bool) -> None:
    for text in (answer.strip() for answer in ANSWERS):
        for size in (1, 2, 3, 7, 1000):
            reader = Reader(find_form(chatml) if tools else None, NAMES, opened)
            turn, told = reader.read(text), followed(reader, text, size)
            assert (told[THOUGHT], told[SAID]) == (turn.thinking, turn.content), (text, size)
            if not tools:
                assert turn.calls == ()
            elif "rm" not in text:
                assert len(turn.calls) == 2 * ("look_up" in text)


def followed(reader: Reader, text: str, size: int) -> dict[str, str]:
    """All that is told, where the text comes in pieces; from a mark on nothing comes before the end."""
    following, told = reader.follow(), {THOUGHT: "", SAID: ""}
    ends = [text.find(mark) for mark in reader.marks if mark in text]
    coming: Sequence[str] = text[: min(ends, default=len(text))].rstrip()
    for start in range(0, len(coming), size):
        for kind, piece in following.add(coming[start : start + size]):
            assert piece
            told[kind] += piece
    for kind, piece in following.end(reader.read(text)):
        told[kind] += piece
    return told
