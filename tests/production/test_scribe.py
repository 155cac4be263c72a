"""Many clients at once: no answer is another's, none is waited for in vain, none is written for nobody."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from production.helpers import Server, user

pytestmark = pytest.mark.slow


class TestManyAtOnce:
    @pytest.mark.slow
    def test_clients_that_leave_spoil_no_answer_and_leave_nothing_waiting(self, server: Server) -> None:
        texts = [f"parcel {'late ' * (i % 7)}{i}" for i in range(50)]
        expected = [said["generated_text"] for said in server.predictor.predict(texts)]
        body = {"model": server.model, "temperature": 0}

        def ask(number: int) -> str | None:
            asked = {**body, "messages": user(texts[number]), "stream": number % 2 == 0}
            with httpx.Client(timeout=60) as client:
                if number % 5 == 0:
                    return leave(client, asked, number)
                reply = client.post(f"{server.address}/v1/chat/completions", json=asked)
                return read(reply.text) if asked["stream"] else reply.json()["choices"][0]["message"]["content"]

        def leave(client: httpx.Client, asked: dict[str, Any], number: int) -> None:
            try:
                with client.stream("POST", f"{server.address}/v1/chat/completions", json=asked, timeout=0.05) as reply:
                    next(reply.iter_raw())
            except httpx.TimeoutException:
                pass  # which closes the connection, too

        with ThreadPoolExecutor(16) as pool:
            said = list(pool.map(ask, range(50)))
        for number in range(50):
            assert said[number] == (None if number % 5 == 0 else expected[number]), number
        server.wait_until_idle()

    def test_writing_stops_within_a_token_when_its_reader_leaves(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from luthier.inference.speech import Speech

        heard: list[int] = []
        whole = Speech.hear

        def slowly(self: Speech, token: int) -> bool:
            time.sleep(0.02)
            heard.append(token)
            return whole(self, token)

        monkeypatch.setattr(Speech, "hear", slowly)
        asked = {"model": server.model, "messages": user("hello"), "max_tokens": 400}
        url = f"{server.address}/v1/chat/completions"
        for stream in (True, False):
            heard.clear()
            body = {**asked, "stream": stream}
            try:
                with httpx.Client(timeout=1.0) as client, client.stream("POST", url, json=body) as reply:
                    for _, piece in zip(range(4), reply.iter_lines(), strict=False):
                        assert piece == "" or "error" not in piece
            except httpx.TimeoutException:
                pass
            server.wait_until_idle()
            count = len(heard)
            time.sleep(0.1)
            assert count <= len(heard) <= min(count + 1, 100), "it went on writing for nobody"

    def test_what_one_of_them_spoils_is_spoilt_for_none_but_it(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        task = type(server.predictor.codec.task)
        continued, texts = task.continued, ["hello", "my parcel", "poison", "refund"]
        expected = [said["generated_text"] for said in server.predictor.predict(texts)]
        codec = server.predictor.codec
        poison = codec.encode([codec.task.as_input("poison")])[0][0].arrays["input_ids"]

        def fragile(self: Any, model: Any, prompts: Any, *given: Any, **more: Any) -> Any:
            if any(list(prompt) == list(poison) for prompt in prompts):
                raise MemoryError
            return continued(self, model, prompts, *given, **more)

        monkeypatch.setattr(task, "continued", fragile)
        body = {"model": server.model}

        def ask(text: str) -> Any:
            asked = {**body, "messages": user(text)}
            return httpx.post(f"{server.address}/v1/chat/completions", json=asked, timeout=60).json()

        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(ask, texts))
        assert replies.pop(2)["error"]["code"] == "model-failed"
        said = [reply["choices"][0]["message"]["content"] for reply in replies]
        assert said == [*expected[:2], expected[3]]

    @pytest.mark.slow
    def test_who_asks_for_much_keeps_out_nobody(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        from luthier.inference.speech import Speech

        whole = Speech.hear
        monkeypatch.setattr(Speech, "hear", lambda self, token: time.sleep(0.001) or whole(self, token))
        client = server.client()
        with ThreadPoolExecutor(2) as pool:
            prompts = [f"parcel {i}" for i in range(96)]
            many = pool.submit(client.completions.create, model=server.model, prompt=prompts)
            time.sleep(0.1)
            client.completions.create(model=server.model, prompt="hello")
            assert not many.done()
            said = [choice.text for choice in many.result().choices]
        assert said == [one["generated_text"] for one in server.predictor.predict(prompts)]

    @pytest.mark.slow
    def test_one_that_comes_later_joins_those_that_are_being_written(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from luthier.inference.speech import Speech

        whole = Speech.hear
        monkeypatch.setattr(Speech, "hear", lambda self, token: time.sleep(0.004) or whole(self, token))
        client = server.client()

        def ask(text: str, most: int, **more: Any) -> tuple[str, float]:
            asked = {"model": server.model, "messages": user(text), "max_tokens": most, **more}
            said = client.chat.completions.create(**asked).choices[0].message.content
            return said, time.monotonic()

        alone = [ask(text, most)[0] for text, most in (("hello", 200), ("my parcel", 200), ("refund", 5))]
        drawn = ask("refund", 5, temperature=1.0, seed=3)[0]
        with ThreadPoolExecutor(4) as pool:
            long = [pool.submit(ask, text, 200) for text in ("hello", "my parcel")]
            time.sleep(0.3)
            others = [pool.submit(ask, "refund", 5), pool.submit(ask, "refund", 5, temperature=1.0, seed=3)]
            (short, at), (random, _) = (one.result() for one in others)
            slow = [one.result() for one in long]
        assert [said for said, _ in slow] + [short, random] == [*alone, drawn]
        assert at < min(ended for _, ended in slow)


def read(events: str) -> str:
    pieces = [json.loads(line.removeprefix("data: ")) for line in events.split("\n\n") if line and "[DONE]" not in line]
    return "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces)
