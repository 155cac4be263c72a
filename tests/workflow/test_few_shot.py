"""tuning.method=few_shot from the command line."""

import shutil
from pathlib import Path

import pytest
from transformers import pipeline

import luthier as api
from tiny import SAMPLES, TinyModels, ticket_rows, write_csv
from workflow.helpers import digest, luthier, report

pytestmark = pytest.mark.slow
FEW = [
    "tuning.method=few_shot",
    "tuning.steps=30",
    "train.epochs=2",
    "train.precision=fp32",
    "train.learning_rate=1e-3",
]


@pytest.fixture(scope="module")
def few(models: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """The data, a run on them, and what it said."""
    folder = tmp_path_factory.mktemp("few")
    data = write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(60))
    done = luthier("train", data, "--model", models.encoder, "--out", folder / "run", *FEW)
    assert done.returncode == 0, done.stderr
    return data, folder / "run", done.stdout


def test_the_result_is_an_ordinary_classifier(few: tuple[Path, Path, str]) -> None:
    _, run, said = few
    assert "few_shot: 2 epochs of 30 steps" in said
    assert report(run)["steps"]["done"] == 60
    texts = [text for text, _ in ticket_rows(5, seed=9)]
    ours = api.load(run).predict(texts)
    theirs = pipeline("text-classification", model=str(run / "model"), device="cpu")(texts)
    assert [one["label"] for one in ours] == [one["label"] for one in theirs]
    assert [one["score"] for one in ours] == pytest.approx([one["score"] for one in theirs], abs=1e-4)


def test_it_learns_what_tiny_models_can(few: tuple[Path, Path, str]) -> None:
    scores = {score["name"]: score["value"] for score in report(few[1])["scores"]}
    assert scores["accuracy"] > 0.6


def test_it_goes_on_to_the_same_bits(few: tuple[Path, Path, str], models: TinyModels, tmp_path: Path) -> None:
    data, run, _ = few
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    for name in ("report.json", "report.html", "predictions.csv"):
        (copy / name).unlink()
    shutil.rmtree(copy / "model")
    shutil.rmtree(copy / "checkpoints" / "checkpoint-60")
    done = luthier("train", data, "--model", models.encoder, "--out", copy, *FEW, "--resume")
    assert done.returncode == 0 and "going on after step 30" in done.stdout, done.stderr
    assert digest(copy) == digest(run)


def test_labels_that_come_together_are_learnt_too(models: TinyModels, tmp_path: Path) -> None:
    words = ("train", SAMPLES / "multilabel.jsonl", "--task", "multilabel", "--model", models.encoder)
    done = luthier(*words, "--out", tmp_path / "run", *FEW, "train.epochs=1")
    assert done.returncode == 0, done.stderr


def test_what_it_is_not_for_is_refused_before_anything_is_written(models: TinyModels, tmp_path: Path) -> None:
    words = ("train", SAMPLES / "regression.jsonl", "--task", "regression", "--model", models.encoder)
    done = luthier(*words, "--out", tmp_path / "run", "tuning.method=few_shot")
    assert done.returncode == 2 and "has no classes by which texts could be alike" in done.stderr
    data = write_csv(tmp_path / "data.csv", ["text", "label"], ticket_rows(40))
    words = ("train", data, "--model", models.encoder, "--out", tmp_path / "run", "tuning.method=few_shot")
    done = luthier(*words, "balance=oversample")
    assert done.returncode == 2 and "in pairs" in done.stderr
    assert not (tmp_path / "run").exists()
