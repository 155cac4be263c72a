"""Numbers through the command: learnt standardised, told in the user's units, by every way out."""

import csv
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from fastapi.testclient import TestClient

import luthier
from luthier import catalog
from luthier.inference.artifact import load_artifact, save_artifact
from luthier.inference.predict import predict
from luthier.models.load import load_tokenizer
from luthier.production.serve import make_app
from luthier.tasks.regression import Regression
from luthier.types import Example
from tiny import TinyModels, bench, ticket_rows, write_csv, write_tiny_models
from workflow.helpers import QUICK
from workflow.helpers import luthier as command

PRICES = {"delivery": 1000.0, "refund": 1400.0, "billing": 2500.0}


def priced(path: Path, count: int = 150) -> Path:
    draw = random.Random(0)
    rows = [(text, f"{PRICES[label] + draw.uniform(-20, 20):.2f}") for text, label in ticket_rows(count)]
    return write_csv(path, ["text", "price"], rows)


def test_it_learns_mean_and_spread_of_the_training_answers() -> None:
    task = Regression().learn([Example("a", 1.0), Example("b", 3.0)])
    assert (task.mean, task.spread) == (2.0, 1.0)
    assert Regression().learn([Example("a", 7.0)] * 3).spread == 1.0
    assert Regression.from_state(json.loads(json.dumps(task.state()))) == task


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("make", ["encoder", "roberta", "distilbert"])
def test_plain_transformers_answers_in_the_users_units(
    make: str, method: str, models: TinyModels, tmp_path: Path
) -> None:
    ready = bench("regression", getattr(models, make))
    tuned = catalog.tuning_method(method)(ready.model)
    inputs = [example.input for example in ready.examples]
    said = predict(tuned.model, ready.codec, inputs, device="cpu", max_tokens=999)
    model = tuned.merge()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    save_artifact(tmp_path / "model", model, ready.codec, load_tokenizer(models.encoder).wrapped, "card")
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    assert not hasattr(model.config, "target_mean")
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    with torch.no_grad():
        logits = plain(**ready.batches(99)[0].inputs.tensors).logits[:, 0].tolist()
    assert logits == pytest.approx(said, rel=1e-4)
    assert load_artifact(tmp_path / "model", "cpu").raw(inputs) == pytest.approx(said, rel=1e-4)


def test_where_the_head_has_no_bias_the_codec_has_the_units(models: TinyModels, tmp_path: Path) -> None:
    ready = bench("regression", models.decoder)
    inputs = [example.input for example in ready.examples]
    said = predict(ready.model, ready.codec, inputs, device="cpu", max_tokens=999)
    save_artifact(tmp_path / "model", ready.model, ready.codec, load_tokenizer(models.decoder).wrapped, "card")
    assert load_artifact(tmp_path / "model", "cpu").raw(inputs) == pytest.approx(said, rel=1e-4)


def test_a_near_answer_is_no_mistake_and_a_far_one_is_told() -> None:
    task = Regression(mean=10.0, spread=2.0)
    assert task.mistake(10.3, 10.0) is None
    told = task.mistake(14.0, 10.0)
    assert told is not None and (told.answer, told.said, told.weight) == ("10", "14", 4.0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regression")
    torch.manual_seed(0)
    models = write_tiny_models(folder / "models")
    done = command("train", priced(folder / "prices.csv"), "--task", "regression", "--model", models.encoder, "--out",
                   folder / "run", *QUICK[1:], "train.epochs=10")  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "run"


def report(run: Path) -> dict[str, Any]:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_report_has_the_scores_the_baselines_and_the_picture(finished: Path) -> None:
    told = report(finished)
    scores = {score["name"]: score for score in told["scores"]}
    assert list(scores) == ["spearman", "pearson", "mae", "rmse", "loss"]
    assert not scores["mae"]["higher_is_better"] and scores["mae"]["low"] <= scores["mae"]["value"]
    baselines = {name: scores[0]["value"] for name, scores in told["baselines"].items()}
    assert baselines["majority"] == 0.0 and baselines["tfidf"] > 0.6
    assert scores["spearman"]["value"] > 0.5
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "Each dot is a row" in page and "wrong answers by length" not in page
    with (finished / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == {"line", "text", "answer", "score"}
    assert np.mean([abs(float(row["score"]) - float(row["answer"])) for row in rows]) == pytest.approx(
        scores["mae"]["value"], rel=1e-3
    )


@pytest.mark.slow
def test_the_command_the_server_and_the_program_say_the_same_number(finished: Path, tmp_path: Path) -> None:
    text = "charged twice for the invoice"
    done = command("predict", finished, "--text", text, "--json")
    (said,) = (json.loads(line) for line in done.stdout.splitlines())
    assert set(said) == {"score"} and 500 < said["score"] < 3500
    assert luthier.load(finished).predict([text])[0]["score"] == pytest.approx(said["score"], rel=1e-4)
    with TestClient(make_app([lambda: load_artifact(finished)], lambda error: None)) as client:
        while client.get("/health/ready").status_code != 200:
            pass
        answer = client.post("/predict", json={"inputs": [text], "top_k": 3}).json()["predictions"]
    assert answer == [[{"score": pytest.approx(said["score"], rel=1e-4)}]]
    judged = command("evaluate", finished, priced(tmp_path / "more.csv", 60), "--json")
    assert {score["name"] for score in json.loads(judged.stdout)["scores"]} >= {"spearman", "rmse"}


@pytest.mark.slow
def test_pairs_in_chinese_messages_and_a_refused_remedy(models: TinyModels, tmp_path: Path) -> None:
    rows = [(f"快递{i}号到了", f"快递{'没' if i % 2 else ''}到{i}", i % 2 + i / 100) for i in range(40)]
    data = write_csv(tmp_path / "对.csv", ["text", "text_pair", "相似度"], rows)
    words = ["train", data, "--task", "regression", "--model", models.encoder, "--out", tmp_path / "run", *QUICK[1:]]
    refused = command(*words, "balance=oversample")
    assert refused.returncode == 2 and "balance" in refused.stderr and not (tmp_path / "run").exists()
    done = command(*words, "train.epochs=1", "data.split.near_duplicates=false", LUTHIER_LANG="zh")
    assert done.returncode == 0, done.stderr
    said = command("predict", tmp_path / "run", data, "--json").stdout.splitlines()
    assert len(said) == 40 and all(set(json.loads(line)) == {"score"} for line in said)
