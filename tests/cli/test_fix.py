"""luthier check --fix: one command from a dirty file to a clean copy, and no way to lose the original."""

import json
from pathlib import Path

import pytest

from tiny import ticket_rows, write_csv, write_jsonl
from workflow.helpers import luthier


@pytest.fixture
def dirty(tmp_path: Path) -> Path:
    good = ticket_rows(40)
    bad = [(f" {good[0][0]}", good[0][1]), ("mail bob@mail.com", "billing"), ("", "billing")]
    return write_csv(tmp_path / "dirty.csv", ["text", "label"], [*good, *bad])


def test_the_copy_is_written_told_of_and_clean(dirty: Path) -> None:
    folder = dirty.parent
    done = luthier("check", "dirty.csv", "--fix", "clean.csv", cwd=folder)
    assert done.returncode == 0, done.stderr
    for part in ("missing-text", "whitespace", "deduplicate", "41 of 43 rows stand in clean.csv", "clean.csv.log.jsonl",
                 "next: luthier check clean.csv, then luthier train clean.csv"):  # fmt: skip
        assert part in done.stdout, part
    again = json.loads(luthier("check", "clean.csv", "--json", cwd=folder).stdout)
    assert [finding["code"] for finding in again["findings"]] == ["personal-data"]  # masked only where asked
    assert sorted(path.name for path in folder.iterdir()) == ["clean.csv", "clean.csv.log.jsonl", "dirty.csv"]


def test_json_says_what_was_done(dirty: Path) -> None:
    done = luthier("check", "dirty.csv", "--fix", "clean.csv", "--mask", "--json", cwd=dirty.parent)
    said = json.loads(done.stdout)
    assert done.returncode == 0 and "findings" in said
    assert {"out": "clean.csv", "log": "clean.csv.log.jsonl", "rows": 43, "written": 41}.items() <= said[
        "fixed"
    ].items()
    assert said["fixed"]["changes"] == {"mask": 1, "drop": 1, "deduplicate": 1}


def test_steps_can_be_chosen_on_the_command_line_or_by_data_clean(dirty: Path) -> None:
    done = luthier("check", "dirty.csv", "--fix", "a.csv", "--steps", "whitespace,drop", "--json", cwd=dirty.parent)
    assert json.loads(done.stdout)["fixed"]["steps"] == ["whitespace", "drop"]
    done = luthier("check", "dirty.csv", "data.clean=nfc", "--fix", "b.csv", "--json", cwd=dirty.parent)
    steps = json.loads(done.stdout)["fixed"]["steps"]
    assert steps == ["nfc", "repair", "labels", "drop", "leaks", "deduplicate"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--mask"], "--mask changes nothing without --fix"),
        (["--steps", "html"], "--steps changes nothing without --fix"),
        (["--fix", "dirty.csv"], "dirty.csv: is the data itself"),
        (["--fix", "clean.xyz"], "'.xyz' cannot be written"),
        (["--fix", "clean.csv", "--steps", "dedupliate"], "did you mean 'deduplicate'?"),
    ],
)
def test_what_cannot_be_done_is_refused_before_the_data_are_looked_at(
    words: list[str], message: str, dirty: Path
) -> None:
    before = dirty.read_bytes()
    done = luthier("check", "dirty.csv", *words, cwd=dirty.parent)
    assert (done.returncode, done.stdout) == (2, "") and message in done.stderr and "fix: " in done.stderr
    assert [path.name for path in dirty.parent.iterdir()] == ["dirty.csv"] and dirty.read_bytes() == before


def test_cleaning_under_a_model_is_refused_where_it_would_move_answers(tmp_path: Path) -> None:
    row = {"text": "John lives in Paris", "entities": [{"start": 0, "end": 4, "label": "PER"}]}
    write_jsonl(tmp_path / "ner.jsonl", [row])
    done = luthier("check", "ner.jsonl", "data.clean=html,fullwidth", cwd=tmp_path)
    assert done.returncode == 2 and "data.clean: answers are places in the text" in done.stderr
    assert "--fix OUT --steps html" in done.stderr
    assert "data.clean" not in luthier("check", "ner.jsonl", "data.clean=fullwidth", cwd=tmp_path).stderr
