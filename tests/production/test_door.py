"""Who is let in, and what is written down of it."""

import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from luthier.errors import ConfigError, LuthierError
from luthier.inference.artifact import Predictor
from luthier.production.door import LOCAL_NAMES, read_keys
from luthier.production.serve import make_app
from luthier.production.watching.journal import Journal
from production.helpers import saved
from tiny import TinyModels

KEY, OTHER = "a-key-that-is-long-enough", "another-that-is-long-enough"


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Predictor:
    return saved("classification", models.encoder, tmp_path_factory.mktemp("door"))


@contextmanager
def opened(predictor: Predictor, **options: Any) -> Iterator[TestClient]:
    with TestClient(
        make_app([lambda: predictor], lambda error: None, **options), base_url="http://127.0.0.1"
    ) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        yield client


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_without_the_right_key_nothing_is_answered_and_with_it_everything(predictor: Predictor, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n\n{OTHER}\n")
    body = {"inputs": "parcel"}
    with opened(predictor, keys=read_keys(file, None)) as client:
        assert client.get("/health/live").status_code == 200
        for headers in ({}, {"authorization": f"Bearer {KEY}x"}, {"authorization": KEY}, {"x-api-key": KEY[:-1]}):
            refused = client.post("/predict", json=body, headers=headers)
            assert code(refused) == (401, "invalid_api_key") and refused.headers["www-authenticate"] == "Bearer"
            assert refused.headers["x-request-id"] == refused.json()["request_id"]
        assert code(client.get("/metrics")) == (401, "invalid_api_key")
        for headers in ({"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer {OTHER}"}, {"x-api-key": OTHER}):
            assert client.post("/predict", json=body, headers=headers).status_code == 200


def test_keys_come_from_a_file_or_the_environment_and_weak_ones_are_refused_by_their_line(tmp_path: Path) -> None:
    assert read_keys(None, None) == [] == read_keys(None, " ,")
    assert len(read_keys(None, f"{KEY},{OTHER}")) == 2
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\nshort\n")
    with pytest.raises(ConfigError) as found:
        read_keys(file, None)
    assert str(found.value).startswith(f"{file}:2") and "short" not in str(found.value)
    file.write_text("")
    for bad in (file, tmp_path / "none"):
        with pytest.raises(ConfigError):
            read_keys(bad, None)


def test_a_page_of_another_site_does_not_reach_the_server_under_its_own_name(predictor: Predictor) -> None:
    with opened(predictor, hosts=LOCAL_NAMES) as client:
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""):
            refused = client.post("/predict", json={"inputs": "a"}, headers={"host": host})
            assert code(refused) == (421, "wrong-host")
        for host in ("127.0.0.1", "127.0.0.1:8000", "localhost:80", "LOCALHOST", "[::1]:8000"):
            assert client.post("/predict", json={"inputs": "a"}, headers={"host": host}).status_code == 200


def test_each_request_is_a_line_without_its_text(predictor: Predictor) -> None:
    stream = io.StringIO()
    with opened(predictor, journal=Journal(stream)) as client:
        client.post("/predict", json={"inputs": "my secret parcel"}, headers={"x-request-id": "order-7"})
        client.post("/predict", json={"inputs": 3})
        client.get("/secret/path")
        client.get("/health/ready")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    lines = [line for line in lines if line["route"] != "/health/ready"]
    assert [(line["route"], line["status"]) for line in lines] == [("/predict", 200), ("/predict", 400), (None, 404)]
    assert lines[0]["request_id"] == "order-7" and lines[0]["seconds"] > 0
    assert "secret" not in stream.getvalue()


def test_odd_paths_make_no_series_of_their_own(predictor: Predictor) -> None:
    with opened(predictor) as client:
        for path in ("/odd", "/v1/models/odd", "/metrics"):
            client.get(path)
        before = client.get("/metrics").text
        for i in range(100):
            client.get(f"/odd/{i}")
            client.get(f"/v1/models/{i}")
        after = client.get("/metrics").text
        assert len(after.splitlines()) == len(before.splitlines())
        assert 'code="404",route="other"' in after
    with opened(predictor, metrics=False) as client:
        assert client.get("/metrics").status_code == 404


def test_several_models_are_asked_by_name_and_the_first_where_none_is_named(
    predictor: Predictor, tmp_path: Path, models: TinyModels
) -> None:
    other = saved("regression", models.encoder, tmp_path)
    with TestClient(make_app([lambda: predictor, lambda: other], lambda error: None)) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        ids = [one["id"] for one in client.get("/v1/models").json()["data"]]
        assert ids == [predictor.name, other.name] == ["classification", "regression"]
        for name, answers in ((None, predictor), ("classification", predictor), ("regression", other)):
            asked = {"inputs": ["parcel"], **({"model": name} if name else {})}
            said = client.post("/predict", json=asked).json()
            assert said["model"] == answers.name
            assert said["predictions"][0]["score"] == pytest.approx(answers.predict(["parcel"])[0]["score"], abs=1e-5)
        assert code(client.post("/predict", json={"inputs": "a", "model": "nope"})) == (404, "model_not_found")
        assert code(client.post("/predict", json={"inputs": "a", "model": 3})) == (400, "invalid_value")


def test_a_reload_answers_from_the_new_model_and_keeps_the_old_where_the_new_is_bad(
    predictor: Predictor, tmp_path: Path, models: TinyModels
) -> None:
    other = saved("classification", models.encoder, tmp_path, larger=3)
    given: list[Any] = [predictor]

    def load() -> Predictor:
        if isinstance(given[0], Exception):
            raise given[0]
        return given[0]

    with TestClient(make_app([load], lambda error: None)) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)

        def score() -> float:
            return client.post("/predict", json={"inputs": "parcel"}).json()["predictions"][0]["score"]

        assert client.portal is not None
        before = score()
        given[0] = other
        client.portal.call(client.app.state.models.reload)  # type: ignore[attr-defined]
        after = score()
        assert before == pytest.approx(predictor.predict(["parcel"])[0]["score"], abs=1e-5)
        assert after == pytest.approx(other.predict(["parcel"])[0]["score"], abs=1e-5) and abs(after - before) > 1e-4
        given[0] = LuthierError.at("run", "is broken", "mend it", code="bad-model")
        with pytest.raises(LuthierError):
            client.portal.call(client.app.state.models.reload)  # type: ignore[attr-defined]
        assert score() == pytest.approx(after, abs=1e-6)
