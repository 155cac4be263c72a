"""Retrieval through the commands: from pairs to vectors that another library makes alike, an index and its server."""

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from luthier.cli.serve import serve
from luthier.errors import ModelError
from luthier.inference.artifact import load_artifact
from luthier.production.serve import make_app
from luthier.searching.index import open_index
from tiny import TinyModels, bench, write_csv, write_jsonl, write_tiny_models
from workflow.helpers import ENVIRONMENT, QUICK, luthier, report

pytestmark = pytest.mark.slow

WORDS = {
    "delivery": ["parcel", "late", "courier", "driver", "porch", "tracking", "depot", "waiting"],
    "refund": ["money", "back", "return", "refund", "credit", "unwanted", "send", "cash"],
    "billing": ["invoice", "charged", "twice", "card", "payment", "vat", "receipt", "voucher"],
}


def pairs(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Queries with another text of their topic."""
    draw = random.Random(seed)
    rows: dict[str, dict[str, Any]] = {}
    while len(rows) < count:
        topic = draw.choice(list(WORDS))
        query, positive = (" ".join(draw.sample(WORDS[topic], 3)) for _ in range(2))
        rows.setdefault(query, {"query": query, "positive": positive, "topic": topic})
    return list(rows.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("retrieval")


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    import torch

    torch.manual_seed(0)
    models = write_tiny_models(folder / "models")
    data = write_jsonl(folder / "pairs.jsonl", pairs(90))
    done = luthier(
        "train", data, "--task", "retrieval", "--model", models.encoder, "--out", folder / "run", *QUICK,
        "task.dimensions=[16,8]", "task.query_prefix=my ", "train.max_tokens=64",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "run"


def test_scores_and_baselines_have_the_fields_names(run: Path) -> None:
    told = report(run)
    names = [score["name"] for score in told["scores"]]
    assert names[:5] == ["ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10"]
    assert {"ndcg@10_dim16", "ndcg@10_dim8"} < set(names) and all(
        score["low"] <= score["high"] for score in told["scores"]
    )
    assert set(told["baselines"]) == {"majority", "tfidf", "embeddings"}
    untuned = next(score["value"] for score in told["baselines"]["embeddings"] if score["name"] == "ndcg@10")
    assert told["scores"][0]["value"] > untuned
    header, first, *_ = (run / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert header == "line,text,answer,document,score,rank" and first


def test_evaluate_ranks_another_file(run: Path, folder: Path) -> None:
    other = write_jsonl(folder / "other.jsonl", pairs(30, seed=5))
    done = luthier("evaluate", run, other, "--json")
    scores = {score["name"]: score["value"] for score in json.loads(done.stdout)["scores"]}
    assert 0 < scores["recall@1"] <= scores["recall@5"] <= scores["recall@10"] <= 1


def test_sentence_transformers_makes_the_same_vectors(run: Path) -> None:
    from sentence_transformers import SentenceTransformer

    ours = load_artifact(run)
    theirs = SentenceTransformer(str(run / "model"), device="cpu")
    texts = ["parcel late", "money back " * 40, "vat"]
    queries = [item["embedding"] for item in ours.predict(texts)]
    documents = [item["embedding"] for item in ours.predict([{"document": text} for text in texts])]
    np.testing.assert_allclose(theirs.encode_query(texts), queries, atol=1e-5)
    np.testing.assert_allclose(theirs.encode_document(texts), documents, atol=1e-5)
    assert np.abs(np.array(queries) - documents).max() > 1e-3  # the prefix is read


def test_predict_writes_vectors_as_json_lines_and_as_numpy(run: Path, folder: Path) -> None:
    texts = folder / "texts.txt"
    texts.write_text("parcel late\n\nmoney back\n", encoding="utf-8")
    for ending in ("jsonl", "npy"):
        assert luthier("predict", run, texts, "-o", folder / f"out.{ending}").returncode == 1  # one line has no text
    lines = [json.loads(line) for line in (folder / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    array = np.load(folder / "out.npy")
    assert array.shape == (3, 32) and array.dtype == np.float32 and np.isnan(array[1]).all()
    for row in (0, 2):
        np.testing.assert_allclose(array[row], lines[row]["embedding"], atol=1e-6)


def test_an_indexed_file_is_searched_over_http(run: Path, folder: Path) -> None:
    rows = [(row["query"], row["positive"], i) for i, row in enumerate(pairs(20, seed=9))]
    faq = write_csv(folder / "faq.csv", ["question", "answer", "id"], rows)
    done = luthier("index", run, faq, "--text", "question", "-o", folder / "faq.index", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["texts"] == 20
    assert luthier("index", run, faq, "-o", folder / "faq.index").returncode == 2  # never written over
    predictor, index = load_artifact(run), open_index(folder / "faq.index")
    with TestClient(make_app([lambda: predictor], lambda error: None, index)) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        asked = {"inputs": [rows[3][0], "vat"], "top_k": 4, "truncate": True}
        answer = client.post("/search", json=asked).json()
        assert [len(hits) for hits in answer["results"]] == [4, 4]
        hits = answer["results"][0]
        assert set(hits[0]["row"]) == {"question", "answer", "id"}
        assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
        query = np.array(client.post("/embed", json={"inputs": rows[3][0], "truncate": True}).json()["embeddings"][0])
        body = {"inputs": hits[0]["row"]["question"], "kind": "document", "truncate": True}
        document = np.array(client.post("/embed", json=body).json()["embeddings"][0])
        assert query @ document == pytest.approx(hits[0]["score"], abs=1e-5)
        (said,) = client.post("/predict", json={"inputs": rows[3][0], "truncate": True}).json()["predictions"]
        np.testing.assert_allclose(said["embedding"], query, atol=1e-6)
        for body, code in (({"inputs": "a", "kind": "page"}, "bad-value"), ({"kind": "query"}, "missing-field")):
            assert client.post("/embed", json=body).json()["error"]["code"] == code
        assert client.post("/search", json={"inputs": "a", "top_k": 1000}).status_code == 400


def test_without_an_index_nothing_is_searched_and_another_models_index_is_refused(run: Path, folder: Path) -> None:
    from luthier.searching.index import write_index

    predictor = load_artifact(run)
    with TestClient(make_app([lambda: predictor], lambda error: None)) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        assert client.post("/search", json={"inputs": "a"}).json()["error"]["code"] == "no-index"
    write_index(folder / "theirs", np.eye(2, 32, dtype=np.float32), [{}, {}], {"model": "another"})
    with pytest.raises(ModelError, match="another model"):
        serve([run], index=folder / "theirs")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["task.temperature=0"], "temperature"),
        (["task.dimensions=[64]"], "use less"),
        (["task.pooling=max"], "pooling"),
        (["tuning.method=head"], "no layers of its own"),
        (["balance=oversample"], "no classes"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_key(words: list[str], said: str, folder: Path, run: Path) -> None:
    data, model = folder / "pairs.jsonl", folder / "models" / "encoder"
    done = luthier("train", data, "--task", "retrieval", "--model", model, "--out", folder / "no", *QUICK, *words)
    assert done.returncode == 2 and said in done.stderr and not (folder / "no").exists()


@pytest.mark.slow
def test_pairs_with_a_score_are_judged_by_their_order(folder: Path, run: Path) -> None:
    rows = pairs(60, seed=3)
    near = [{"query": row["query"], "positive": row["positive"], "score": 0.9} for row in rows[:30]]
    apart = zip(rows[30:], rows[:30], strict=True)
    far = [{"query": a["query"], "positive": b["positive"], "score": 0.1} for a, b in apart]
    data = write_jsonl(folder / "scored.jsonl", near + far)
    model = folder / "models" / "encoder"
    done = luthier("train", data, "--task", "retrieval", "--model", model, "--out", folder / "scored", *QUICK)
    assert done.returncode == 0, done.stderr
    assert [score["name"] for score in report(folder / "scored")["scores"]] == ["spearman", "pearson"]
    unscored = write_jsonl(folder / "unscored.jsonl", [{"query": "a", "positive": "b"}])
    refused = luthier("evaluate", folder / "scored", unscored)
    assert refused.returncode == 2 and "has no score" in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("roberta", ["tuning.method=lora", "task.symmetric=true"]),
        ("distilbert", ["tuning.method=last_layers", "task.pooling=cls"]),
        ("decoder", ["task.pooling=last"]),
        ("encoder", ["data.split.folds=2"]),
    ],
)
def test_other_models_methods_and_folds(name: str, words: list[str], folder: Path, run: Path) -> None:
    data, out = folder / "pairs.jsonl", folder / f"{name}-run"
    model = folder / "models" / name
    done = luthier(
        "train", data, "--task", "retrieval", "--model", model, "--out", out, *QUICK, *words, LUTHIER_LANG="zh"
    )
    assert done.returncode == 0, done.stderr
    assert report(out)["scores"][0]["name"] == "ndcg@10"


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_every_pooling_is_sentence_transformers_own(pooling: str, models: TinyModels, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    from luthier.inference.artifact import save_artifact
    from luthier.models.load import load_tokenizer

    for name in ("roberta", "decoder"):
        model = getattr(models, name)
        ready = bench("retrieval", model, pooling=pooling)
        out = tmp_path / name
        save_artifact(out, ready.model, ready.codec, load_tokenizer(model).wrapped, "card")
        texts = ["where is my parcel", "refund"]
        ours = [item["embedding"] for item in load_artifact(out).predict(texts)]
        np.testing.assert_allclose(SentenceTransformer(str(out), device="cpu").encode(texts), ours, atol=1e-5)


def test_options_left_open_are_read_from_the_models_folder(models: TinyModels, tmp_path: Path) -> None:
    import shutil

    from luthier.models.sentence_transformers import write_modules
    from luthier.tasks.retrieval import Retrieval

    shutil.copytree(models.encoder, tmp_path / "model")
    write_modules(tmp_path / "model", "cls", 32, "query: ", "passage: ")
    task, choices = Retrieval().fitted(tmp_path / "model")
    assert (task.pooling, task.query_prefix, task.document_prefix) == ("cls", "query: ", "passage: ")
    assert [choice.key for choice in choices] == ["pooling", "query_prefix", "document_prefix"]
    assert Retrieval(pooling="mean", query_prefix="", document_prefix="").fitted(tmp_path / "model")[1] == []


@pytest.mark.slow
def test_two_processes_train_what_one_does(folder: Path, run: Path) -> None:
    import subprocess
    import sys

    model = folder / "models" / "dropout_encoder"
    words = ["train", folder / "pairs.jsonl", "--task", "retrieval", "--model", model, *QUICK]
    assert luthier(*words, "--out", folder / "by-1").returncode == 0
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "luthier"]
    command = [*launch, *map(str, words), "--out", str(folder / "by-2")]
    subprocess.run(command, env={**os.environ, **ENVIRONMENT}, check=True, capture_output=True)
    journals = [(folder / name / "metrics.jsonl").read_text(encoding="utf-8") for name in ("by-1", "by-2")]
    entries = [[json.loads(line) for line in journal.splitlines()] for journal in journals]
    one, two = ([entry["loss"] for entry in each if "loss" in entry] for each in entries)
    assert one == pytest.approx(two, rel=1e-4)
