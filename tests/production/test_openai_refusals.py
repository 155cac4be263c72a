"""What cannot be done is refused in OpenAI's shape, never ignored."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest

from production.helpers import Server, refused, user

pytestmark = pytest.mark.slow

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": []}, "messages", "invalid_value"),
    ({"messages": [{"role": "wizard", "content": "a"}]}, "messages[0].role", "invalid_value"),
    ({"messages": [{"role": "user", "content": 3}]}, "messages", "wrong-type"),
    ({"messages": [{"role": "user", "content": "a", "mood": "x"}]}, "messages[0].mood", "unknown_parameter"),
    ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "messages[1]",
     "invalid_value"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "messages",
     "wrong-type"),
    ({"n": 2}, "n", "unsupported_parameter"),
    ({"logprobs": True}, "logprobs", "unsupported_parameter"),
    ({"presence_penalty": 0.5}, "presence_penalty", "unsupported_parameter"),
    ({"frequency_penalty": -1}, "frequency_penalty", "unsupported_parameter"),
    ({"logit_bias": {"3": 5}}, "logit_bias", "unsupported_parameter"),
    ({"response_format": {"type": "json_object"}}, "response_format", "unsupported_parameter"),
    ({"reasoning_effort": "low"}, "reasoning_effort", "unsupported_parameter"),
    ({"tool_choice": "required"}, "tool_choice", "unsupported_parameter"),
    ({"extra_body": {"temprature": 1}}, "temprature", "unknown_parameter"),
    ({"temperature": 3}, "temperature", "invalid_value"),
    ({"temperature": "hot"}, "temperature", "invalid_value"),
    ({"top_p": 0.5}, "top_p", "invalid_value"),
    ({"top_p": 0, "temperature": 1}, "top_p", "invalid_value"),
    ({"max_tokens": 0}, "max_tokens", "invalid_value"),
    ({"max_tokens": 3, "max_completion_tokens": 4}, "max_completion_tokens", "invalid_value"),
    ({"seed": 1.5}, "seed", "invalid_value"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "invalid_value"),
    ({"stop": ""}, "stop", "invalid_value"),
    ({"stream_options": {"include_usage": True}}, "stream_options", "invalid_value"),
    ({"tools": [{"type": "function"}]}, "tools[0]", "invalid_value"),
]  # fmt: skip


class TestErrors:
    @pytest.mark.parametrize(
        ("asked", "param", "code"), REFUSED, ids=[f"{p}-{i}" for i, (_, p, _) in enumerate(REFUSED)]
    )
    def test_what_cannot_be_done_is_refused_and_never_ignored(
        self, asked: dict[str, Any], param: str, code: str, server: Server, client: Any
    ) -> None:
        error = refused(client, model=server.model, **asked)
        assert (error["param"], error["code"]) == (param, code)

    def test_values_that_ask_for_nothing_are_taken(self, server: Server, client: Any) -> None:
        neutral = {
            "n": 1, "logprobs": False, "presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "user": "me",
            "response_format": {"type": "text"}, "stop": None, "store": False, "metadata": {"a": "b"}, "tools": [],
        }  # fmt: skip
        plain = client.chat.completions.create(model=server.model, messages=user("a"))
        assert (
            client.chat.completions.create(model=server.model, messages=user("a"), **neutral).choices == plain.choices
        )

    def test_another_model_is_not_found(self, client: Any) -> None:
        with pytest.raises(openai.NotFoundError) as found:
            client.chat.completions.create(model="gpt-4o", messages=user("a"))
        assert found.value.code == "model_not_found"

    def test_more_than_the_model_holds_is_refused_with_the_tokens_named(self, server: Server, client: Any) -> None:
        for stream in (False, True):
            error = refused(client, model=server.model, messages=user("parcel " * 600), stream=stream)
            assert error["code"] == "context_length_exceeded" and "tokens" in error["message"]
        error = refused(client, model=server.model, max_tokens=10_000)
        assert error["code"] == "context_length_exceeded" and "10000" in error["message"] and "512" in error["message"]
        with pytest.raises(openai.BadRequestError, match="tokens"):
            client.completions.create(model=server.model, prompt="parcel " * 600)

    @pytest.mark.slow
    def test_whatever_a_client_sends_it_is_told_what_is_wrong_and_the_next_is_answered(self, server: Server) -> None:
        draw = random.Random(0)
        values: list[Any] = [
            None, True, 0, -1, 1.5, 10**30, "", "a", "\ud800", [], [None], ["a"], {}, {"a": 1}, [[]], [{}], "</s>",
            [{"role": "user"}], [{"role": "user", "content": None}], [{"role": "tool", "content": "a"}],
            [{"role": "assistant", "content": "", "tool_calls": [{"function": 3}]}, *user("a")],
            [{"type": "function", "function": {"name": "a", "parameters": 3}}], "auto", "none", [1, 2], "e" * 5000,
        ]  # fmt: skip
        names = ["model", "messages", "prompt", "input", "tools", "tool_choice", "stop", "seed", "n", "temperature",
                 "top_p", "max_tokens", "stream", "stream_options", "logprobs", "user", "dimensions", "x"]  # fmt: skip
        codes: set[int] = set()
        with httpx.Client(base_url=server.address, timeout=60) as client:
            for number in range(400):
                route = ("chat/completions", "completions", "embeddings")[number % 3]
                body: dict[str, Any] = {"model": server.model, "max_tokens": 1}
                body |= {"messages": user("a")} if number % 3 == 0 else {"prompt": "a"}
                body |= {draw.choice(names): draw.choice(values) for _ in range(draw.randint(1, 2))}
                sent = json.dumps(body).encode() if number % 10 else json.dumps(body).encode()[: draw.randrange(40)]
                reply = client.post(f"/v1/{route}", content=sent)
                codes.add(reply.status_code)
                assert reply.status_code < 500, (sent, reply.text)
                if reply.status_code != 200:
                    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
        assert {200, 400, 404} <= codes
        server.wait_until_idle()

    def test_a_model_that_fails_in_the_middle_of_a_stream_says_so_and_goes_on(
        self, server: Server, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(type(server.predictor.codec.task), "continued", lambda *_, **__: 1 / 0)
            with pytest.raises(openai.APIError, match="ZeroDivisionError"):
                list(client.chat.completions.create(model=server.model, messages=user("a"), stream=True))
            with pytest.raises(openai.InternalServerError, match="ZeroDivisionError"):
                client.chat.completions.create(model=server.model, messages=user("a"))
        assert client.chat.completions.create(model=server.model, messages=user("a")).choices[0].message.content

    def test_when_too_many_wait_the_next_is_told_when_to_come_back(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("luthier.production.scribe.MOST_WAITING", 2)
        body = {"model": server.model, "prompt": "a"}
        url = f"{server.address}/v1/completions"
        with ThreadPoolExecutor(24) as pool:
            replies = list(pool.map(lambda _: httpx.post(url, json=body, timeout=60), range(24)))
        codes = {reply.status_code for reply in replies}
        assert codes == {200, 503}
        full = next(reply for reply in replies if reply.status_code == 503)
        assert full.headers["retry-after"] == "1" and full.json()["error"]["code"] == "overloaded"
