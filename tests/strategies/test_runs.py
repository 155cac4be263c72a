"""luthier train --strategies: several ways to tune on one split, one table, one recommendation."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import Done, digest, luthier, report

pytestmark = pytest.mark.slow
NAMES = "head,lora:r=4,full"
FOLDERS = ("head", "lora_r=4", "full")
QUICK = ["train.epochs=2", "train.batch_size=8", "train.precision=fp32"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strategies")
    write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(120))
    return folder


def train(place: Path, models: TinyModels, out: str, *more: str) -> Done:
    data = place / "tickets.csv"
    return luthier("train", data, f"model={models.dropout_encoder}", *more, "--out", place / out)


@pytest.fixture(scope="module")
def done(place: Path, models: TinyModels) -> Done:
    return train(place, models, "all", *QUICK, "--strategies", NAMES)


@pytest.fixture(scope="module")
def compared(place: Path, done: Done) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return json.loads((place / "all" / "strategies.json").read_text(encoding="utf-8"))


def test_each_strategy_is_a_whole_run_on_the_same_rows(place: Path, compared: dict[str, Any]) -> None:
    splits = {(place / "all" / name / "split.json").read_bytes() for name in FOLDERS}
    assert splits == {(place / "all" / "split.json").read_bytes()}
    for name, one in zip(FOLDERS, compared["strategies"], strict=True):
        run = report(place / "all" / name)
        assert one["scores"] == run["scores"] and one["tuning"] == run["tuning"]
        assert one["trained_parameters"] == run["trained_parameters"]
        assert run["baselines"] == report(place / "all" / "head")["baselines"]
        assert (one["epochs"], run["steps"]["planned"]) == (2, 2 * -(-run["split"]["train"] // 8))


def test_the_table_holds_quality_with_its_interval_cost_and_the_baselines(done: Done, compared: dict[str, Any]) -> None:
    for one in compared["strategies"]:
        assert one["scores"][0]["low"] <= one["scores"][0]["value"] <= one["scores"][0]["high"]
        assert one["latency_ms"] > 0 and one["peak_memory_bytes"] > 0 and one["train_seconds"] > 0
    saved = {one["name"]: one["saved_bytes"] for one in compared["strategies"]}
    assert 0 < saved["lora:r=4"] < saved["full"] == saved["head"]  # an adapter, and whole models
    assert [one["name"] for one in compared["baselines"]] == ["majority", "tfidf", "embeddings"]
    best = next(one for one in compared["strategies"] if one["name"] == compared["best"])
    assert best["difference"] is None
    others = [one["difference"] for one in (*compared["strategies"], *compared["baselines"]) if one is not best]
    assert all(apart["low"] <= apart["value"] <= apart["high"] for apart in others)
    for text in ("lora:r=4", "counted words (TF-IDF)", "equal epochs: 2", "The validation rows choose",
                 compared["sentence"]):  # fmt: skip
        assert text in done.stdout


def test_validation_chooses_and_what_is_recommended_is_one_of_them(compared: dict[str, Any]) -> None:
    assert compared["chosen_on"] == "validation" and compared["judged_on"] == "test"
    values = {one["name"]: one["validation"][compared["metric"]] for one in compared["strategies"]}
    assert values[compared["best"]] == max(values.values())
    assert compared["recommended"] in values and compared["recommended"] in compared["sentence"]
    assert compared["front"]["train_seconds"][-1] in values


def test_the_page_names_all_of_it_links_the_runs_and_needs_no_other_file(place: Path, compared: dict[str, Any]) -> None:
    page = (place / "all" / "strategies.html").read_text(encoding="utf-8")
    for name in FOLDERS:
        assert f'href="{name}/report.html"' in page and (place / "all" / name / "report.html").is_file()
    assert page.count("data:image/svg+xml") == 2 and "http" not in page.replace("http-equiv", "")


def test_a_second_comparison_computes_nothing_frozen_anew(place: Path, models: TinyModels, done: Done) -> None:
    """Neither what the untuned model sees nor what the layers below the head give."""
    kept = Path(os.environ["LUTHIER_CACHE"])
    before = sorted(path.name for path in kept.iterdir())
    again = train(place, models, "again", *QUICK, "--strategies", "head,full")
    assert again.returncode == 0, again.stderr
    assert sorted(path.name for path in kept.iterdir()) == before
    assert digest(place / "again" / "full") == digest(place / "all" / "full")


def test_a_resume_goes_on_with_what_is_unfinished(place: Path, models: TinyModels, done: Done) -> None:
    run = place / "cut"
    shutil.copytree(place / "all", run)
    for name in ("strategies.json", "strategies.html"):
        (run / name).unlink()
    shutil.rmtree(run / "full")
    kept = (run / "head" / "report.json").read_bytes()
    (place / "runs").mkdir()
    (place / "runs" / "cut").symlink_to(run)
    going_on = luthier("train", "--resume", cwd=place)  # the newest unfinished; the names are in the folder
    assert going_on.returncode == 0, going_on.stderr
    assert digest(run / "full") == digest(place / "all" / "full")
    assert (run / "head" / "report.json").read_bytes() == kept
    assert (run / "strategies.json").is_file()
    finished = luthier("train", "--resume", "--out", run)
    assert finished.returncode == 0 and "nothing is left to do" in finished.stdout
    other = luthier("train", "--resume", "--out", run, "--strategies", "head,full")
    assert other.returncode == 2 and "begun with --strategies head,lora:r=4,full" in other.stderr


def test_minutes_too_few_for_an_epoch_give_one_and_say_so(place: Path, models: TinyModels) -> None:
    words = ["train.batch_size=8", "--strategies", "head,full", "--minutes", "0.0001", "--json"]
    done = train(place, models, "timed", *words)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["budget"] == {"kind": "minutes", "minutes": 0.0001}
    assert [one["epochs"] for one in found["strategies"]] == [1, 1]
    assert done.stderr.count("more than its 0 s; it gets one") == 2


def test_a_share_of_time_holds_as_many_epochs_as_fit_behind_what_is_done_once() -> None:
    from luthier.strategies.budget import Cost

    assert Cost(once=2.0, epoch=3.0).epochs(20) == 6
    assert Cost(once=2.0, epoch=30.0).epochs(20) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--strategies", "head,full", "--minutes", "1", "train.epochs=2"], "--minutes contradicts train.epochs"),
        (["--strategies", "head,full", "data.split.folds=3"], "--strategies contradicts data.split.folds"),
        (["--strategies", "head,full", "--minutes", "0"], "use a number above 0"),
        (["--minutes", "3"], "names fewer than two"),
    ],
)
def test_what_cannot_be_compared_is_refused(words: list[str], said: str, place: Path, models: TinyModels) -> None:
    done = train(place, models, "refused", *words)
    assert done.returncode == 2 and said in done.stderr
    assert not (place / "refused").exists()
