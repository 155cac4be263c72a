"""Too much to do: what was accepted is answered in time and rightly, the rest is refused at once."""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from luthier.errors import ConfigError
from luthier.inference.artifact import Predictor
from luthier.production.batcher import MOST_FAILURES, Batcher
from luthier.production.limits import Limits, with_limits
from luthier.production.requests import Refusal


@dataclass(frozen=True)
class Slow(Predictor):
    """Answers a number with its double, each in so many seconds, having left out the rest by 7; fails where a negative
    one is among them."""

    each: float = 0.01
    turns: list[list[int]] = field(default_factory=list)

    def noted(self, inputs: Sequence[Any]) -> list[tuple[Any, int]]:
        self.turns.append(list(inputs))
        time.sleep(self.each * len(inputs))
        if any(number < 0 for number in inputs):
            raise ValueError("negative")
        return [(2 * number, number % 7) for number in inputs]


def slow(each: float = 0.01) -> Any:
    return Slow(None, None, "slow", each=each)


def doubled(*numbers: int) -> tuple[list[int], list[int]]:
    return [2 * number for number in numbers], [number % 7 for number in numbers]


async def at_work(batcher: Batcher, *asked: Any) -> list[Any]:
    """asked: coroutines. What came of each, exceptions too."""
    work = asyncio.create_task(batcher.work())
    try:
        return await asyncio.gather(*asked, return_exceptions=True)
    finally:
        work.cancel()


def test_answers_are_those_of_their_own_inputs_whoever_asks_beside() -> None:
    batcher = Batcher(slow(0.0005))
    asked = [[1000 * client + i for i in range(1 + client % 7)] for client in range(64)]
    said = asyncio.run(at_work(batcher, *(batcher.answer(inputs) for inputs in asked)))
    assert said == [doubled(*inputs) for inputs in asked]


def test_a_long_list_keeps_nobody_waiting_who_asks_for_one() -> None:
    predictor = slow(0.002)
    batcher = Batcher(predictor, Limits(turn=0.02))

    async def both() -> tuple[float, float]:
        begin = time.perf_counter()

        async def timed(inputs: list[int], after: float) -> float:
            await asyncio.sleep(after)
            await batcher.answer(inputs)
            return time.perf_counter() - begin

        await batcher.answer([1])  # so that it knows how slow it is
        long, short = await asyncio.gather(timed(list(range(200)), 0), timed([7], 0.05))
        return long, short

    (ends,) = asyncio.run(at_work(batcher, both()))
    assert ends[1] < ends[0] / 2
    assert max(map(len, predictor.turns)) < 200


def test_beside_one_who_asks_for_one_lists_have_brief_turns_and_alone_full_ones() -> None:
    predictor = slow(0.002)
    batcher = Batcher(predictor, Limits(turn=0.2))

    async def both() -> None:
        await batcher.answer(list(range(20)))  # by which is known how long one takes
        await batcher.answer(list(range(1000, 1090)))
        listed = asyncio.create_task(batcher.answer(list(range(2000, 2200))))
        for number in range(8):
            await batcher.answer([number])
        await listed

    asyncio.run(at_work(batcher, both()))
    assert max(map(len, predictor.turns[:2])) >= 60
    beside = predictor.turns[3:]  # behind the one that the list had to itself
    for turn in beside:
        ones = sum(number < 1000 for number in turn)
        assert len(turn) - ones <= (ones if ones else 0.02 / 0.002 + 2)
    assert sum(len(turn) for turn in beside) > 100


def test_many_who_ask_for_one_share_full_turns_with_a_list() -> None:
    predictor = slow(0.001)
    batcher = Batcher(predictor, Limits(turn=0.2))

    async def crowd() -> None:
        await batcher.answer(list(range(1000, 1020)))
        before = asyncio.create_task(batcher.answer(list(range(1100, 1200))))
        await asyncio.sleep(0.02)  # it is being answered, and the others come meanwhile
        listed = asyncio.create_task(batcher.answer(list(range(2000, 2100))))
        await asyncio.sleep(0)
        await asyncio.gather(*(batcher.answer([number]) for number in range(40)), listed, before)

    asyncio.run(at_work(batcher, crowd()))
    turn = next(turn for turn in predictor.turns if any(number < 1000 for number in turn))
    ones = sum(number < 1000 for number in turn)
    assert ones == len(turn) - ones == 40


