"""Classification that tells what belongs to no class, by a class of such rows or by a threshold."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from luthier.errors import ConfigError
from luthier.inference.artifact import load_artifact
from luthier.tasks.classification import OUT_OF_SCOPE, Classification
from luthier.types import Example
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import QUICK
from workflow.helpers import luthier as command

NOISE = ["blue", "seven", "window", "river", "cloud", "stone"]


def with_others(path: Path, others: int = 40) -> Path:
    draw = random.Random(1)
    strange = [(" ".join(draw.choices(NOISE, k=5)) + f" {i}", "other") for i in range(others)]
    return write_csv(path, ["text", "label"], ticket_rows(120) + strange)


def test_the_class_must_be_there_unless_a_threshold_is_asked_for() -> None:
    rows = [Example("a", "x"), Example("b", "y")]
    with pytest.raises(ConfigError, match=r"task.reject: no training row has the label 'oos'"):
        Classification(reject="oos").learn(rows)
    for value in (None, "none", "threshold", "x"):
        assert Classification(reject=value).learn(rows).labels == ("x", "y")
    with pytest.raises(ConfigError, match=r"task.keep: is 1.5"):
        Classification(keep=1.5)


def test_a_threshold_needs_validation_rows() -> None:
    task = Classification(reject="threshold", labels=("x", "y"))
    with pytest.raises(ConfigError, match=r"task.reject[^$]*validation=0.1"):
        task.check_parts(validated=False)
    task.check_parts(validated=True)
    Classification(reject="x", labels=("x", "y")).check_parts(validated=False)


def test_a_class_named_like_a_setting_goes_first() -> None:
    said, answers = [np.array([0.6, 0.4], np.float32)] * 2, ["none", "y"]
    named, off = (Classification(reject="none", labels=(first, "y")) for first in ("none", "x"))
    assert named.score(said, answers, np.ones((1, 2)))["out_of_scope_recall"][0] == 1.0
    assert "out_of_scope_recall" not in off.score(said, ["x", "y"], np.ones((1, 2)))


def test_what_no_answer_is_sure_enough_of_is_out_of_scope() -> None:
    task = Classification(reject="threshold", labels=("x", "y"), keep=0.5)
    rows = [np.array([p, 1 - p], np.float32) for p in (0.95, 0.9, 0.6, 0.55)]
    placed = task.placed(rows, ["x", "x", "x", "x"])
    assert placed.apart and placed.shifts_C is None and 0.56 < placed.task.accepts < 0.59
    logits = torch.tensor([[3.0, 0.0], [0.2, 0.0]])

    class Model:
        def __call__(self, **_: Any) -> Any:
            return transformers.modeling_outputs.SequenceClassifierOutput(logits=logits)

    from luthier.types import Batch

    sure, unsure = placed.task.infer(Model(), Batch({}, (1, 1)))
    assert placed.task.show(sure)["label"] == "x" and placed.task.show(unsure)["label"] == OUT_OF_SCOPE
    assert [said["label"] for said in placed.task.show(unsure, 2)] == [OUT_OF_SCOPE, "x"]
    scores = placed.task.score([sure, unsure], ["x", "never seen"], np.ones((1, 2)))
    assert scores["in_scope_accuracy"][0] == scores["out_of_scope_recall"][0] == scores["accuracy"][0] == 1.0
    assert placed.task.mistake(unsure, "never seen") is None and placed.task.mistake(unsure, "x").said == OUT_OF_SCOPE
    assert Classification.from_state(json.loads(json.dumps(placed.task.state()))) == placed.task


@pytest.mark.slow
def test_a_class_out_of_scope_is_placed_told_and_part_of_the_head(models: TinyModels, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ["train", with_others(tmp_path / "a.csv"), "--model", models.encoder, "--out", run, *QUICK]
    refused = command(*words, "task.reject=oter")
    assert refused.returncode == 2 and "'other'" in refused.stderr and not run.exists()
    done = command(*words, "task.reject=other", "data.split.validation=0.25")
    assert done.returncode == 0, done.stderr
    assert "out of scope is 'other'" in " ".join((done.stdout + done.stderr).split())
    told = json.loads((run / "report.json").read_text(encoding="utf-8"))
    scores = {score["name"]: score["value"] for score in told["scores"]}
    assert list(scores)[2:4] == ["in_scope_accuracy", "out_of_scope_recall"] and scores["out_of_scope_recall"] > 0.8
    assert "out of scope is" in (run / "report.html").read_text(encoding="utf-8")
    assert "out of scope is" in (run / "model" / "README.md").read_text(encoding="utf-8")
    text = "blue river window stone"
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(run / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    with torch.no_grad():
        expected = plain(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0].numpy()
    assert load_artifact(run).raw([text])[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_a_threshold_is_the_codecs_and_judges_rows_of_labels_it_never_saw(models: TinyModels, tmp_path: Path) -> None:
    run = tmp_path / "run"
    data = write_csv(tmp_path / "a.csv", ["text", "label"], ticket_rows(150))
    words = ["train", data, "--model", models.encoder, "--out", run, *QUICK, "task.reject=threshold", "task.keep=0.8"]
    assert command(*words, "data.split.test=0.2").returncode == 2
    assert not run.exists()
    done = command(*words, "data.split.test=0.2", "data.split.validation=0.2", LUTHIER_LANG="zh")
    assert done.returncode == 0, done.stderr
    assert "plain `transformers` does not apply it" in (run / "model" / "README.md").read_text(encoding="utf-8")
    judged = command("evaluate", run, with_others(tmp_path / "more.csv"), "--json")
    scores = {score["name"]: score["value"] for score in json.loads(judged.stdout)["scores"]}
    assert scores["out_of_scope_recall"] > 0.05 and 0.5 < scores["in_scope_accuracy"] < 1
    labels = {json.loads(line)["label"] for line in command("predict", run, data, "--json").stdout.splitlines()}
    assert OUT_OF_SCOPE in labels
