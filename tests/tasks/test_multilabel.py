"""Several labels a row through the command: thresholds chosen on validation, folded, told and switched off."""

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
from luthier.balancing.loss import binary_cross_entropy
from luthier.balancing.remedy import Remedy
from luthier.errors import ConfigError
from luthier.inference.artifact import load_artifact
from luthier.production.serve import make_app
from luthier.tasks.multilabel import MultiLabel
from luthier.types import Example
from tiny import TinyModels, ticket_rows, write_csv, write_tiny_models
from workflow.helpers import QUICK
from workflow.helpers import luthier as command

pytestmark = pytest.mark.slow

TASK = MultiLabel(labels=("a", "b", "c"))


def tagged(path: Path, count: int = 180) -> Path:
    """Two tickets in one text have both labels, some texts have none."""
    draw, rows = random.Random(0), ticket_rows(2 * count)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    made = [(f"{one[0]} {two[0]}", "|".join(sorted({one[1], two[1]}))) for one, two in pairs]
    return write_csv(path, ["text", "tags"], made + [(f"please {draw.random()} the it was", "") for _ in range(20)])


def test_labels_above_even_odds_are_said_the_surest_first() -> None:
    assert TASK.show(np.array([0.5, 0.2, 0.9])) == [{"label": "c", "score": 0.9}, {"label": "a", "score": 0.5}]
    assert TASK.show(np.array([0.1, 0.2, 0.3])) == []
    assert [said["label"] for said in TASK.show(np.array([0.1, 0.2, 0.3]), 2)] == ["c", "b"]


def test_a_mistake_is_told_with_all_labels_and_the_surest_error() -> None:
    said = np.array([0.9, 0.2, 0.6])
    assert TASK.mistake(said, frozenset("ac")) is None
    told = TASK.mistake(said, frozenset("bc"))
    assert told is not None and (told.answer, told.said) == ("b, c", "a, c") and told.weight == pytest.approx(0.9)
    assert TASK.mistake(said, frozenset(["a", "c", "unheard of"])) is not None


def test_the_constant_says_as_many_labels_as_score_best() -> None:
    answers = [frozenset("a")] * 6 + [frozenset("ab")] * 3 + [frozenset("c")]
    assert [said["label"] for said in TASK.show(TASK.constant(answers))] == ["a"]
    assert [said["label"] for said in TASK.show(TASK.constant([frozenset("ab")] * 9 + [frozenset("c")]))] == ["a", "b"]
    assert len(TASK.show(TASK.constant([frozenset("abc")] * 5))) == 3


def test_rows_with_a_rare_label_weigh_more_in_that_labels_loss() -> None:
    logits, targets = torch.zeros(2, 2), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    plain = binary_cross_entropy(logits, targets, Remedy())
    heavy = binary_cross_entropy(logits, targets, Remedy(weights=(0.5, 2.0)))
    assert plain.item() == pytest.approx(4 * np.log(2)) and heavy.item() == pytest.approx(7 * np.log(2))
    focal = binary_cross_entropy(logits, targets, Remedy(focus=2.0))
    assert focal.item() == pytest.approx(np.log(2))


@pytest.mark.parametrize("method", ["oversample", "undersample", "logit_adjustment"])
def test_remedies_for_one_class_a_row_are_refused(method: str) -> None:
    from luthier import catalog

    with pytest.raises(ConfigError, match=rf"{method} is for rows of one class each[^$]*threshold"):
        TASK.usable(method, catalog.remedy(method)((90, 9, 2)), validated=True)


def test_other_remedies_choose_thresholds_too_where_there_are_rows_for_it() -> None:
    weighted = Remedy(weights=(0.5, 1.0, 2.0))
    assert TASK.usable("weighted_loss", weighted, validated=True).moves_decisions
    assert not TASK.usable("weighted_loss", weighted, validated=False).moves_decisions
    assert not TASK.usable("none", Remedy(), validated=True).moves_decisions
    usual = [TASK.usual_remedy(validated=validated) for validated in (True, False)]
    assert [name for name, _ in filter(None, usual)] == ["threshold", "none"]


