"""POST /predict?explain=true: beside each prediction the words that made it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from luthier.explaining import explain
from production.helpers import Server, saved, serving
from tiny import TinyModels

pytestmark = pytest.mark.slow

TEXTS = ["my parcel is two days late", "send my money back"]


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Iterator[Server]:
    predictor = saved("classification", models.encoder, tmp_path_factory.mktemp("served"), larger=2)
    with serving(predictor) as server:
        yield server


def asked(server: Server, query: str, inputs: object) -> httpx.Response:
    return httpx.post(f"{server.address}/predict{query}", json={"inputs": inputs}, timeout=60)


def test_each_prediction_has_the_explanation_that_the_library_gives(classes: Server) -> None:
    told = asked(classes, "?explain=true", TEXTS).json()
    mine = [one.as_json() for one in explain(classes.predictor, TEXTS)]
    assert [one["texts"] for one in told["explanations"]] == [[text] for text in TEXTS]
    for said, one, other in zip(told["predictions"], told["explanations"], mine, strict=True):
        assert said["label"] == one["answer"]["label"] == other["answer"]["label"]
        values = [[word["value"] for word in each["reasons"][0]["words"]] for each in (one, other)]
        assert values[0] == pytest.approx(values[1], abs=1e-4)


def test_who_does_not_ask_gets_none(classes: Server) -> None:
    for query in ("", "?explain=false"):
        assert "explanations" not in asked(classes, query, TEXTS).json()


def test_what_cannot_be_is_refused(classes: Server, server: Server) -> None:
    wrong = asked(classes, "?explain=maybe", TEXTS)
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "explain")
    many = asked(classes, "?explain=true", TEXTS * 9)
    assert (many.status_code, many.json()["error"]["code"]) == (413, "too-many-inputs")
    writes = asked(server, "?explain=true", "a text")
    assert (writes.status_code, writes.json()["error"]["code"]) == (400, "no-explanation")


def test_answers_beside_explanations_are_those_without_them(classes: Server) -> None:
    """The embeddings of a text that is explained reach nobody else's pass through the model."""
    plain = asked(classes, "", TEXTS).json()["predictions"]
    with ThreadPoolExecutor(4) as pool:
        explained = [pool.submit(asked, classes, "?explain=true", TEXTS) for _ in range(3)]
        beside = [pool.submit(asked, classes, "", TEXTS) for _ in range(12)]
    assert all(one.result().json()["predictions"] == plain for one in beside)
    assert all(one.result().status_code in (200, 503) for one in explained)
    classes.wait_until_idle()


def test_no_more_than_a_few_wait_for_a_moment_between_turns(
    classes: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from luthier.production import batcher

    monkeypatch.setattr(batcher, "_MOST_ALONE", 0)
    full = asked(classes, "?explain=true", TEXTS)
    assert full.status_code == 503 and full.headers["retry-after"] == "1"
