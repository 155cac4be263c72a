"""/openapi.json says all of every route, and /docs the same to people, without loading anything from anywhere."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from luthier.production.serve import make_app
from production.helpers import Slow, saved
from tiny import TinyModels

pytestmark = pytest.mark.slow
VERBS = {"get", "post", "put", "delete", "patch"}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(make_app([Slow], lambda error: None)) as client:
        yield client


@pytest.fixture(scope="module")
def description(client: TestClient) -> Any:
    return client.get("/openapi.json").json()


def test_every_route_has_its_purpose_its_shapes_its_errors_and_an_example(description: Any) -> None:
    app: Any = make_app([Slow], lambda error: None)
    there = {
        (route.path.replace(":path", ""), verb.lower())
        for route in app.routes
        for verb in route.methods
        if verb != "HEAD"
    }
    told = {(path, verb) for path, methods in description["paths"].items() for verb in methods if verb in VERBS}
    assert told == there and ("/predict", "post") in told and ("/v1/chat/completions", "post") in told
    for path, methods in description["paths"].items():
        for verb, operation in methods.items():
            assert operation["summary"], path
            (answer,) = operation["responses"]["200"]["content"].values()
            assert "schema" in answer, path
            if verb == "post":
                sent = operation["requestBody"]["content"]["application/json"]
                assert "schema" in sent and "example" in sent and "example" in answer, path
                assert {"400", "401", "413", "503"} <= set(operation["responses"]), path
            for status, refused in operation["responses"].items():
                if int(status) >= 400 and path != "/health/ready":
                    example = refused["content"]["application/json"]["example"]
                    assert set(example) == {"error", "request_id"}, path


def test_shapes_hold_for_what_is_sent_and_what_comes_back(description: Any, models: TinyModels, tmp_path: Path) -> None:
    import jsonschema

    def check(value: Any, schema: Any) -> None:
        jsonschema.validate(value, {**schema, "components": description["components"]})

    for path, methods in description["paths"].items():
        for operation in methods.values():
            shapes = [*operation.get("requestBody", {}).get("content", {}).values()]
            shapes += [c for told in operation["responses"].values() for c in told["content"].values()]
            for shape in shapes:
                if "example" in shape:
                    check(shape["example"], shape["schema"])
            assert operation["operationId"], path
    predictor = saved("classification", models.encoder, tmp_path)
    posted = description["paths"]["/predict"]["post"]
    with TestClient(make_app([lambda: predictor], lambda error: None)) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        asked = posted["requestBody"]["content"]["application/json"]["example"]
        answer = client.post("/predict", json=asked).json()
        check(answer, posted["responses"]["200"]["content"]["application/json"]["schema"])
        refused = client.post("/predict", json={"inputs": 3})
        check(refused.json(), posted["responses"]["400"]["content"]["application/json"]["schema"])


def test_the_page_names_every_route_and_loads_nothing(client: TestClient, description: Any) -> None:
    reply = client.get("/docs")
    assert reply.headers["content-type"].startswith("text/html")
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    assert all(f"{verb.upper()} {path}" in reply.text for path, verbs in description["paths"].items() for verb in verbs)
    assert "<script" not in reply.text and not re.search(r'(src|href)="(?!/openapi\.json")', reply.text)
    assert "http://localhost:8000/predict" in reply.text and "https://" not in reply.text


def test_it_is_not_there_where_it_is_not_wanted() -> None:
    with TestClient(make_app([Slow], lambda error: None, docs=False)) as client:
        assert client.get("/docs").status_code == 404 and client.get("/openapi.json").status_code == 404
