"""A text that is too long is cut only where the client asked for it, and the reply says by how much."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from luthier.production.predicting.reach import Reach
from luthier.production.requests import Refusal
from production.helpers import Slow, saved, serving, wordy
from tiny import TinyModels

LONG = "one two three four five six seven"


def asked(reach: Reach, body: dict[str, Any], *inputs: str) -> Any:
    return asyncio.run(reach.asked(body, inputs))


def test_what_is_left_out_is_told_of_each_input_where_the_client_asked_for_cutting() -> None:
    assert asked(Reach(wordy(4)), {"truncate": True}, "a b c d", LONG, "a") == {"truncated": [0, 3, 0]}


def test_else_the_first_that_is_too_long_is_refused_and_nothing_is_told_of_what_fits() -> None:
    reach = Reach(wordy(4))
    assert asked(reach, {}, "a b c d", "e") == asked(reach, {"truncate": False}, "a") == {}
    with pytest.raises(Refusal) as refused:
        asked(reach, {}, "a", LONG)
    assert (refused.value.status, refused.value.code, refused.value.param) == (413, "too-long", "inputs")
    assert (
        "input 1 has 3 tokens more than the 4" in refused.value.message and '"truncate": true' in refused.value.message
    )


def test_truncate_is_a_yes_or_a_no() -> None:
    with pytest.raises(Refusal) as refused:
        asked(Reach(wordy(4)), {"truncate": "yes"}, "a")
    assert (refused.value.status, refused.value.param) == (400, "truncate")


def test_a_short_text_is_not_tokenised_to_know_that_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.codec import Codec

    reach, encoded = Reach(wordy(40)), []
    monkeypatch.setattr(Codec, "encode", lambda self, inputs: encoded.append(inputs))
    assert asked(reach, {"truncate": True}, LONG) == {"truncated": [0]} and not encoded


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("reach")
    with serving(saved("retrieval", models.encoder, Path(folder), max_length=16)) as server:
        yield server.address


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/predict", "/embed"])
def test_routes_refuse_and_cut_alike(path: str, address: str) -> None:
    long = "parcel " * 60
    refused = httpx.post(address + path, json={"inputs": ["parcel", long]})
    assert refused.status_code == 413 and refused.json()["error"]["code"] == "too-long"
    cut = httpx.post(address + path, json={"inputs": ["parcel", long], "truncate": True}).json()
    assert cut["truncated"][0] == 0 and cut["truncated"][1] > 40
    assert "truncated" not in httpx.post(address + path, json={"inputs": "parcel"}).json()


@pytest.mark.slow
def test_openais_route_for_vectors_refuses_as_openai_does(address: str) -> None:
    refused = httpx.post(address + "/v1/embeddings", json={"model": "retrieval", "input": "parcel " * 60})
    assert refused.status_code == 400 and refused.json()["error"]["code"] == "context_length_exceeded"


@pytest.mark.slow
def test_a_server_goes_on_answering_while_a_long_text_is_measured() -> None:
    with serving(Slow()) as server:
        begin = time.monotonic()
        refused = httpx.post(f"{server.address}/predict", json={"inputs": "a " * 200_000}, timeout=30)
        assert refused.status_code == 413 and time.monotonic() - begin < 20
        assert httpx.post(f"{server.address}/predict", json={"inputs": "a"}).status_code == 200
