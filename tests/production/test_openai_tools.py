"""Calls of tools and thinking, in a chat's answers."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from luthier.writing.next_token import one_of
from production.helpers import Server, refused, saved, serving, user
from tiny_causal import write_causal

pytestmark = pytest.mark.slow


class TestTools:
    """A base model is given ChatML, which writes calls as JSON in <tool_call>."""

    TOOLS: ClassVar[Any] = [
        {"type": "function", "function": {"name": "track", "parameters": {"type": "object", "properties": {}}}}
    ]  # fmt: skip
    CALL = 'I look.\n<tool_call>\n{"name": "track", "arguments": {"id": "快 7"}}\n</tool_call>'

    @pytest.fixture(scope="class")
    def calling(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
        place = tmp_path_factory.mktemp("calling")
        predictor = saved("sft", write_causal(place / "base", None), place, max_new_tokens=100)
        with serving(predictor) as server:
            yield server

    def said(self, server: Server, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        """From now on the model can say nothing else."""
        task, tokenizer = server.predictor.codec.task, server.predictor.codec.text.tokenizer
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        allowed = one_of([[*ids, task.stop_ids[0]]], task.stop_ids)
        continued = type(task).continued
        forced = lambda *given, **more: continued(*given, **more, allowed=allowed)  # noqa: E731
        monkeypatch.setattr(type(task), "continued", forced)

    def test_calls_come_back_as_openai_has_them(self, calling: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said(calling, monkeypatch, self.CALL)
        client = calling.client()
        asked = {"model": calling.model, "messages": user("where?"), "tools": self.TOOLS}
        (choice,) = client.chat.completions.create(**asked).choices
        (call,) = choice.message.tool_calls
        assert (choice.finish_reason, choice.message.content) == ("tool_calls", "I look.")
        assert (call.type, call.function.name) == ("function", "track")
        assert json.loads(call.function.arguments) == {"id": "快 7"} and call.id
        pieces = [piece.choices[0] for piece in client.chat.completions.create(**asked, stream=True)]
        (told,) = [piece.delta.tool_calls for piece in pieces if piece.delta.tool_calls]
        assert (told[0].index, told[0].function.name) == (0, "track")
        assert "".join(piece.delta.content or "" for piece in pieces) == "I look."
        assert pieces[-1].finish_reason == "tool_calls"
        answered = [*user("where?"), choice.message, {"role": "tool", "tool_call_id": call.id, "content": "Ulm"}]
        assert client.chat.completions.create(**{**asked, "messages": answered}).usage.prompt_tokens > 20

    def test_without_tools_it_is_text(self, calling: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said(calling, monkeypatch, self.CALL)
        client = calling.client()
        for more in ({}, {"tools": self.TOOLS, "tool_choice": "none"}):
            (choice,) = client.chat.completions.create(model=calling.model, messages=user("a"), **more).choices
            assert choice.message.content == self.CALL and choice.finish_reason == "stop"

    def test_thinking_is_told_apart(self, calling: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said(calling, monkeypatch, "<think>\nhm\n</think>\n\nso")
        client = calling.client()
        asked = {"model": calling.model, "messages": user("a")}
        (choice,) = client.chat.completions.create(**asked).choices
        assert (choice.message.content, choice.message.reasoning_content) == ("so", "hm")
        deltas = [piece.choices[0].delta for piece in client.chat.completions.create(**asked, stream=True)]
        assert [d.reasoning_content for d in deltas if getattr(d, "reasoning_content", None)] == ["hm"]
        assert "".join(d.content or "" for d in deltas) == "so"

    def test_a_template_that_knows_no_tools_refuses_them(self, server: Server, client: Any) -> None:
        error = refused(client, model=server.model, tools=self.TOOLS)
        assert error["param"] == "messages" and "tools" in error["message"]
