"""Whatever names the data, training and check prepare the same rows from it, and keep no login."""

import hashlib
import sqlite3
from pathlib import Path

import pytest

from luthier.checkup import check
from luthier.config.settings import load_settings
from luthier.config.write import as_yaml
from luthier.draft import draft_config
from luthier.errors import CheckpointError, DataError
from luthier.identity import check_explicit
from luthier.preparing.prepare import prepare
from tiny import ticket_rows, write_csv

pytestmark = pytest.mark.slow

ROWS = ticket_rows(60)
HEADER = ["body", "team"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    for i in range(3):
        write_csv(tmp_path / "parts" / f"part-{i}.csv", HEADER, ROWS[20 * i : 20 * i + 20])
    with sqlite3.connect(tmp_path / "tickets.db") as connection:
        connection.execute("create table tickets (body text, team text)")
        connection.executemany("insert into tickets values (?, ?)", ROWS)
    connection.close()
    return tmp_path


NAMES = {
    "a list": ["data.train=[parts/part-0.csv, parts/part-1.csv, parts/part-2.csv]"],
    "a pattern": ["data.train='parts/*.csv'"],
    "a folder": ["data.train=parts"],
    "a database": ["data.train=sqlite:///tickets.db", "data.query=select body, team from tickets"],
}


@pytest.mark.parametrize("named", NAMES.values(), ids=NAMES)
def test_rows_splits_and_hashes_do_not_depend_on_how_the_data_are_named(named: list[str], place: Path) -> None:
    if "sqlite" in named[0]:
        pytest.importorskip("sqlalchemy")
    whole = write_csv(place / "whole.csv", HEADER, ROWS)
    expected = prepare(load_settings(None, [f"data.train={whole}"]))
    prepared = prepare(load_settings(None, named))
    for part in ("train", "validation", "test"):
        ours, theirs = prepared.split.part(part), expected.split.part(part)
        assert [(e.row, e.input, e.answer) for e in ours] == [(e.row, e.input, e.answer) for e in theirs]
    if "sqlite" not in named[0]:
        files = {f"parts/part-{i}.csv": (place / "parts" / f"part-{i}.csv").read_bytes() for i in range(3)}
        assert prepared.files == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    else:
        assert list(prepared.files) == ["sqlite:///tickets.db"]
    assert len(check(load_settings(None, named)).data) == 60


def test_a_folder_of_parts_fills_validation_and_test_and_says_so(place: Path) -> None:
    folder = place / "split"
    folder.mkdir()
    for name, rows in (("train", ROWS[:40]), ("dev", ROWS[40:50]), ("test", ticket_rows(80, seed=5)[70:])):
        write_csv(folder / f"{name}.csv", HEADER, rows)
    prepared = prepare(load_settings(None, ["data.train=split", "data.bad_rows=skip"]))
    assert {name: len(prepared.split.part(name)) for name in ("train", "validation")} == {"train": 40, "validation": 10}
    assert any("validation (1)" in note for note in prepared.notes)


def test_the_same_file_for_two_parts_is_refused(place: Path) -> None:
    with pytest.raises(DataError) as caught:
        prepare(load_settings(None, ["data.train='parts/*.csv'", "data.test=parts/part-1.csv"]))
    assert caught.value.problems[0].code == "split-leak"


def test_a_draft_keeps_a_list_of_files(place: Path) -> None:
    settings = load_settings(None, NAMES["a list"])
    (place / "luthier.yaml").write_text(draft_config(settings, prepare(settings)), encoding="utf-8")
    assert load_settings(place / "luthier.yaml").data.train == settings.data.train


def test_a_login_is_not_stored_and_may_be_given_again(place: Path) -> None:
    address = "postgresql://anna:s3cret@db/x"
    settings = load_settings(None, [f"data.train=[{address}]", "data.query=select 1"])
    stored = as_yaml(settings, "")
    assert "s3cret" not in stored and "anna" not in stored and "postgresql://***@db/x" in stored
    (place / "config.yaml").write_text(stored, encoding="utf-8")
    begun = load_settings(place / "config.yaml")
    assert check_explicit({"data.train": [address]}, begun, "run") == {"data.train": [address]}
    with pytest.raises(CheckpointError):
        check_explicit({"data.train": ["postgresql://anna:s3cret@other/x"]}, begun, "run")
    kept = as_yaml(load_settings(None, ["data.train=postgresql://me:${PW}@db/x", "data.query=select 1"]), "")
    assert "${PW}" in kept


def test_columns_that_are_written_differently_are_taken_and_said(place: Path) -> None:
    path = write_csv(place / "odd.csv", [" Body", "TEAM"], ROWS)
    found = check(load_settings(None, [f"data.train={path}", "data.columns.text=body", "data.columns.label=team"]))
    assert "odd.csv: column 'body' is read from ' Body'" in found.notes
    assert "odd.csv: column 'team' is read from 'TEAM'" in found.notes


def test_labels_that_come_again_in_line_1_show_that_there_is_no_header_and_the_fix_works(place: Path) -> None:
    path = place / "bare.csv"
    path.write_text("".join(f"{text},{team}\n" for text, team in ROWS), encoding="utf-8")
    with pytest.raises(DataError, match="line 1 looks like data") as caught:
        check(load_settings(None, [f"data.train={path}"]))
    (problem,) = caught.value.problems
    fix = problem.fix.partition(" (")[0].split()
    assert fix == ["data.header=false", "data.columns.text=1"]
    assert len(check(load_settings(None, [f"data.train={path}", *fix])).data) == 60
