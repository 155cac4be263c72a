"""`luthier explain RUN INPUT`: as a user has it."""

import json
from pathlib import Path

import pytest

from tiny import TinyModels, bench, ticket_rows
from workflow.helpers import Done, luthier, report

pytestmark = pytest.mark.slow

ASKED = "please send my money back today"


def explained(place: Path, *words: object, stdin: str = "") -> dict:
    done = luthier("explain", "run", *words, "--json", "--quiet", cwd=place, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(place: Path, *words: object) -> Done:
    done = luthier("explain", *words, cwd=place)
    assert done.returncode == 2 and not done.stdout
    return done


def test_a_text_has_words_neighbours_and_an_edit(place: Path) -> None:
    found = explained(place, "--text", ASKED, "--how", "integrated")
    (one,) = found["explanations"]
    assert found["method"] == one["method"] == "integrated" and one["texts"] == [ASKED]
    (reason,) = one["reasons"]
    assert [word["word"] for word in reason["words"]] == ASKED.split()
    assert abs(reason["completeness_error"]) < 0.05
    assert len(one["nearest"]) == 3 and one["nearest_by"] == "embedding"
    assert {row["text"] for row in one["nearest"]} <= {text for text, _ in ticket_rows(150)}
    assert reason["flip"]["within"] == 5


def test_people_read_signs_and_sentences(place: Path) -> None:
    done = luthier("explain", "run", "--text", ASKED, "--how", "integrated", "--nearest", 1, cwd=place)
    assert done.returncode == 0
    assert "completeness error" in done.stdout and "+++]" in done.stdout and "nearest training rows" in done.stdout


def test_files_and_standard_input_are_taken_as_predict_takes_them(place: Path) -> None:
    few = ("--nearest", 0, "--flip", 0)
    of_file = explained(place, "new.csv", "-n", 5, *few)
    assert len(of_file["explanations"]) == 5 and any("first 5" in note for note in of_file["notes"])
    assert of_file["explanations"][0]["nearest"] is None and of_file["explanations"][0]["reasons"][0]["flip"] is None
    texts = [one["texts"][0] for one in of_file["explanations"]]
    piped = explained(place, "-", *few, stdin="\n".join(texts) + "\n")
    assert [one["answer"] for one in piped["explanations"]] == [one["answer"] for one in of_file["explanations"]]


def test_all_rows_of_a_file_or_of_the_run_are_told_together(place: Path) -> None:
    of_file = explained(place, "new.csv", "--all")["overall"]
    assert of_file["rows"] == 8
    of_run = explained(place)
    held_out = report(place / "run")["split"]["validation"]
    assert of_run["overall"]["rows"] == held_out and f"{held_out} validation rows" in of_run["notes"][0]
    assert sum(row["rows"] for row in of_run["overall"]["classes"]) == held_out


def test_faithfulness_is_measured_with_its_interval(place: Path) -> None:
    found = explained(place, "new.csv", "--faithfulness", "--nearest", 0, "--flip", 0)["faithfulness"]
    gain = found["deletion"]["gain"]
    assert found["rows"] == 8 and gain["low"] <= gain["value"] <= gain["high"]
    assert len(found["deletion"]["named"]) == len(found["shares"]) == 11


def test_the_page_is_one_file_that_runs_nothing(place: Path) -> None:
    done = luthier("explain", "run", "new.csv", "-n", 2, "--faithfulness", "-o", "why.html", "--quiet", cwd=place)
    assert done.returncode == 0, done.stderr
    page = (place / "why.html").read_text(encoding="utf-8")
    assert page.count('<figure class="why">') == 2 and "Nearest training rows" in page
    assert "Do the named words carry the answer?" in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert luthier("explain", "run", "-o", "all.html", "--quiet", cwd=place).returncode == 0
    assert "Words behind each answer" in (place / "all.html").read_text(encoding="utf-8")


def test_a_runs_report_explains_its_worst_mistakes(place: Path) -> None:
    found = report(place / "run")["explained"]
    page = (place / "run" / "report.html").read_text(encoding="utf-8")
    assert found and all(row["said"] == row["answer"]["label"] != row["right"] for row in found)
    assert page.count('<figure class="why">') == len(found)


def test_a_model_folder_is_explained_without_neighbours(place: Path) -> None:
    done = luthier("explain", "run/model", "--text", ASKED, "--json", cwd=place)
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["explanations"][0]["nearest"] is None
    assert "not known" in found["notes"][0]


def test_what_cannot_be_is_refused_with_where_and_remedy(place: Path) -> None:
    assert "either a file or a text" in refused(place, "run", "new.csv", "--text", "a").stderr
    assert "integrated" in refused(place, "run", "--text", "a b", "--how", "integratd").stderr
    assert "no such" in refused(place, "nowhere", "--text", "a b").stderr
    assert "run's folder" in refused(place, "run/model").stderr
    assert ".html" in refused(place, "run", "--text", "a b", "-o", "why.pdf").stderr


def test_a_run_of_a_task_that_says_nothing_of_words_is_refused(place: Path, models: TinyModels, tmp_path: Path) -> None:
    from luthier.inference.artifact import save_artifact
    from luthier.models.load import load_tokenizer

    ready = bench("retrieval", models.encoder)
    save_artifact(tmp_path / "found", ready.model, ready.codec, load_tokenizer(models.encoder).wrapped, "card")
    assert "retrieval" in refused(place, tmp_path / "found", "--text", "a b").stderr
