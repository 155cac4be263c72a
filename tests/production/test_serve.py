"""Whatever a client sends, it gets JSON with a status that says whose mistake it is."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from luthier.errors import LuthierError
from luthier.inference.artifact import Predictor, load_artifact, save_artifact
from luthier.models.load import load_tokenizer
from luthier.production.requests import MOST_ITEMS
from luthier.production.serve import make_app
from luthier.task import Task
from tiny import TinyModels, bench

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Predictor:
    ready = bench("classification", models.encoder)
    folder = tmp_path_factory.mktemp("served") / "model"
    save_artifact(folder, ready.model, ready.codec, load_tokenizer(models.encoder).wrapped, "card")
    return load_artifact(folder)


@pytest.fixture
def client(predictor: Predictor) -> Iterator[TestClient]:
    with TestClient(make_app([lambda: predictor], lambda error: None), raise_server_exceptions=False) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        yield client


def test_one_prediction_an_input_in_order_equal_to_predict(client: TestClient, predictor: Predictor) -> None:
    texts = ["my parcel", "refund please", "invoice", "快递"]
    answer = client.post("/predict", json={"inputs": texts}).json()
    assert set(answer) == {"predictions", "model", "request_id"}
    for said, expected in zip(answer["predictions"], predictor.predict(texts), strict=True):
        assert said["label"] == expected["label"] and said["score"] == pytest.approx(expected["score"], abs=1e-5)


def test_a_single_text_and_an_empty_list_are_fine(client: TestClient) -> None:
    assert len(client.post("/predict", json={"inputs": "my parcel"}).json()["predictions"]) == 1
    assert client.post("/predict", json={"inputs": []}).json()["predictions"] == []


def test_top_k_gives_lists_of_as_many_as_there_are_at_most(client: TestClient) -> None:
    for k, length in ((1, 1), (2, 2), (99, 3)):
        (said,) = client.post("/predict", json={"inputs": "parcel", "top_k": k}).json()["predictions"]
        assert len(said) == length
        assert [item["score"] for item in said] == sorted((item["score"] for item in said), reverse=True)


BAD: list[tuple[Any, int, str]] = [
    (b"nope", 400, "not-json"),
    (b"", 400, "not-json"),
    (b'{"inputs": NaN}', 400, "not-json"),
    (b"\xff\xfe", 400, "not-json"),
    (b"[" * 100_000, 400, "not-json"),
    (b"[]", 400, "not-an-object"),
    (b'"text"', 400, "not-an-object"),
    (b"{}", 400, "missing-field"),
    (b'{"inputs": "a", "input": "b"}', 400, "unknown-field"),
    (b'{"inputs": 3}', 400, "wrong-type"),
    (b'{"inputs": null}', 400, "wrong-type"),
    (b'{"inputs": ["a", 3]}', 400, "wrong-type"),
    (b'{"inputs": "a", "top_k": 0}', 400, "bad-value"),
    (b'{"inputs": "a", "top_k": true}', 400, "bad-value"),
    (b'{"inputs": "a", "top_k": "2"}', 400, "bad-value"),
    (b'{"inputs": "\\ud800"}', 400, "lone-surrogate"),
    (b'{"inputs": [' + b'"a",' * MOST_ITEMS + b'"a"]}', 413, "too-many-inputs"),
    (b'{"inputs": "' + b"a" * Task.most_request_bytes + b'"}', 413, "body-too-large"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD, ids=[f"{c}-{i}" for i, (_, _, c) in enumerate(BAD)])
def test_a_bad_request_is_refused_in_json_and_the_next_is_answered(
    body: bytes, status: int, code: str, client: TestClient
) -> None:
    answer = client.post("/predict", content=body)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "request_id"}
    assert answer.json()["error"]["code"] == code
    assert client.post("/predict", json={"inputs": "parcel"}).status_code == 200


def test_unknown_paths_and_methods_are_refused_in_json(client: TestClient) -> None:
    assert client.get("/nope").json()["error"]["code"] == "not_found"
    assert client.get("/predict").status_code == 405


def test_a_request_id_is_taken_when_it_is_harmless_else_made(client: TestClient) -> None:
    def ask(given: str) -> str:
        answer = client.post("/predict", json={"inputs": "a"}, headers={"x-request-id": given})
        assert answer.headers["x-request-id"] == answer.json()["request_id"]
        return answer.json()["request_id"]

    assert ask("order-17.a_b") == "order-17.a_b"
    for bad in ("a b", "x" * 65, "a;b"):
        assert ask(bad) != bad


def test_alive_at_once_and_ready_only_with_the_model(predictor: Predictor) -> None:
    def slow() -> Predictor:
        time.sleep(0.5)
        return predictor

    with TestClient(make_app([slow], lambda error: None)) as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        refused = client.post("/predict", json={"inputs": "a"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not-ready")
        time.sleep(1)
        assert client.get("/health/ready").status_code == 200


def test_a_model_that_cannot_be_loaded_is_told_to_whoever_started_the_server(tmp_path: Path) -> None:
    failed: list[LuthierError] = []
    with TestClient(make_app([lambda: load_artifact(tmp_path)], failed.append)) as client:
        assert client.get("/health/ready").status_code == 503
        time.sleep(0.3)
    assert "codec.json is missing" in str(failed[0])


def test_requests_that_wait_together_are_answered_each_with_its_own(client: TestClient, predictor: Predictor) -> None:
    from concurrent.futures import ThreadPoolExecutor

    texts = [f"parcel {'late ' * (i % 7)}{i}" for i in range(60)]
    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(lambda text: client.post("/predict", json={"inputs": text}).json(), texts))
    for answer, expected in zip(said, predictor.predict(texts), strict=True):
        assert answer["predictions"][0]["score"] == pytest.approx(expected["score"], abs=1e-4)


def test_a_model_that_fails_costs_its_request_and_not_the_server(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TestClient(make_app([lambda: predictor], lambda error: None), raise_server_exceptions=False) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        with monkeypatch.context() as broken:
            broken.setattr(Predictor, "raw", lambda *_: 1 / 0)
            answer = client.post("/predict", json={"inputs": "a"})
            assert answer.status_code == 500 and "Traceback" not in answer.text
        assert client.post("/predict", json={"inputs": "a"}).status_code == 200
