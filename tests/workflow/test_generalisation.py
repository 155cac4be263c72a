"""A run judged on data that it was not made for: slices, shift, robustness, sureness; as JSON, as text, as a page."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import QUICK, report
from workflow.helpers import luthier as command

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Path:
    """A run, and rows of another kind: half of them shouted, and from another source."""
    folder = tmp_path_factory.mktemp("generalisation")
    write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(300))
    done = command(
        "train", "tickets.csv", "--model", models.encoder, "--out", "run", "data.split.validation=0.2", *QUICK,
        "train.epochs=1", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert any(line.startswith("calibrated: logits divided by") for line in done.stdout.splitlines())
    rows = [
        (f"{text} zzz qqq, was this", label, "app") if i % 2 else (text, label, "mail")
        for i, (text, label) in enumerate(ticket_rows(120, seed=7))
    ]
    write_csv(folder / "new.csv", ["text", "label", "source"], rows)
    return folder


@pytest.fixture(scope="module")
def found(place: Path) -> dict[str, Any]:
    words = ("--slice", "source", "--robustness", "--accuracy", "0.8", "--out", "page.html", "--json")
    done = command("evaluate", "run", "new.csv", *words, cwd=place)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_run_tells_how_much_calibration_brought_on_the_test_rows(place: Path) -> None:
    told = report(place / "run")["calibration"]
    assert told["folded"] and told["rows"] == 60 and told["after"] < told["before"]
    change = told["ece_before"]["value"] - told["ece"]["value"]
    assert (
        told["change"]["value"] == pytest.approx(change) and told["change"]["low"] <= change <= told["change"]["high"]
    )
    scores = {score["name"]: score["value"] for score in report(place / "run")["scores"]}
    assert told["ece"]["value"] == pytest.approx(scores["ece"], abs=0.02)
    page = (place / "run" / "report.html").read_text(encoding="utf-8")
    assert "How far its sureness can be trusted" in page and "Before the temperature" in page
    assert "Calibrated: its logits are divided by" in (place / "run" / "model" / "README.md").read_text()


def test_calibration_is_refused_where_there_is_nothing_to_do_it_on(place: Path, models: TinyModels) -> None:
    bad = command("train", "tickets.csv", "--model", models.encoder, "data.split.validation=0",
                  "train.calibrate=true", cwd=place)  # fmt: skip
    assert bad.returncode == 2 and "train.calibrate" in bad.stderr and "there are none" in bad.stderr


def test_every_slice_has_rows_score_interval_and_is_held_against_the_rest(found: dict[str, Any]) -> None:
    by_source = {part["value"]: part for part in found["slices"] if part["by"] == "source"}
    assert {value: part["n"] for value, part in by_source.items()} == {"app": 60, "mail": 60}
    for part in found["slices"]:
        assert part["rest"]["low"] <= part["rest"]["difference"] <= part["rest"]["high"]
        assert part["rest"]["differs"] == (part["rest"]["adjusted"] < 0.05)
        assert next(s for s in part["scores"] if s["name"] == "accuracy")["low"] is not None
    rare = [part for part in found["slices"] if part["by"] == "rare_words"]
    assert rare[0]["value"] == "no word rare in training" and rare[0]["n"] == 60


def test_the_shift_is_told_and_none_where_rows_are_like_those_of_training(place: Path, found: dict[str, Any]) -> None:
    assert found["shift"]["level"] in ("some", "far") and found["shift"]["domain"]["low"] > 0.6
    assert {m["name"] for m in found["shift"]["measures"] if m["differs"]} >= {"rare_words", "length"}
    like = write_csv(place / "like.csv", ["text", "label"], ticket_rows(120, seed=8))
    same = luthier.evaluate(place / "run", like)
    assert same.shift is not None and same.shift.apart is not None
    assert same.shift.level == "same" and same.shift.apart.low < 0.5
    from_model = luthier.evaluate(place / "run" / "model", like)
    assert from_model.shift is None and "name a run's folder" in from_model.notes[0]


def test_what_is_kept_of_training_is_not_handed_on_with_the_model(place: Path) -> None:
    assert (place / "run" / "training.safetensors").stat().st_size < 200_000
    assert not list((place / "run" / "model").glob("training*"))


def test_each_perturbation_has_its_drop_and_the_answers_that_change(found: dict[str, Any]) -> None:
    by_name = {one["name"]: one for one in found["robustness"]}
    typos = by_name["typos"]
    assert typos["rows"] == 120 and typos["drop"]["low"] <= typos["drop"]["value"] <= typos["drop"]["high"]
    gained = typos["before"]["value"] - typos["after"]["value"]
    assert typos["drop"]["value"] == pytest.approx(gained)
    assert gained == pytest.approx(typos["broken"] - typos["mended"]) and typos["changed"] >= typos["broken"]
    wide = by_name["full_width"]  # the tiny tokenizer knows no such letters
    assert wide["changed"] > 0 and wide["flips"][0]["before"] != wide["flips"][0]["after"]
    assert by_name["uppercase"]["changed"] == 0  # it reads all in lower case
    assert "changes 0 of 120 rows" in by_name["homophones"]["left_out"]


def test_thresholds_are_named_for_the_accuracies_that_were_asked_for(found: dict[str, Any]) -> None:
    (one,) = found["selective"]["thresholds"]
    assert one["wanted"] == 0.8
    points = [point["accuracy"] for point in found["selective"]["points"]]
    assert len(points) == 7 and points[-1] >= points[0]


def test_the_page_shows_all_of_it_and_loads_nothing(place: Path, found: dict[str, Any]) -> None:
    page = (place / "page.html").read_text(encoding="utf-8")
    for heading in ("Each part of the rows", "How far these rows", "Written otherwise", "How far its sureness"):
        assert heading in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert "source: app" in page and "full-width letters and signs" in page


def test_people_read_tables_and_sentences(place: Path) -> None:
    done = command("evaluate", "run", "new.csv", "--slice", "source", cwd=place)
    assert (
        "source: mail" in done.stdout
        and "a classifier tells them apart" in done.stdout
        and "answer the surest 80 %" in done.stdout
    )


def test_bad_input_is_refused_with_a_remedy(place: Path) -> None:
    column = command("evaluate", "run", "new.csv", "--slice", "sourse", cwd=place)
    assert column.returncode == 2 and "did you mean 'source'?" in column.stderr
    share = command("evaluate", "run", "new.csv", "--accuracy", "95", cwd=place)
    assert share.returncode == 2 and "a share above 0" in share.stderr
    page = command("evaluate", "run", "new.csv", "--out", "page.pdf", cwd=place)
    assert page.returncode == 2 and ".html" in page.stderr


def test_the_temperature_moves_no_answer(place: Path) -> None:
    model = luthier.load(place / "run")
    texts = [text for text, _ in ticket_rows(40, seed=3)]
    said = model.raw(texts)
    temperature = report(place / "run")["calibration"]["temperature"]
    raw = model.codec.task.tempered(said, 1 / temperature)
    assert np.array_equal(np.argmax(said, 1), np.argmax(raw, 1))
    assert np.abs(np.stack(said) - np.stack(raw)).max() > 0.01
