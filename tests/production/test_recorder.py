"""What a server answers is put down without its texts, and a database that fails stops nobody."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from luthier.errors import ConfigError, DataError
from luthier.inference.artifact import Predictor
from luthier.models.run import weights_digest
from luthier.recording import recorder as recording
from luthier.recording.recorder import Recorder
from luthier.recording.store import Store
from postgres import postgres_server
from production.helpers import saved, serving
from tiny import TinyModels

pytest.importorskip("sqlalchemy")
pytestmark = pytest.mark.slow
TEXTS = ["the parcel is late", "my invoice is charged twice", "the parcel is late"]


@pytest.fixture(scope="module")
def run(models: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Predictor]:
    folder = tmp_path_factory.mktemp("recorded")
    predictor = saved("classification", models.encoder, folder)
    return folder / "classification", predictor


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server() as address:
        yield address


def until(true: Callable[[], bool]) -> None:
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < 10
        time.sleep(0.02)


def ask(run: tuple[Path, Predictor], address: str, *bodies: Any, **how: Any) -> tuple[Recorder, list[Any], list[str]]:
    """What the server replied to /predict and /feedback, and what it said of the record."""
    said: list[str] = []
    feedback = how.pop("feedback", False)
    recorder = Recorder(Store(address, writes=True), {run[1].name: run[0]}, said.append, **how)
    replies: list[Any] = []
    with serving(run[1], recorder=recorder, feedback=feedback) as server:
        for body in bodies:
            route = "predict" if "inputs" in body else "feedback"
            replies.append(httpx.post(f"{server.address}/{route}", json=body, headers={"x-request-id": "r-1"}).json())
            if route == "predict":
                until(lambda: recorder.recorded + recorder.dropped == sum(len(b.get("inputs", ())) for b in bodies[:1]))
        replies.append(httpx.get(f"{server.address}/metrics").text)
    recorder.stop(10)
    return recorder, replies, said


def check_answers(run: tuple[Path, Predictor], address: str) -> None:
    recorder, replies, said = ask(run, address, {"inputs": TEXTS})
    assert (recorder.recorded, recorder.dropped, said) == (3, 0, [])
    assert "luthier_recorded_total 3.0" in replies[-1] and "luthier_record_works 1.0" in replies[-1]
    first, second, third = reversed(Store(address).answers(weights_digest(run[0]), None, 10))
    assert [row.traits.characters for row in (first, second, third)] == [len(text) for text in TEXTS]
    assert first.traits.digest == third.traits.digest != second.traits.digest
    assert first.input is None and abs(first.time - time.time()) < 60
    shown = replies[0]["predictions"][0]
    assert first.traits.said.labels == (shown["label"],)
    assert first.traits.said.confidence == pytest.approx(shown["score"], abs=1e-6)


def test_answers_lie_in_sqlite_and_no_text_does(run: tuple[Path, Predictor], tmp_path: Path) -> None:
    check_answers(run, f"sqlite:///{tmp_path}/log.db")
    written = (tmp_path / "log.db").read_bytes()
    assert not any(word.encode() in written for word in ("parcel", "invoice", "late"))
    assert not Store(f"sqlite:///{tmp_path}/log.db").answers(weights_digest(run[0]), time.time() + 1, 10)


def test_answers_lie_in_postgresql(run: tuple[Path, Predictor], postgres: str) -> None:
    check_answers(run, postgres)


def test_texts_lie_there_only_where_they_are_wanted(run: tuple[Path, Predictor], tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/log.db"
    ask(run, address, {"inputs": TEXTS[:1]}, texts=True)
    (row,) = Store(address).answers(weights_digest(run[0]), None, 10)
    assert row.input == TEXTS[0]


def test_what_is_written_is_recorded_streamed_or_whole(models: TinyModels, tmp_path: Path) -> None:
    predictor = saved("sft", models.causal, tmp_path, larger=4, max_new_tokens=4)
    for texts in (False, True):
        address, said = f"sqlite:///{tmp_path}/{texts}.db", []
        recorder = Recorder(Store(address, writes=True), {predictor.name: tmp_path / "sft"}, said.append, texts=texts)
        with serving(predictor, recorder=recorder) as server:
            for body in ({}, {"stream": True}):
                asked = {"model": predictor.name, "messages": [{"role": "user", "content": TEXTS[0]}], **body}
                assert httpx.post(f"{server.address}/v1/chat/completions", json=asked).status_code == 200
            asked = {"model": predictor.name, "prompt": TEXTS[:2]}
            assert httpx.post(f"{server.address}/v1/completions", json=asked).status_code == 200
            until(lambda recorder=recorder: recorder.recorded == 4)
        recorder.stop(5)
        rows = Store(address).answers(weights_digest(tmp_path / "sft"), None, 9)
        assert len(rows) == 4 and not said and all(row.traits.said.labels == () for row in rows)
        sent = {"messages": [{"role": "user", "content": TEXTS[0]}]}
        assert [row.input for row in reversed(rows)][:2] == ([sent, sent] if texts else [None, None])
    assert b"parcel" not in (tmp_path / "False.db").read_bytes()


def test_vectors_are_of_few_inputs_and_short(run: tuple[Path, Predictor], tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/log.db"
    ask(run, address, {"inputs": TEXTS * 4}, vectors=True)
    rows = Store(address).answers(weights_digest(run[0]), None, 20)
    looked = [row.traits.vector for row in rows if row.traits.vector is not None]
    assert len(rows) == 12 and len(looked) == 8 and all(vector.shape == (32,) for vector in looked)


def test_a_database_that_fails_is_said_once_and_holds_up_no_answer(
    run: tuple[Path, Predictor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_AGAIN", 0.1)
    said: list[str] = []
    path = tmp_path / "log.db"
    recorder = Recorder(Store(f"sqlite:///{path}", writes=True), {run[1].name: run[0]}, said.append)
    with sqlite3.connect(path) as connection:
        connection.execute("alter table luthier_answers rename to away")
    with serving(run[1], recorder=recorder) as server:
        for _ in range(3):
            assert httpx.post(f"{server.address}/predict", json={"inputs": TEXTS}).status_code == 200
        until(lambda: not recorder.works)
        assert "luthier_record_works 0.0" in httpx.get(f"{server.address}/metrics").text
        with sqlite3.connect(path) as connection:
            connection.execute("alter table away rename to luthier_answers")
        until(lambda: recorder.recorded == 9)
    recorder.stop(5)
    assert len(said) == 2 and "not recorded" in said[0] and "the server goes on" in said[0] and "again" in said[1]


def test_what_is_too_much_is_dropped_and_counted(
    run: tuple[Path, Predictor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_MOST_INPUTS", 4)
    recorder, replies, _ = ask(run, f"sqlite:///{tmp_path}/log.db", {"inputs": TEXTS * 2})
    assert len(replies[0]["predictions"]) == 6
    assert (recorder.recorded, recorder.dropped) == (0, 6) and "luthier_record_dropped_total 6.0" in replies[-1]


@pytest.mark.parametrize(
    ("body", "how", "code"),
    [
        ({"input": "a new parcel", "label": "refund"}, {}, "texts-not-kept"),
        ({"request_id": "r-1", "label": "refund"}, {"feedback": True}, "texts-not-kept"),
        ({"request_id": "r-2", "label": "refund"}, {"texts": True}, "no-such-answer"),
        ({"request_id": "r-1", "index": 7, "label": "refund"}, {"texts": True}, "no-such-answer"),
        ({"input": "a new parcel", "label": "praise"}, {"feedback": True}, "unknown-label"),
        ({"input": "a new parcel"}, {"feedback": True}, "missing-field"),
        ({"label": "refund"}, {"feedback": True}, "missing-field"),
        ({"input": {"body": "x"}, "label": "refund"}, {"feedback": True}, "missing-text"),
        ({"input": "x", "label": "refund", "teh": 1}, {"feedback": True}, "unknown-field"),
        ({"input": "x", "label": "refund", "index": -1}, {"feedback": True}, "bad-value"),
    ],
)
def test_feedback_that_cannot_be_learnt_from_is_refused(
    run: tuple[Path, Predictor], tmp_path: Path, body: dict[str, Any], how: dict[str, Any], code: str
) -> None:
    address = f"sqlite:///{tmp_path}/log.db"
    label = run[1].codec.task.class_names()[0]
    body = {**body, "label": label} if body.get("label") == "refund" else body
    _, replies, _ = ask(run, address, {"inputs": TEXTS[:1]}, body, **how)
    assert replies[1]["error"]["code"] == code
    assert Store(address).corrections() == []


def test_feedback_is_stored_with_the_text_that_was_sent_or_recorded(
    run: tuple[Path, Predictor], tmp_path: Path
) -> None:
    label = run[1].codec.task.class_names()[0]
    first, second = f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db"
    _, replies, _ = ask(run, first, {"inputs": TEXTS}, {"input": "a new parcel", "label": label}, feedback=True)
    assert replies[1]["stored"] is True and Store(first).corrections() == [(1, "a new parcel", label)]
    ask(run, second, {"inputs": TEXTS}, {"request_id": "r-1", "index": 1, "label": label}, texts=True)
    assert Store(second).corrections() == [(1, TEXTS[1], label)]


def test_nothing_is_taken_where_nothing_is_recorded(run: tuple[Path, Predictor]) -> None:
    with serving(run[1]) as server:
        reply = httpx.post(f"{server.address}/feedback", json={"input": "a", "label": "b"})
    assert reply.status_code == 404 and "--record" in reply.json()["error"]["message"]


def test_what_is_no_record_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no address of a database"):
        Store("answers.csv")
    with pytest.raises(DataError, match="no such file"):
        Store(f"sqlite:///{tmp_path}/none.db")
    sqlite3.connect(tmp_path / "other.db").execute("create table a (b)").connection.close()
    with pytest.raises(ConfigError, match="holds no answers of a server"):
        Store(f"sqlite:///{tmp_path}/other.db")
    Store(f"sqlite:///{tmp_path}/own.db", writes=True)
    with sqlite3.connect(tmp_path / "own.db") as connection:
        connection.execute("update luthier_version set version = 99")
    with pytest.raises(ConfigError, match="version 99"):
        Store(f"sqlite:///{tmp_path}/own.db")
