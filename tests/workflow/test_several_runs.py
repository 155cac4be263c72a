"""Several seeds of one run, followed by trackers; another run beside it; the two compared, listed, deleted."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import luthier
from tiny import ticket_rows, write_csv, write_tiny_models
from workflow.helpers import QUICK, digest, report
from workflow.helpers import luthier as command

pytestmark = pytest.mark.slow

FEW = [w for w in QUICK if not w.startswith("train.epochs")] + ["train.epochs=1", "balance=none", "--quiet"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    write_tiny_models(folder / "models")
    write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(90))
    return folder


def train(place: Path, out: str, *more: str) -> None:
    model = place / "models" / "dropout_encoder"
    words = ["train", str(place / "tickets.csv"), *FEW, f"model={model}", "--out", str(place / "runs" / out), *more]
    done = command(*words, MLFLOW_TRACKING_URI=tracked(place))
    assert done.returncode == 0, done.stderr


def tracked(place: Path) -> str:
    return f"sqlite:///{place / 'mlflow.db'}"


@pytest.fixture(scope="module")
def seeds(place: Path) -> Path:
    train(place, "seeds", "train.seeds=2", "track=tensorboard,mlflow")
    return place / "runs" / "seeds"


@pytest.fixture(scope="module")
def alone(place: Path, seeds: Path) -> Path:
    train(place, "alone", "train.seed=43", f"data.split.from={seeds}")
    return place / "runs" / "alone"


# ---- seeds


def test_the_kept_seed_stands_where_a_runs_model_stands(seeds: Path) -> None:
    told = report(seeds)
    kept = seeds / "seeds" / f"seed-{told['seeds']['chosen']}"
    assert digest(seeds) == digest(kept)
    assert told["scores"] == report(kept)["scores"]
    assert (seeds / "predictions.csv").read_bytes() == (kept / "predictions.csv").read_bytes()
    assert luthier.load(seeds).predict(["my parcel is late"])[0]["label"] in ("delivery", "refund", "billing")
    assert not (seeds / "seeds" / f"seed-{85 - told['seeds']['chosen']}" / "checkpoints").exists()  # 42 and 43


def test_the_seeds_differ_in_nothing_but_chance(seeds: Path, alone: Path) -> None:
    first, second = (report(seeds / "seeds" / f"seed-{number}") for number in (42, 43))
    assert (seeds / "seeds" / "seed-42" / "split.json").read_text() == (seeds / "split.json").read_text()
    values = [
        {name: [score["value"] for score in scores] for name, scores in told["baselines"].items()}
        for told in (first, second)
    ]
    assert values[0] == values[1] and first["data"] == second["data"]
    assert digest(seeds / "seeds" / "seed-42") != digest(seeds / "seeds" / "seed-43")
    assert digest(alone) == digest(seeds / "seeds" / "seed-43")


def test_the_report_and_the_page_tell_the_spread(seeds: Path) -> None:
    told = report(seeds)["seeds"]
    values = [row["scores"][0]["value"] for row in told["runs"]]
    assert told["over_seeds"][0]["mean"] == pytest.approx(sum(values) / 2)
    page = (seeds / "report.html").read_text(encoding="utf-8")
    assert "seeds/seed-43/report.html" in page and "(kept)" in page
    assert report(seeds)["choices"] and "seeds: 2" in (seeds / "config.yaml").read_text(encoding="utf-8")


def test_a_resume_does_not_train_a_finished_seed_again(place: Path, seeds: Path) -> None:
    copy = place / "runs" / "halfway"
    shutil.copytree(seeds, copy)
    shutil.rmtree(copy / "seeds" / "seed-43")
    shutil.rmtree(copy / "model")
    (copy / "report.json").unlink()
    shutil.copy2(copy / "seeds" / "seed-42" / "config.yaml", copy / "kept.yaml")
    before = (copy / "seeds" / "seed-42" / "report.json").stat().st_mtime_ns
    try:
        done = command("train", "--resume", "--out", copy, "--quiet", "track=none")
        assert done.returncode == 0, done.stderr
        assert (copy / "seeds" / "seed-42" / "report.json").stat().st_mtime_ns == before
        assert report(copy)["scores"] == report(seeds)["scores"] and digest(copy) == digest(seeds)
        assert not (copy / "seeds" / "seed-43" / "tensorboard").exists()
    finally:
        shutil.rmtree(copy)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train.seeds=2", "data.split.folds=3"], "2 seeds of 3 folds are 6 trainings"),
        (["track=wandb"], "pip install wandb"),
        (["track=tensorbord"], "did you mean 'tensorboard'?"),
        (["train.seeds=0"], "a whole number from 1"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(place: Path, words: list[str], message: str) -> None:
    done = command("train", place / "tickets.csv", *words, "--out", place / "refused")
    assert done.returncode == 2 and message in done.stderr
    assert not (place / "refused").exists()


def test_several_processes_are_told_to_take_a_seed_each(place: Path) -> None:
    done = command("train", place / "tickets.csv", "train.seeds=2", "--out", place / "refused", WORLD_SIZE="2")
    assert done.returncode == 2 and "train.seed=…" in done.stderr


# ---- trackers


def journal(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def test_tensorboard_has_what_the_journal_has(seeds: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = seeds / "seeds" / "seed-43"
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    losses = {entry["step"]: entry["loss"] for entry in journal(run) if "loss" in entry}
    told = {event.step: event.value for event in events.Scalars("train/loss")}
    assert told[1] == pytest.approx(losses[1]) and told == pytest.approx({step: losses[step] for step in told})
    (checked,) = [entry for entry in journal(run) if "validation" in entry]
    (event,) = events.Scalars("validation/macro_f1")
    assert (event.step, event.value) == (checked["step"], pytest.approx(checked["validation"]["macro_f1"]))
    (test,) = events.Scalars("test/macro_f1")
    assert test.value == pytest.approx(report(run)["scores"][0]["value"])
    assert events.Scalars("train/tokens_per_second")[0].value > 0 and events.Scalars("train/learning_rate")


def test_mlflow_has_the_runs_their_settings_and_their_scores(place: Path, seeds: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracked(place))
    run = seeds / "seeds" / "seed-43"
    found = client.get_run(json.loads((run / "tracking.json").read_text(encoding="utf-8"))["mlflow"])
    assert found.info.run_name == "seeds-seed-43" and found.info.status == "FINISHED"
    assert found.data.params["train.seed"] == "43" and found.data.params["tuning.method"] == "full"
    assert found.data.metrics["test/macro_f1"] == pytest.approx(report(run)["scores"][0]["value"])
    assert found.data.metrics["validation/loss"] > 0


def test_trackers_go_on_in_the_same_run_and_one_that_fails_is_warned_of_once(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from accelerate.tracking import TensorBoardTracker
    from mlflow import MlflowClient

    from luthier.config.settings import load_settings
    from luthier.tracking import open_tracking
    from luthier.types import Report, Score

    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracked(place))
    settings = load_settings(None, ["track=mlflow,tensorboard"])
    warnings: list[str] = []
    ids: list[str] = []
    for first in (1, 2):
        with open_tracking(settings, tmp_path, "0123456789abcdef", first - 1, warnings.append, first=True) as tracking:
            if first == 2:
                monkeypatch.setattr(TensorBoardTracker, "log", lambda *_, **__: 1 / 0)
            tracking.tell({"step": first, "epoch": 1.0, "validation": {"recall@5": first / 10}})
            tracking.tell({"step": first + 1, "epoch": 1.0, "validation": {"recall@5": first / 5}})
            tracking.result(Report((Score("recall@5", 0.5, 9),)))
        ids.append(json.loads((tmp_path / "tracking.json").read_text(encoding="utf-8"))["mlflow"])
    assert ids[0] == ids[1]
    history = MlflowClient(tracked(place)).get_metric_history(ids[0], "validation/recall_at_5")
    assert sorted((point.step, point.value) for point in history) == [(1, 0.1), (2, 0.2), (2, 0.2), (3, 0.4)]
    assert len(warnings) == 1 and "tensorboard cannot be told" in warnings[0] and "ZeroDivisionError" in warnings[0]
    assert not os.environ.get("ACCELERATE_USE_CPU")


# ---- compare


def test_two_runs_on_the_same_rows_are_compared(place: Path, seeds: Path, alone: Path) -> None:
    page = place / "compare.html"
    done = command("compare", seeds, alone, "--json", "--out", page)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    scores = [run["scores"][0]["value"] for run in told["runs"]]
    assert scores == [pytest.approx(report(run)["scores"][0]["value"]) for run in (seeds, alone)]
    (pair,) = told["pairs"]
    assert pair["scores"][0]["difference"] == pytest.approx(scores[1] - scores[0])
    (against,) = told["against_first"]
    assert len(against["fixed"]) == pair["mcnemar"]["second_only"]
    assert len(against["broken"]) == pair["mcnemar"]["first_only"]
    for row in against["fixed"]:
        assert row["first"]["label"] != row["answer"] == row["second"]["label"]
    assert {part["by"] for part in against["slices"]} == {"length", "label"}
    assert {part["value"] for part in against["classes"]} == {"delivery", "refund", "billing"}
    assert any("over its 2 seeds" in note for note in told["notes"])
    assert told["verdict"]["sentence"] in done.stderr
    assert "Is the difference real?" in page.read_text(encoding="utf-8")


def test_a_model_that_was_spoilt_is_surely_worse(place: Path, seeds: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    train(place, "good", "train.epochs=10", f"data.split.from={seeds}")
    good, spoilt = place / "runs" / "good", place / "spoilt"
    shutil.copytree(good, spoilt)
    weights = load_file(spoilt / "model" / "model.safetensors")
    weights["classifier.bias"] = torch.tensor([1e3, 0.0, 0.0])
    save_file(weights, spoilt / "model" / "model.safetensors", metadata={"format": "pt"})
    fresh = write_csv(place / "fresh.csv", ["text", "label"], ticket_rows(400, seed=7))
    found = luthier.compare(good, spoilt, data=fresh)
    assert found.runs[found.best] == str(good) and found.sure
    assert found.part == "" and found.rows == 400
    shutil.rmtree(spoilt)


def test_other_test_rows_are_refused_with_the_way_to_the_same(place: Path, seeds: Path) -> None:
    train(place, "other", "data.split.seed=7")
    done = command("compare", seeds, place / "runs" / "other")
    assert done.returncode == 2 and "is judged on other rows than" in done.stderr
    assert f"data.split.from={seeds}" in done.stderr and "has learnt from" in done.stderr


def test_data_that_changed_since_are_told(place: Path, seeds: Path, alone: Path) -> None:
    data = place / "tickets.csv"
    kept = data.read_bytes()
    data.write_bytes(kept + b"one more parcel,delivery\n")
    try:
        done = command("compare", seeds, alone)
    finally:
        data.write_bytes(kept)
    assert done.returncode == 2 and "its data have changed since" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs/seeds"], "one run alone cannot be compared"),
        (["runs/seeds", "runs/seeds/"], "is named twice"),
        (["runs/seeds", "runs/nowhere"], "no such run"),
        (["runs/seeds", "models/encoder"], "is no run"),
        (["runs/seeds", "runs/seeds/seeds/seed-42", "data.columns.label=team"], "says how to read a file"),
    ],
)
def test_what_cannot_be_compared_is_refused(place: Path, seeds: Path, words: list[str], message: str) -> None:
    done = command("compare", *words, cwd=place)
    assert done.returncode == 2 and message in done.stderr


# ---- the registry


def test_the_runs_are_listed_with_what_they_are(place: Path, seeds: Path, alone: Path) -> None:
    done = command("runs", "--json", "--sort", "score", cwd=place)
    assert done.returncode == 0, done.stderr
    listed = {Path(one["run"]).name: one for one in json.loads(done.stdout)}
    assert {"seeds", "alone"} <= set(listed)
    one = listed["seeds"]
    assert (one["task"], one["state"], one["within"], one["method"]) == ("classification", "finished", 2, "full")
    assert one["score"] == report(seeds)["scores"][0]["value"] and one["metric"] == "macro_f1"
    scores = [one["score"] for one in json.loads(done.stdout)]
    assert scores == sorted(scores, reverse=True)
    assert json.loads(command("runs", "--json", "--task", "regression", cwd=place).stdout) == []
    assert "seeds" in command("runs", "list", "runs", "--data", "tickets", cwd=place).stdout
    assert "2 seeds: macro_f1" in command("runs", "show", "seeds", cwd=place).stdout
    assert "'scor' is no column" in command("runs", "--sort", "scor", cwd=place).stderr


def test_only_a_run_that_nobody_uses_is_deleted(place: Path, seeds: Path, alone: Path) -> None:
    from luthier.runfolder import claim

    runs = place / "doomed"
    shutil.copytree(alone, runs / "one")
    outside = place / "outside.txt"
    outside.write_text("stays")
    (runs / "one" / "link").symlink_to(outside)
    (runs / "link").symlink_to(runs / "one")
    with claim(runs / "one"):
        assert [e["state"] for e in json.loads(command("runs", runs, "--json").stdout)] == ["running"]
        done = command("runs", "delete", runs / "one", "--yes")
        assert done.returncode == 2 and "is in use by another process" in done.stderr
    for word, message in (
        (runs / "link", "is a link"),
        (place / "models", "is no run of Luthier"),
        (seeds / "seeds" / "seed-42", "is a part of the run"),
        (runs / "none", "no such run"),
    ):
        done = command("runs", "delete", word, "--yes")
        assert done.returncode == 2 and message in done.stderr
    assert "is where you are" in command("runs", "delete", runs / "one", "--yes", cwd=runs / "one" / "model").stderr
    done = command("runs", "delete", runs / "one")
    assert done.returncode == 2 and "say so with --yes" in done.stderr and (runs / "one").is_dir()
    done = command("runs", "delete", runs / "one", "--yes", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["deleted"][0]["bytes"] > 100_000
    assert not (runs / "one").exists() and outside.read_text() == "stays"
