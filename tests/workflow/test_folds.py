"""data.split.folds: every row is tested once, by a model that did not learn from it, and one report tells it."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier
from luthier.finish import Run
from tiny import ticket_rows, write_csv, write_tiny_models
from workflow.helpers import QUICK, digest, process, report
from workflow.helpers import luthier as command

pytestmark = pytest.mark.slow


FEW = [word for word in QUICK if not word.startswith("train.epochs")] + [
    "train.epochs=1",
    "balance=none",
    "data.split.folds=3",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folds")
    write_tiny_models(folder / "models")
    rows = [*ticket_rows(60), ("nobody asked this before", "rare")]
    write_csv(folder / "tickets.csv", ["text", "label"], rows)
    return folder


def words(place: Path, out: str, *more: str) -> list[str]:
    model = place / "models" / "dropout_encoder"
    return ["train", str(place / "tickets.csv"), *FEW, f"model={model}", "--out", str(place / out), *more]


@pytest.fixture(scope="module")
def finished(place: Path) -> tuple[Path, str]:
    done = command(*words(place, "finished"))
    assert done.returncode == 0, done.stderr
    return place / "finished", done.stdout


def test_each_fold_is_an_ordinary_run(finished: tuple[Path, str]) -> None:
    run, _ = finished
    for number in (1, 2, 3):
        fold = run / f"fold-{number}"
        assert {path.name for path in fold.iterdir()} >= {"model", "report.json", "report.html", "predictions.csv"}
        assert luthier.load(fold).predict(["my parcel is late"])[0]["label"] in (
            "delivery",
            "refund",
            "billing",
            "rare",
        )
        assert report(fold)["split"]["fold"] == number
    assert not (run / "model").exists()


def test_every_row_is_tested_once_and_stands_in_the_predictions(finished: tuple[Path, str], place: Path) -> None:
    run, _ = finished
    with (run / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["line"]) for row in rows] == list(range(2, 62))  # all but the class of one row, which always trains
    for number in (1, 2, 3):
        with (run / f"fold-{number}" / "predictions.csv").open(encoding="utf-8", newline="") as file:
            own = [(row["line"], row["label"]) for row in csv.DictReader(file)]
        assert own == [(row["line"], row["label"]) for row in rows if row["fold"] == str(number)]


def test_the_report_pools_the_folds(finished: tuple[Path, str]) -> None:
    run, out = finished
    told = report(run)
    folds = [report(run / fold["folder"]) for fold in told["folds"]]
    rows = [fold["split"]["test"] for fold in folds]
    assert told["scores"][0]["n"] == sum(rows) == 60
    for name in ("accuracy",):
        values = [score_of(fold["scores"], name) for fold in folds]
        assert score_of(told["scores"], name) == pytest.approx(np.average(values, weights=rows))
        (over,) = [row for row in told["over_folds"] if row["name"] == name]
        assert (over["mean"], over["sd"]) == (pytest.approx(np.mean(values)), pytest.approx(np.std(values, ddof=1)))
        for baseline in ("majority", "tfidf", "embeddings"):
            values = [score_of(fold["baselines"][baseline], name) for fold in folds]
            assert score_of(told["baselines"][baseline], name) == pytest.approx(
                np.average(values, weights=rows), abs=0.02
            )
    assert told["scores"][0]["low"] < told["scores"][0]["value"] < told["scores"][0]["high"]
    assert told["verdict"]["worth_it"] in ("yes", "no", "unclear")
    assert any("train in every fold and are never tested" in note for note in told["data"]["notes"])
    assert "mean ± standard deviation" in out and told["verdict"]["sentence"] in out
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "fold-2/report.html" in page and told["verdict"]["sentence"].replace("'", "&#39;") in page


def score_of(scores: list[dict[str, Any]], name: str) -> float:
    return next(score["value"] for score in scores if score["name"] == name)


def test_the_library_gives_the_folds_and_the_report(finished: tuple[Path, str]) -> None:
    from luthier.finish import read_run

    run = read_run(finished[0])
    assert [fold.folder.name for fold in run.folds] == ["fold-1", "fold-2", "fold-3"]
    assert run.test["accuracy"] == score_of(run.report["scores"], "accuracy")
    assert run.verdict.sentence == run.report["verdict"]["sentence"]
    assert isinstance(run.folds[0], Run) and run.folds[0].folds == ()


def test_a_finished_run_has_nothing_left_to_do(finished: tuple[Path, str], place: Path) -> None:
    done = command(*words(place, "finished", "--resume"))
    assert done.returncode == 0 and "nothing is left to do" in done.stdout
    again = command(*words(place, "finished"))
    assert again.returncode == 2 and "holds a finished run" in again.stderr


@pytest.mark.slow
def test_one_fold_alone_is_the_same_as_among_the_others(finished: tuple[Path, str], place: Path) -> None:
    done = command(*words(place, "alone", "data.split.fold=2"))
    assert done.returncode == 0, done.stderr
    assert digest(place / "alone") == digest(finished[0] / "fold-2")


@pytest.mark.slow
def test_a_resume_goes_on_with_the_first_unfinished_fold(finished: tuple[Path, str], place: Path) -> None:
    shutil.copytree(finished[0], place / "halfway")
    for name in ("report.json", "report.html", "predictions.csv", "fold-2/report.json"):
        (place / "halfway" / name).unlink()
    shutil.rmtree(place / "halfway" / "fold-3")
    before = (place / "halfway" / "fold-1" / "report.json").stat().st_mtime_ns
    done = command("train", "--resume", "--out", place / "halfway")
    assert done.returncode == 0, done.stderr
    assert (place / "halfway" / "fold-1" / "report.json").stat().st_mtime_ns == before
    assert report(place / "halfway")["scores"] == report(finished[0])["scores"]
    for number in (1, 2, 3):
        assert digest(place / "halfway" / f"fold-{number}") == digest(finished[0] / f"fold-{number}")


@pytest.mark.slow
def test_a_signal_names_the_command_that_goes_on_with_all_folds(place: Path) -> None:
    import os
    import signal
    import subprocess
    import time

    from workflow.helpers import ENVIRONMENT
    from workflow.helpers import command as line

    run = place / "stopped"
    going = subprocess.Popen(
        line(*words(place, "stopped", "train.epochs=3", "--quiet")), env={**os.environ, **ENVIRONMENT},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not (run / "fold-1" / "checkpoints" / "checkpoint-2").exists():
        assert going.poll() is None
        time.sleep(0.005)
    going.send_signal(signal.SIGTERM)
    _, errors = going.communicate()
    assert going.returncode == 143
    assert "fold 1 of 3: interrupted after step" in errors and f"luthier train --resume --out {run}" in errors
    done = process("train", "--resume", "--out", run, "--quiet")
    assert done.returncode == 0, done.stderr
    assert len(report(run)["folds"]) == 3


def test_changed_data_are_refused_on_a_resume(finished: tuple[Path, str], place: Path) -> None:
    shutil.copytree(finished[0], place / "changed")
    (place / "changed" / "report.json").unlink()
    shutil.rmtree(place / "changed" / "fold-3")
    data = place / "tickets.csv"
    kept = data.read_bytes()
    try:
        data.write_bytes(kept + b"one more parcel,delivery\n")
        done = command("train", "--resume", "--out", place / "changed")
    finally:
        data.write_bytes(kept)
    assert done.returncode == 2 and "the data have changed" in done.stderr


def test_other_settings_are_refused_on_a_resume(finished: tuple[Path, str], place: Path) -> None:
    shutil.copytree(finished[0], place / "other", dirs_exist_ok=True)
    (place / "other" / "report.json").unlink()
    done = command("train", "--resume", "--out", place / "other", "data.split.folds=4")
    assert done.returncode == 2 and "data.split.folds was '3', is '4'" in done.stderr


def test_more_folds_than_rows_are_refused_before_anything_is_written(place: Path) -> None:
    done = command(*words(place, "toomany", "data.split.folds=99"))
    assert done.returncode == 2 and "different rows are too few to split" in done.stderr
    assert not (place / "toomany").exists()


def test_several_processes_are_told_to_take_a_fold_each(place: Path) -> None:
    done = command(*words(place, "many"), WORLD_SIZE="2")
    assert done.returncode == 2 and "data.split.fold=1" in done.stderr


@pytest.mark.slow
def test_the_command_for_a_model_to_serve_works(finished: tuple[Path, str], place: Path) -> None:
    sentence = report(finished[0])["next"]
    line = sentence.partition("luthier train ")[2].partition(";")[0].split()
    done = command("train", *line, "--out", place / "final")
    assert done.returncode == 0, done.stderr
    told = report(place / "final")
    assert (told["judged_on"], told["split"]["test"]) == ("validation", 0)
    assert told["split"]["train"] + told["split"]["validation"] == 61


def test_json_is_the_report(finished: tuple[Path, str], place: Path) -> None:
    done = command(*words(place, "finished", "--resume", "--json"))
    assert json.loads(done.stdout) == report(finished[0])