def test_a_label_is_counted_in_every_row_that_has_it() -> None:
    task = MultiLabel().learn([Example("x", frozenset("ab")), Example("y", frozenset()), Example("z", frozenset("b"))])
    assert task.labels == ("a", "b") and task.class_counts([frozenset("ab"), frozenset(), frozenset("b")]) == [1, 2]
    assert MultiLabel.from_state(json.loads(json.dumps(task.state()))) == task


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run, and what it told."""
    folder = tmp_path_factory.mktemp("multilabel")
    torch.manual_seed(0)
    models = write_tiny_models(folder / "models")
    done = command("train", tagged(folder / "tags.csv"), "--task", "multilabel", "--model", models.encoder, "--out",
                   folder / "run", *QUICK)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "run", done.stdout + done.stderr


def report(run: Path) -> dict[str, Any]:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_thresholds_are_chosen_said_and_folded_into_the_head(finished: tuple[Path, str]) -> None:
    run, told = finished
    assert "each label's threshold is chosen on the validation rows" in " ".join(told.split())
    assert "classes in training: " in told and "frozenset" not in told
    balance = report(run)["balance"]
    assert balance["method"] == "threshold" and balance["shifts_in_head"]
    assert set(balance["shifts"]) == set(balance["rows"]) == {"billing", "delivery", "refund"}
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(run / "model").eval()
    assert plain.config.problem_type == "multi_label_classification"
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    text = "invoice charged twice and parcel late"
    with torch.no_grad():
        expected = plain(**tokenizer(text, return_tensors="pt")).logits.sigmoid()[0].numpy()
    assert load_artifact(run).raw([text])[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_the_report_has_the_scores_each_label_and_fair_baselines(finished: tuple[Path, str]) -> None:
    run, _ = finished
    told = report(run)
    names = [score["name"] for score in told["scores"]]
    assert names[:2] == ["micro_f1", "macro_f1"] and {"samples_f1", "map", "subset_accuracy", "loss"} <= set(names)
    assert {row["label"] for row in told["details"]["per_class"]} == {"billing", "delivery", "refund"}
    baselines = {name: scores[0]["value"] for name, scores in told["baselines"].items()}
    assert baselines["tfidf"] > baselines["majority"] > 0.3
    assert "Each class" in (run / "report.html").read_text(encoding="utf-8")
    with (run / "predictions.csv").open(encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert isinstance(json.loads(row["answer"]), list) and isinstance(json.loads(row["prediction"]), list)


@pytest.mark.slow
def test_every_way_out_gives_a_list_of_labels(finished: tuple[Path, str], tmp_path: Path) -> None:
    run, _ = finished
    text = "invoice charged twice card payment"
    (line,) = command("predict", run, "--text", text, "--json").stdout.splitlines()
    said = json.loads(line)
    assert said == luthier.load(run).predict([text])[0] and all(set(item) == {"label", "score"} for item in said)
    with TestClient(make_app([lambda: load_artifact(run)], lambda error: None)) as client:
        while client.get("/health/ready").status_code != 200:
            pass
        asked = ({"inputs": [text], "top_k": 2}, {"inputs": [text]})
        best, plain = (client.post("/predict", json=body).json()["predictions"][0] for body in asked)
    assert len(best) == 2 and [item["label"] for item in plain] == [item["label"] for item in said]
    data = write_csv(tmp_path / "bad_first.csv", ["text"], [("",), (text,)])
    done = command("predict", run, data, "-o", tmp_path / "out.csv")
    assert done.returncode == 1
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {"text": "", "prediction": ""} and "score" in json.loads(rows[1]["prediction"])[0]
    judged = command("evaluate", run, tagged(tmp_path / "more.csv", 60), "--json")
    slices = json.loads(judged.stdout)["slices"]
    assert {part["value"] for part in slices if part["by"] == "label"} == {"billing", "delivery", "refund"}


@pytest.mark.slow
def test_an_adapter_without_thresholds_and_a_refused_remedy(models: TinyModels, tmp_path: Path) -> None:
    words = ["train", tagged(tmp_path / "tags.csv", 60), "--task", "multilabel", "--model", models.encoder, "--out",
             tmp_path / "run", *QUICK[1:], "train.epochs=1"]  # fmt: skip
    refused = command(*words, "balance=oversample")
    assert refused.returncode == 2 and "rows of one class each" in refused.stderr and not (tmp_path / "run").exists()
    done = command(*words, "balance=none", "tuning.method=lora", LUTHIER_LANG="zh")
    assert done.returncode == 0, done.stderr
    assert report(tmp_path / "run")["balance"]["shifts"] == {}
    assert command("predict", tmp_path / "run", "--text", "zzz").stdout.strip()
