"""A text that is too long is cut only where the client asked for it, and the reply says by how much."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from luthier.codec import Noting
from luthier.inference.artifact import Predictor
from luthier.production.predicting.reach import Answers, told_of_cut, wants_cut
from luthier.production.requests import Refusal
from production.helpers import saved, serving, wordy
from tiny import TinyModels

LONG = "one two three four five six seven"


def test_what_is_not_read_is_noted_of_each_input_without_reading_it_twice() -> None:
    asked: list[Any] = []

    def ask(model: Any, codec: Any, inputs: Any, **_: Any) -> list[Any]:
        asked.append([len(windows[0]) for windows in codec.asked(inputs)])
        return [np.zeros(2) for _ in inputs]

    said = Predictor(None, wordy(4), "wordy", ask=ask).noted(["a b c d", LONG, "a"])
    assert [cut for _, cut in said] == [0, 3, 0] and asked == [[4, 4, 1]]


def test_a_codec_that_notes_is_the_same_codec() -> None:
    codec = wordy(4)
    noting = Noting.of(codec)
    assert [w.arrays["input_ids"].tolist() for (w,) in noting.asked([LONG])] == [
        w.arrays["input_ids"].tolist() for (w,) in codec.asked([LONG])
    ]


def test_what_is_left_out_is_told_of_each_input_where_the_client_asked_for_cutting() -> None:
    assert told_of_cut(Answers(("x", "y"), (0, 3)), wanted=True) == {"truncated": [0, 3]}


def test_else_the_first_that_is_too_long_is_refused_and_nothing_is_told_of_what_fits() -> None:
    assert told_of_cut(Answers(("x", "y"), (0, 0)), wanted=False) == {}
    with pytest.raises(Refusal) as refused:
        told_of_cut(Answers(("x", "y"), (0, 3)), wanted=False)
    said = refused.value
    assert (said.status, said.code, said.param) == (413, "too-long", "inputs")
    assert "input 1 has 3 tokens more than the model reads" in said.message and '"truncate": true' in said.message


def test_truncate_is_a_yes_or_a_no() -> None:
    assert wants_cut({"truncate": True}) and not wants_cut({}) and not wants_cut({"truncate": False})
    with pytest.raises(Refusal) as refused:
        wants_cut({"truncate": "yes"})
    assert (refused.value.status, refused.value.param) == (400, "truncate")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reach")


@pytest.fixture(scope="module")
def address(folder: Path, models: TinyModels) -> Iterator[str]:
    with serving(saved("retrieval", models.encoder, folder, max_length=16)) as server:
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
def test_of_a_conversation_the_turns_that_are_left_out_are_told_too(folder: Path, models: TinyModels) -> None:
    long = {"messages": [{"role": "user", "content": "parcel " * 900}]}
    with serving(saved("sft", models.causal, folder, max_length=32, max_new_tokens=2)) as server:
        refused = httpx.post(f"{server.address}/predict", json={"inputs": [long]})
        assert refused.status_code == 413 and refused.json()["error"]["code"] == "too-long"
        cut = httpx.post(f"{server.address}/predict", json={"inputs": [long], "truncate": True}).json()
        assert cut["truncated"][0] > 0 and len(cut["predictions"]) == 1
