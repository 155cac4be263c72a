"""From a file of labelled text to a tested model, in process."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import luthier
from luthier.errors import CheckpointError, ConfigError, DataError, RunError
from luthier.finish import Run
from luthier.progress import Progress
from tiny import TinyModels, ticket_rows, write_csv, write_jsonl

pytestmark = pytest.mark.slow

QUICK = {"train": {"epochs": 3, "batch_size": 8, "learning_rate": 3e-3, "precision": "fp32"}}


class Screen(Progress):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []
        self.tables: list[list[tuple[str, ...]]] = []

    def say(self, text: str = "") -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def table(self, title: str, headers: Any, rows: Any) -> None:
        self.tables.append([tuple(row) for row in rows])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Screen]:
    """One run on the small tickets, looked at by many tests."""
    from tiny import write_tiny_models

    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(0)
    models = write_tiny_models(folder / "models")
    data = write_csv(folder / "tickets.csv", ["id", "body", "team"], [(i, *r) for i, r in enumerate(ticket_rows(200))])
    screen = Screen()
    run = luthier.train(data, model=str(models.encoder), label="team", out=str(folder / "out"), screen=screen, **QUICK)
    return run, screen


def test_it_learns_and_is_tested(finished: tuple[Run, Screen]) -> None:
    run, _ = finished
    majority = {score["name"]: score["value"] for score in run.report["baselines"]["majority"]}
    assert run.test["accuracy"] > majority["accuracy"] + 0.25
    assert run.test.main.name == "macro_f1"
    assert [score.name for score in run.test.scores][:2] == ["macro_f1", "accuracy"]


def test_the_folder_holds_what_is_promised(finished: tuple[Run, Screen]) -> None:
    run, _ = finished
    names = {path.name for path in run.folder.iterdir()}
    assert names >= {
        "config.yaml", "model", "checkpoints", "metrics.jsonl", "report.html", "report.json", "predictions.csv",
        "environment.json", "split.json",
    }  # fmt: skip
    assert {path.name for path in (run.folder / "model").iterdir()} >= {
        "config.json", "model.safetensors", "tokenizer.json", "codec.json", "README.md",
    }  # fmt: skip
    pickles = [path for path in run.folder.rglob("*") if path.suffix in (".bin", ".pt", ".pkl", ".pth")]
    assert pickles == []


def test_the_report_has_the_promised_form(finished: tuple[Run, Screen]) -> None:
    report = json.loads((finished[0].folder / "report.json").read_text(encoding="utf-8"))
    assert set(report) >= {
        "task", "model", "data", "split", "scores", "baselines", "verdict", "throughput", "seconds",
        "peak_memory_bytes", "versions",
    }  # fmt: skip
    for score in report["scores"]:
        assert set(score) == {"name", "value", "low", "high", "n", "higher_is_better"}
    assert set(report["baselines"]) == {"majority", "tfidf", "embeddings"}
    assert set(report["verdict"]) == {"worth_it", "sentence", "baseline", "metric", "difference", "low", "high"}
    assert report["verdict"]["worth_it"] in ("yes", "no", "unclear")
    assert set(report["throughput"]) == {"tokens_per_second", "examples_per_second", "real_to_padded", "utilisation"}
    assert report["split"]["train"] + report["split"]["validation"] + report["split"]["test"] == 200


def test_every_choice_is_told_with_its_reason(finished: tuple[Run, Screen]) -> None:
    _, screen = finished
    told = {row[0]: row for table in screen.tables for row in table if len(row) == 3}
    for key in ("train.max_length", "train.patience", "balance"):
        assert key in told and told[key][2]
    assert "train.epochs" not in told  # it was set


def test_plain_transformers_gives_the_same_labels(finished: tuple[Run, Screen]) -> None:
    run, _ = finished
    folder = run.folder / "model"
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = [text for text, _ in ticket_rows(30, seed=5)]
    texts.append(" ".join(texts))  # both cut it at the same place
    ours = luthier.load(run.folder).predict(texts)
    for text, said in zip(texts, ours, strict=True):
        with torch.no_grad():
            scores = model(**tokenizer(text, truncation=True, return_tensors="pt")).logits.softmax(-1)[0]
        best = int(scores.argmax())
        assert model.config.id2label[best] == said["label"]
        assert float(scores[best]) == pytest.approx(said["score"], abs=1e-4)


def test_the_written_predictions_are_those_of_the_saved_model(finished: tuple[Run, Screen]) -> None:
    run, _ = finished
    with (run.folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    said = luthier.load(run.folder / "model").predict([row["text"] for row in rows])
    assert [row["label"] for row in rows] == [item["label"] for item in said]
    assert [float(row["score"]) for row in rows] == pytest.approx([item["score"] for item in said], abs=1e-5)
    right = sum(row["answer"] == row["label"] for row in rows) / len(rows)
    assert right == pytest.approx(run.test["accuracy"])


@pytest.mark.slow
def test_the_resolved_configuration_repeats_the_run(finished: tuple[Run, Screen], tmp_path: Path) -> None:
    run, _ = finished
    again = luthier.train(run.folder / "config.yaml", out=str(tmp_path / "again"))
    assert [s.as_json() for s in again.test.scores] == [s.as_json() for s in run.test.scores]
    same = [(r.folder / "model" / "model.safetensors").read_bytes() for r in (run, again)]
    assert same[0] == same[1]


def test_nothing_tells_where_on_this_machine_it_was_made(finished: tuple[Run, Screen]) -> None:
    import getpass
    import socket

    run, _ = finished
    for path in [
        *(run.folder / "model").rglob("*.json"),
        run.folder / "environment.json",
        run.folder / "model" / "README.md",
    ]:
        text = path.read_text(encoding="utf-8")
        assert str(run.folder) not in text and socket.gethostname() not in text, path
        assert getpass.getuser() == "root" or getpass.getuser() not in text, path


@pytest.mark.slow
@pytest.mark.parametrize("method", ["head", "last_layers", "lora"])
def test_every_method_runs_through(method: str, models: TinyModels, tickets: Path, tmp_path: Path) -> None:
    run = luthier.train(tickets, model=str(models.encoder), tuning=method, out=str(tmp_path / "run"), **QUICK)
    assert run.report["trained_parameters"] < run.report["parameters"]
    assert (run.folder / "adapter" / "adapter_model.safetensors").exists() == (method == "lora")
    assert luthier.load(run.folder).predict(["my parcel is late"])[0]["label"]


@pytest.mark.slow
def test_a_sentence_pair_runs_through(models: TinyModels, tmp_path: Path) -> None:
    texts = [text for text, _ in ticket_rows(60)]
    rows = [{"sentence1": a, "sentence2": a if i % 2 else texts[-i], "label": "same" if i % 2 else "different"}
            for i, a in enumerate(texts[:50], 1)]  # fmt: skip
    data = write_jsonl(tmp_path / "pairs.jsonl", rows)
    run = luthier.train(data, model=str(models.encoder), out=str(tmp_path / "run"), **QUICK)
    model = luthier.load(run.folder)
    assert model.predict([("a parcel", "a parcel"), {"text": "a", "text_pair": "b"}])[0]["label"] in (
        "same",
        "different",
    )


@pytest.mark.slow
def test_labels_stay_as_they_were_written(models: TinyModels, tmp_path: Path) -> None:
    names = {"delivery": "007", "refund": "NA", "billing": "1.0"}
    data = write_csv(tmp_path / "a.csv", ["text", "label"], [(t, names[label]) for t, label in ticket_rows(60)])
    run = luthier.train(data, model=str(models.encoder), out=str(tmp_path / "run"), **QUICK)
    assert {row["label"] for row in run.report["details"]["per_class"]} == {"007", "NA", "1.0"}
    assert luthier.load(run.folder).predict(["parcel late courier"])[0]["label"] in names.values()


@pytest.mark.slow
def test_groups_are_kept_together_where_told(models: TinyModels, tmp_path: Path) -> None:
    rows = [(text, label, f"c{i // 4}") for i, (text, label) in enumerate(ticket_rows(100))]
    data = write_csv(tmp_path / "a.csv", ["text", "label", "customer"], rows)
    settings = {**QUICK, "data": {"split": {"group": "customer"}}}
    run = luthier.train(data, model=str(models.encoder), out=str(tmp_path / "run"), **settings)
    split = json.loads((run.folder / "split.json").read_text(encoding="utf-8"))["rows"]
    sides = [{rows[i][2] for i in split[name]} for name in ("train", "validation", "test")]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


@pytest.mark.slow
def test_only_a_test_share_is_the_textbooks_split(models: TinyModels, tickets: Path, tmp_path: Path) -> None:
    from sklearn.model_selection import train_test_split

    settings = {**QUICK, "data": {"split": {"test": 0.2, "near_duplicates": False}}}
    run = luthier.train(tickets, model=str(models.encoder), out=str(tmp_path / "run"), **settings)
    assert run.report["split"] == {
        "train": 48, "validation": 0, "test": 12, "seed": 42, "by": "random", "group": None, "near_duplicates": False,
    }  # fmt: skip
    labels = [label for _, label in ticket_rows(60)]
    _, test = train_test_split(list(range(60)), test_size=0.2, random_state=42, stratify=labels)
    split = json.loads((run.folder / "split.json").read_text(encoding="utf-8"))["rows"]
    assert sorted(split["test"]) == sorted(test)


@pytest.mark.slow
def test_files_given_for_every_part_are_used_as_they_are(models: TinyModels, tmp_path: Path) -> None:
    rows = ticket_rows(80)
    paths = {
        name: str(write_csv(tmp_path / f"{name}.csv", ["text", "label"], part))
        for name, part in {"train": rows[:50], "validation": rows[50:60], "test": rows[60:]}.items()
    }
    run = luthier.train(model=str(models.encoder), data=paths, out=str(tmp_path / "run"), **QUICK)
    assert [run.report["split"][name] for name in paths] == [50, 10, 20]


@pytest.mark.slow
def test_weighted_loss_gives_rare_classes_more_weight(models: TinyModels, tmp_path: Path) -> None:
    rows = [row for row in ticket_rows(200) if row[1] != "refund"] + [r for r in ticket_rows(200) if r[1] == "refund"][
        :8
    ]
    data = write_csv(tmp_path / "a.csv", ["text", "label"], rows)
    screen = Screen()
    run = luthier.train(
        data, model=str(models.encoder), balance="weighted_loss", out=str(tmp_path / "run"), screen=screen, **QUICK
    )
    codec = json.loads((run.folder / "model" / "codec.json").read_text(encoding="utf-8"))
    weights = dict(zip(codec["state"]["labels"], codec["state"]["class_weights"], strict=True))
    assert weights["refund"] > 3 * weights["delivery"]


def test_bad_rows_stop_the_run_or_are_left_out_and_counted(models: TinyModels, tmp_path: Path) -> None:
    rows = [*ticket_rows(60), ("no label here", ""), ("  ", "refund")]
    data = write_csv(tmp_path / "a.csv", ["text", "label"], rows)
    with pytest.raises(DataError) as caught:
        luthier.train(data, model=str(models.encoder), out=str(tmp_path / "run"), **QUICK)
    assert {problem.code for problem in caught.value.problems} == {"missing-label", "missing-text"}
    assert not (tmp_path / "run").exists()
    settings = {**QUICK, "data": {"bad_rows": "skip"}}
    run = luthier.train(data, model=str(models.encoder), out=str(tmp_path / "run"), **settings)
    assert run.report["data"]["skipped"] == 2 and run.report["data"]["rows"] == 60


def test_a_finished_runs_folder_is_not_used_again_unless_told(finished: tuple[Run, Screen], tickets: Path) -> None:
    run, _ = finished
    with pytest.raises(RunError, match="holds a finished run"):
        luthier.train(tickets, model="x", out=str(run.folder))


def test_resuming_a_finished_run_does_nothing_and_gives_it_back(finished: tuple[Run, Screen]) -> None:
    run, _ = finished
    assert luthier.train(out=str(run.folder), resume=True).report == run.report


@pytest.mark.slow
def test_overwrite_replaces_a_run_but_never_a_folder_that_is_none(
    models: TinyModels, tickets: Path, tmp_path: Path
) -> None:
    def go(out: Path, **options: bool) -> Run:
        return luthier.train(tickets, model=str(models.encoder), out=str(out), **QUICK, **options)

    first = go(tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine", encoding="utf-8")
    assert go(tmp_path / "run", overwrite=True).test.scores == first.test.scores
    with pytest.raises(RunError, match="is not empty and holds no run"):
        go(tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "thesis.txt").exists()


@pytest.mark.slow
def test_an_empty_folder_is_fine(models: TinyModels, tickets: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert luthier.train(tickets, model=str(models.encoder), out=str(tmp_path / "run"), **QUICK).folder.name == "run"


def test_a_resume_with_other_settings_is_refused_key_by_key(finished: tuple[Run, Screen]) -> None:
    run, _ = finished
    with pytest.raises(CheckpointError) as caught:
        luthier.train(out=str(run.folder), resume=True, train={"seed": 9}, tuning="lora")
    words = [problem.what for problem in caught.value.problems]
    assert any("train.seed was '42', is '9'" in word for word in words)
    assert any("tuning.method was 'full', is 'lora'" in word for word in words)


REFUSED = [
    ({"train": {"max_length": 500}}, "500 is more than the 64", ConfigError),
    ({"train": {"precision": "fp16"}}, "fp16 is for GPUs", ConfigError),
    ({"tuning": {"method": "last_layers", "n": 9}}, "has 3 layers, not 9", ConfigError),
    ({"tuning": {"method": "lora", "target_modules": ["quary"]}}, "no linear layer is called 'quary'", ConfigError),
    ({"task": {"label_smoothing": 1.5}}, "is 1.5", ConfigError),
    ({"data": {"split": {"group": "custmer"}}}, "no column 'custmer'", DataError),
]


@pytest.mark.parametrize(("settings", "says", "kind"), REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    settings: dict[str, Any], says: str, kind: type[Exception], models: TinyModels, tickets: Path, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=says):
        luthier.train(tickets, model=str(models.encoder), out=str(tmp_path / "run"), **settings)
    assert not (tmp_path / "run").exists()


def test_test_rows_that_were_trained_on_are_refused_or_left_out(models: TinyModels, tmp_path: Path) -> None:
    rows = ticket_rows(80)
    train = write_csv(tmp_path / "train.csv", ["text", "label"], rows[:60])
    test = write_csv(tmp_path / "test.csv", ["text", "label"], rows[40:])
    new = [row for row in rows[40:] if row[0] not in {text for text, _ in rows[:60]}]
    how: dict[str, Any] = {"model": str(models.encoder), "out": str(tmp_path / "run"), **QUICK}
    with pytest.raises(DataError, match=r"of 40 test rows stand in the training data too[^$]*data.bad_rows=skip"):
        luthier.train(train, data={"test": str(test)}, **how)
    run = luthier.train(train, data={"test": str(test), "bad_rows": "skip"}, **how)
    assert 0 < run.report["split"]["test"] == len(new) < 40


@pytest.mark.slow
def test_what_a_leak_is_worth_is_told(models: TinyModels, tmp_path: Path) -> None:
    rows = ticket_rows(100)
    doubled = write_csv(tmp_path / "doubled.csv", ["text", "label"], [*rows, *rows])
    screen = Screen()
    run = luthier.train(doubled, model=str(models.encoder), out=str(tmp_path / "own"), screen=screen, **QUICK)
    leak = run.report["leak"]
    assert leak["would"] and leak["exact"] > 20 and leak["rows"] == 40
    assert leak["sentence"] in screen.said
    assert "in a plain random split" in (run.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_given_test_file_is_also_scored_without_the_rows_that_leak(models: TinyModels, tmp_path: Path) -> None:
    rows = ticket_rows(120)
    train = write_csv(tmp_path / "train.csv", ["text", "label"], rows[:90])
    test = write_csv(tmp_path / "test.csv", ["text", "label"], [*rows[85:], *ticket_rows(30, seed=3)])
    screen = Screen()
    run = luthier.train(
        train, model=str(models.encoder), out=str(tmp_path / "run"), data={"test": str(test)}, screen=screen, **QUICK
    )
    leak = run.report["leak"]
    assert not leak["would"] and leak["exact"] >= 5 and leak["rows"] == 65
    assert leak["sentence"] in screen.said
