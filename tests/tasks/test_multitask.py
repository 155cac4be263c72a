"""Several tasks on one encoder, through the command: rows that hold all answers, and tasks with data of their own."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient

from luthier.errors import ConfigError
from luthier.formats.known import guess_format
from luthier.inference.artifact import load_artifact
from luthier.models.own.several import SeveralHeads
from luthier.production.serve import make_app
from luthier.task import task_class
from tasks.errands import errands
from tiny import TinyModels, bench, write_csv, write_jsonl
from workflow.helpers import QUICK, luthier, report

pytestmark = pytest.mark.slow

TEXT = "will it rain in blue heron tonight"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Path:
    """One run on rows that hold an intent and slots, looked at by many tests."""
    folder = tmp_path_factory.mktemp("joint")
    data = write_jsonl(folder / "data.jsonl", errands(70))
    done = luthier("train", data, "--model", models.encoder, "--out", folder / "run", *QUICK, "train.epochs=2")
    assert done.returncode == 0, done.stderr
    return folder / "run"


def own_files(folder: Path, counts: tuple[int, int] = (60, 40)) -> dict[str, Any]:
    """Intents in a CSV file, slots in one of a word a line; as `task.tasks`."""
    rows = errands(sum(counts), seed=3)
    intents = [(" ".join(row["tokens"]), row["intent"]) for row in rows[: counts[0]]]
    write_csv(folder / "intents.csv", ["body", "team"], intents)
    words = ("".join(f"{a} {b}\n" for a, b in zip(r["tokens"], r["tags"], strict=True)) for r in rows[counts[0] :])
    (folder / "slots.conll").write_text("\n".join(words), encoding="utf-8")
    return {
        "intent": {"task": "classification", "train": str(folder / "intents.csv"),
                   "columns": {"text": "body", "label": "team"}},
        "slots": {"task": "ner", "train": str(folder / "slots.conll")},
    }  # fmt: skip


def write_config(path: Path, **task: Any) -> Path:
    path.write_text(json.dumps({"task": {"name": "multitask", **task}}), encoding="utf-8")  # JSON is YAML
    return path


def scores(run: Path) -> dict[str, float]:
    return {score["name"]: score["value"] for score in report(run)["scores"]}


def test_each_part_is_scored_under_its_name_and_the_row_as_a_whole(run: Path) -> None:
    told = scores(run)
    assert list(told)[:2] == ["sentence_accuracy", "mean_of_parts"]
    assert told["mean_of_parts"] == pytest.approx((told["intent.macro_f1"] + told["slots.entity_f1"]) / 2)
    assert told["mean_of_parts"] > 0.5
    assert told["sentence_accuracy"] <= min(told["intent.accuracy"], 1.0)
    lower = {s["name"] for s in report(run)["scores"] if not s["higher_is_better"]}
    assert {"intent.loss", "slots.loss", "loss", "intent.ece"} == lower
    assert list(report(run)["baselines"]) == ["majority", "tfidf", "embeddings"]
    labels = {row["label"] for row in report(run)["details"]["per_class"]}
    assert {"intent: music", "slots: place"} <= labels


def test_command_file_and_server_answer_alike_for_all_parts(run: Path, tmp_path: Path) -> None:
    done = luthier("predict", run, "--text", TEXT, "--json")
    said = json.loads(done.stdout)
    assert set(said) == {"intent", "slots"} and set(said["intent"]) == {"label", "score"}
    assert all(TEXT[one["start"] : one["end"]] == one["word"] for one in said["slots"])
    with TestClient(make_app([lambda: load_artifact(run)], lambda error: None)) as client:
        while client.get("/health/ready").status_code != 200:
            pass
        served = client.post("/predict", json={"inputs": [TEXT, TEXT.split()], "top_k": 2}).json()["predictions"]
        bad = client.post("/predict", json={"inputs": [5]})
    assert served[0]["intent"][0] == pytest.approx(said["intent"]) and len(served[0]["intent"]) == 2
    for one, same in zip(served[0]["intent"], served[1]["intent"], strict=True):  # given as words, the same text
        assert one == pytest.approx(same)
    assert bad.status_code == 400
    with (run / "predictions.csv").open(encoding="utf-8", newline="") as file:
        (first, *_) = csv.DictReader(file)
    assert set(json.loads(first["intent"])) == {"label", "score"}
    assert set(json.loads(first["answer"])) == {"intent", "slots"}


def test_the_trunk_is_a_plain_encoder_and_heads_lie_beside_it(run: Path) -> None:
    from transformers import AutoModel

    plain, loading = AutoModel.from_pretrained(run / "model", output_loading_info=True)
    assert not loading["missing_keys"] and not loading["unexpected_keys"]
    assert (run / "model" / "heads.safetensors").is_file()
    assert "part_heads" not in (run / "model" / "config.json").read_text(encoding="utf-8")
    ours = load_artifact(run).model
    assert isinstance(ours, SeveralHeads)
    weights = dict(plain.named_parameters())
    assert all(weights[name].equal(value) for name, value in ours.trunk.named_parameters())
    assert "the heads that answer lie beside it" in (run / "model" / "README.md").read_text(encoding="utf-8")


def test_a_row_with_several_answers_passes_the_trunk_once(models: TinyModels) -> None:
    ready = bench("multitask", models.encoder)
    passes: list[int] = []
    model: Any = ready.model
    hook = model.trunk.register_forward_hook(lambda _, args, kwargs, out: passes.append(len(kwargs["input_ids"])),
                                             with_kwargs=True)  # fmt: skip
    assert len(ready.windows) == len(ready.examples)
    ready.codec.task.loss(model, ready.batches(99)[0])
    hook.remove()
    assert passes == [len(ready.examples)]


def test_the_loss_is_the_weighted_sum_of_the_parts_own_means(models: TinyModels) -> None:
    ready = bench("multitask", models.encoder)
    task, (batch,) = ready.codec.task, ready.batches(99)
    assert batch.num_targets == len(ready.examples)
    weighed = {}
    for intent, slots in ((1.0, 0.0), (0.0, 1.0), (2.0, 0.5)):
        own = replace(task, weights={"intent": intent, "slots": slots})
        weighed[intent, slots] = own.loss(ready.model, batch).item()
    assert weighed[2.0, 0.5] == pytest.approx(2 * weighed[1.0, 0.0] + 0.5 * weighed[0.0, 1.0], rel=1e-5)
    with torch.no_grad():
        said: Any = ready.model(**{k: v for k, v in batch.inputs.tensors.items() if not k.startswith("part_")})
        targets = torch.tensor(task.parts["intent"].row_classes([dict(e.answer)["intent"] for e in ready.examples]))
        expected = torch.nn.functional.cross_entropy(said.parts["intent"].logits, targets, reduction="sum")
    assert weighed[1.0, 0.0] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("tuning", ["head", "last_layers", "lora"])
def test_other_tuning_methods_learn_all_heads(tuning: str, tmp_path: Path, models: TinyModels) -> None:
    data = write_jsonl(tmp_path / "data.jsonl", errands(40))
    done = luthier("train", data, "--model", models.encoder, "--out", tmp_path / "run", *QUICK, "train.epochs=1",
                   f"tuning.method={tuning}", "task.weights=uncertainty", "task=multitask")  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(luthier("predict", tmp_path / "run", "--text", TEXT, "--json").stdout)
    assert set(answer) == {"intent", "slots"}


def test_learnt_weights_move_and_are_saved(models: TinyModels) -> None:
    ready = bench("multitask", models.encoder, weights="uncertainty")
    model: Any = ready.model
    ready.codec.task.loss(model, ready.batches(99)[0]).backward()
    assert model.uncertainty.scaled.grad.abs().min() > 0
    assert "uncertainty.scaled" in dict(model.named_parameters())
    assert not [n for n in dict(bench("multitask", models.encoder).model.named_parameters()) if "uncertainty" in n]


@pytest.mark.slow
def test_tasks_with_data_of_their_own_are_split_and_scored_each_by_itself(tmp_path: Path, models: TinyModels) -> None:
    config = write_config(tmp_path / "c.yaml", tasks=own_files(tmp_path), sampling="temperature", alone=True)
    done = luthier("train", config, "--model", models.encoder, "--out", tmp_path / "run", *QUICK, "train.epochs=2")
    assert done.returncode == 0, done.stderr
    told = report(tmp_path / "run")
    n = {score["name"]: score["value"] for score in told["scores"]}
    assert "intent.accuracy" in n and "slots.entity_f1" in n and "sentence_accuracy" not in n
    saved = json.loads((tmp_path / "run" / "split.json").read_text(encoding="utf-8"))["tasks"]
    assert {part: len(own["rows"]["test"]) for part, own in saved.items()} == {"intent": 12, "slots": 8}
    assert set(told["alone"]) == {"intent", "slots"}
    for name, one in told["alone"].items():
        own = report(tmp_path / "run" / "alone" / name)["scores"][0]
        assert one["alone"]["value"] == pytest.approx(own["value"])
        assert one["difference"] == pytest.approx(one["together"]["value"] - one["alone"]["value"])
    answer = json.loads(luthier("predict", tmp_path / "run", "--text", TEXT, "--json").stdout)
    assert set(answer) == {"intent", "slots"} and answer["intent"] and answer["slots"] is not None
    again = luthier("evaluate", tmp_path / "run", tmp_path / "slots.conll", "--json")
    assert "slots.entity_f1" in again.stdout and "intent." not in again.stdout
    resumed = luthier("train", "--resume", "--out", tmp_path / "run")
    assert resumed.returncode == 0 and "is finished" in resumed.stdout


def test_the_doctor_looks_at_each_part_as_alone(tmp_path: Path) -> None:
    tasks = own_files(tmp_path)
    with (tmp_path / "intents.csv").open("a", encoding="utf-8") as file:
        file.write("book a table again,\n")
    done = luthier("check", write_config(tmp_path / "c.yaml", tasks=tasks), "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1 and set(found) == {"intent", "slots"}
    assert "missing-label" in {finding["code"] for finding in found["intent"]["findings"]}
    assert "missing-label" not in {finding["code"] for finding in found["slots"]["findings"]}
    stopped = luthier("train", tmp_path / "c.yaml", "--out", tmp_path / "run")
    assert stopped.returncode == 2 and "intents.csv:62" in stopped.stderr


BAD: list[tuple[dict[str, Any], str]] = [
    ({"tasks": {"intent": {"task": "clasification", "train": "a.csv"}}}, "did you mean 'classification'"),
    ({"tasks": {"intent": {"train": "a.csv"}}}, "names no task"),
    ({"tasks": {"intent": {"task": "classification", "train": "a.csv"}, "slots": {"task": "ner"}}}, "has no data"),
    ({"tasks": {"a": {"task": "classification"}, "b": {"task": "classification"}}}, "read the same rows"),
    ({"tasks": {"intent": {"task": "classification", "label_smoothing": 2.0}, "slots": {"task": "ner"}}},
     "task.tasks.intent.label_smoothing"),
    ({"tasks": {"intent": {"task": "classification", "smoothing": 0.1}, "slots": {"task": "ner"}}},
     "unknown setting 'task.tasks.intent.smoothing'"),
    ({"weights": {"intents": 1.0}}, "did you mean 'intent'"),
    ({"weights": {"intent": -1.0}}, "the weight of intent is -1.0"),
    ({"temperature": 0.5}, "use a number from 1"),
    ({"sampling": "even"}, "task.sampling is 'even'"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "says"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_what_does_not_fit_together_is_refused_before_anything_is_read(
    task: dict[str, Any], says: str, tmp_path: Path
) -> None:
    done = luthier("train", write_config(tmp_path / "c.yaml", **task), "data.train=absent.jsonl")
    assert done.returncode == 2 and says in done.stderr, done.stderr


def test_data_beside_tasks_with_data_are_refused_and_so_are_folds(tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.yaml", tasks=own_files(tmp_path))
    for words, says in ((["data.train=x.csv"], "every task has data"), (["data.split.folds=3"], "not tested in folds")):
        done = luthier("train", config, "--out", tmp_path / "run", *words)
        assert done.returncode == 2 and says in done.stderr, done.stderr


def test_rows_with_an_intent_and_tags_are_known_by_their_columns() -> None:
    rows = errands(5)
    assert guess_format(list(rows[0]), rows).name == "joint"
    plain = [{key: value for key, value in row.items() if key != "intent"} for row in rows]
    assert guess_format(list(plain[0]), plain).name == "entities"


def test_a_task_with_a_model_of_its_own_make_cannot_be_a_part() -> None:
    with pytest.raises(ConfigError, match="cannot share an encoder"):
        task_class("multitask")(tasks={"a": {"task": "multitask", "train": "x"}})


def test_temperature_makes_small_parts_larger_and_the_epoch_no_longer(models: TinyModels) -> None:
    from luthier.parts.scores import sampling_rates

    even, half = sampling_rates([900, 100], 1e9), sampling_rates([900, 100], 2.0)
    assert [900 * even[0], 100 * even[1]] == pytest.approx([500, 500], rel=1e-3)
    assert [900 * half[0], 100 * half[1]] == pytest.approx([750, 250])
    assert sampling_rates([900, 100], 1.0) == pytest.approx([1, 1])
    ready = bench("multitask", models.encoder)
    assert ready.codec.task.windows_shown(ready.windows) is None
    shown = replace(ready.codec.task, sampling="temperature").windows_shown(ready.windows)
    assert shown is not None and len(shown) == len(ready.windows) and np.all(shown.epoch(0, 0) >= 0)