def test_what_would_wait_too_long_is_refused_at_once_and_what_was_accepted_is_answered() -> None:
    batcher = Batcher(slow(0.02), Limits(patience=0.3, turn=0.1))

    async def crowd() -> list[Any]:
        await batcher.answer(list(range(20)))
        begin = time.perf_counter()
        tasks = [asyncio.create_task(batcher.answer([number])) for number in range(60)]
        await asyncio.sleep(0)
        refused_at_once = [task for task in tasks if task.done()]
        assert refused_at_once and time.perf_counter() - begin < 0.05
        return await asyncio.gather(*tasks, return_exceptions=True)

    (said,) = asyncio.run(at_work(batcher, crowd()))
    refused = [one for one in said if isinstance(one, Refusal)]
    assert 0 < len(refused) < 60
    assert {(one.status, one.code) for one in refused} == {(503, "overloaded")}
    assert all(int(one.headers["retry-after"]) >= 1 for one in refused)
    assert [one for one in said if not isinstance(one, Refusal)] == [doubled(n) for n in range(60 - len(refused))]


def test_what_takes_too_long_is_given_up_and_its_inputs_are_not_answered_for_nobody() -> None:
    predictor = slow(0.02)
    batcher = Batcher(predictor, Limits(seconds=0.3, turn=0.1))

    async def late() -> Any:
        await batcher.answer([1])
        return await asyncio.gather(batcher.answer(list(range(100))), return_exceptions=True)

    ((said,),) = asyncio.run(at_work(batcher, late()))
    assert isinstance(said, Refusal) and (said.status, said.code) == (503, "timeout")
    assert sum(map(len, predictor.turns)) < 60
    assert batcher.waiting == 0


def test_one_input_on_which_the_model_fails_fails_alone() -> None:
    batcher = Batcher(slow(0.0001))
    asked = [[number] for number in [*range(15), -1, *range(16, 32)]]
    said = asyncio.run(at_work(batcher, *(batcher.answer(inputs) for inputs in asked)))
    assert isinstance(said[15], ValueError)
    assert [one for i, one in enumerate(said) if i != 15] == [doubled(n) for (n,) in asked if n >= 0]


def test_a_model_of_which_nothing_comes_is_not_called_ready_until_something_does() -> None:
    batcher = Batcher(slow(0))

    async def failing() -> list[int]:
        seen = []
        for number in [-1] * MOST_FAILURES + [1]:
            await asyncio.gather(batcher.answer([number]), return_exceptions=True)
            seen.append(batcher.failures)
        return seen

    (seen,) = asyncio.run(at_work(batcher, failing()))
    assert seen == [1, 2, MOST_FAILURES, 0]


def test_clients_that_go_away_leave_the_queue() -> None:
    batcher = Batcher(slow(0.01), Limits(turn=0.05))

    async def leaving() -> None:
        tasks = [asyncio.create_task(batcher.answer([n])) for n in range(200)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        begin = time.perf_counter()
        assert await batcher.answer([4]) == doubled(4)
        assert time.perf_counter() - begin < 3

    assert asyncio.run(at_work(batcher, leaving())) == [None]
    assert batcher.waiting == 0


def test_threads_that_ask_a_real_server_get_their_own_answers(tmp_path: Path) -> None:
    """In one place where the queue, the reply and the counting meet."""
    from fastapi.testclient import TestClient

    from luthier.production.serve import make_app
    from production.helpers import saved
    from tiny import write_tiny_models

    predictor = saved("classification", write_tiny_models(tmp_path / "models").encoder, tmp_path)
    texts = [f"parcel {i} {'late ' * (i % 5)}" for i in range(40)]
    expected = [one["score"] for one in predictor.predict(texts)]
    said: dict[int, float] = {}
    with TestClient(make_app([lambda: predictor], lambda error: None)) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)

        def ask(i: int) -> None:
            said[i] = client.post("/predict", json={"inputs": texts[i]}).json()["predictions"][0]["score"]

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(texts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counted = client.get("/metrics").text
    assert [said[i] for i in range(len(texts))] == pytest.approx(expected, abs=1e-4)
    assert f'luthier_requests_total{{code="200",route="/predict"}} {len(texts)}.0' in counted
    assert f"luthier_batch_inputs_sum {len(texts)}.0" in counted


def test_limits_are_set_by_name_each_with_its_own_kind_of_number() -> None:
    found = with_limits(Limits(patience=1.0), ["connections=200", "body_seconds=2.5"])
    assert (found.connections, found.body_seconds, found.patience) == (200, 2.5, 1.0)


@pytest.mark.parametrize(
    ("word", "code", "fix"),
    [
        ("connection=200", "unknown-limit", "'connections'"),
        ("waiting=2.5", "bad-limit", "--limit waiting=4096"),
        ("body_seconds", "bad-limit", "--limit body_seconds=30.0"),
        ("turn=0", "bad-limit", "--limit turn=0.25"),
        ("turn=inf", "bad-limit", "--limit turn=0.25"),
    ],
)
def test_a_limit_that_is_none_is_refused_with_what_would_be_one(word: str, code: str, fix: str) -> None:
    with pytest.raises(ConfigError) as refused:
        with_limits(Limits(), [word])
    (problem,) = refused.value.problems
    assert problem.code == code and fix in problem.fix and word in problem.place.file
