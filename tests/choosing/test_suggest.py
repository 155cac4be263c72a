"""`luthier suggest RUN UNLABELLED` names rows worth labelling, once each, and none that is labelled already."""

import csv
import json
from pathlib import Path

import pytest

from luthier.choosing import suggest as room
from luthier.choosing.suggest import suggest
from tiny import TinyModels, ticket_rows, write_csv, write_jsonl
from workflow.helpers import QUICK, luthier

pytestmark = pytest.mark.slow


MIXED = ["parcel invoice", "refund charged parcel", "courier money back", "receipt late depot refund"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Path:
    """A run, and a file of texts: some known, some repeated, one without text."""
    folder = tmp_path_factory.mktemp("suggest")
    write_csv(folder / "tickets.csv", ["body", "team"], ticket_rows(120))
    words = ["train", "tickets.csv", f"model={models.encoder}", *QUICK, "train.epochs=6", "--out", "run", "--quiet"]
    done = luthier(*words, cwd=folder)
    assert done.returncode == 0, done.stderr
    known = [text for text, _ in ticket_rows(120)[:10]]
    new = [text for text, _ in ticket_rows(200, seed=5) if text not in dict(ticket_rows(120))]
    texts = [*known, *new, *MIXED, new[0].upper() + " !", "=parcel + refund + invoice"]
    write_csv(folder / "new.csv", ["n", "body"], enumerate(texts))
    return folder


def named(place: Path, *words: object) -> dict:
    done = luthier("suggest", "run", "new.csv", *words, "--json", "--quiet", cwd=place)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_known_and_repeated_rows_are_counted_and_not_named(place: Path) -> None:
    found = named(place, "-n", 300)
    assert found["known"] == 10 and found["repeated"] == 1
    texts = [row["text"] for row in found["rows"]]
    assert len(set(texts)) == len(texts) <= found["seen"] - 11
    assert not set(texts) & {text for text, _ in ticket_rows(120)}


def test_rows_of_several_training_files_are_known_too(place: Path) -> None:
    rows = ticket_rows(120)
    write_csv(place / "first.csv", ["body", "team"], rows[:60])
    write_csv(place / "second.csv", ["body", "team"], rows[60:])
    config = place / "run" / "config.yaml"
    before = config.read_text(encoding="utf-8")
    config.write_text(before.replace("train: tickets.csv", "train: [first.csv, second.csv]"), encoding="utf-8")
    try:
        assert config.read_text(encoding="utf-8") != before
        assert named(place, "-n", 300)["known"] == 10
    finally:
        config.write_text(before, encoding="utf-8")


def test_the_rows_named_are_less_decided_than_the_rest(place: Path) -> None:
    few, all_of_them = named(place, "-n", 20)["rows"], named(place, "-n", 300)["rows"]
    assert len(few) == 20

    def mean(rows: list) -> float:
        return sum(row["lead"] for row in rows) / len(rows)

    assert mean(few) < mean(all_of_them)
    assert all(set(row) >= {"file", "line", "text", "label", "score", "lead", "reason"} for row in few)


def test_a_place_is_that_of_the_row_and_the_answer_that_of_predict(place: Path) -> None:
    import linecache

    for row in named(place, "-n", 5)["rows"]:
        assert row["text"] in linecache.getline(str(place / "new.csv"), row["line"])
        said = luthier("predict", "run", "--text", row["text"], "--json", cwd=place)
        assert json.loads(said.stdout)["label"] == row["label"]


def test_the_same_seed_names_the_same_rows(place: Path) -> None:
    first, again, other = (named(place, "-n", 10, "--seed", seed)["rows"] for seed in (1, 1, 2))
    assert first == again and first != other


def test_the_file_can_be_filled_in_and_trained_on(place: Path) -> None:
    done = luthier("suggest", "run", "new.csv", "-n", 12, "-o", "label.csv", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "label these next" in done.stdout and "written to label.csv" in done.stdout
    with (place / "label.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["body", "team", "guess", "score", "reason", "file", "line"]
    assert len(rows) == 12 and {row["team"] for row in rows} == {""}
    assert all(row["guess"] in ("billing", "delivery", "refund") for row in rows)
    with (place / "label.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "team": row["guess"]} for row in rows)
    judged = luthier("evaluate", "run", "label.csv", "--json", cwd=place)
    assert judged.returncode == 0, judged.stderr
    assert {s["name"]: s["value"] for s in json.loads(judged.stdout)["scores"]}["accuracy"] == 1.0


def test_a_formula_is_written_as_text_unless_asked_otherwise(place: Path) -> None:
    for option, first in (("--safe-csv", "'="), ("--raw-csv", "=p")):
        luthier("suggest", "run", "new.csv", "-n", 300, option, "-o", "safe.csv", cwd=place)
        with (place / "safe.csv").open(encoding="utf-8", newline="") as file:
            (cell,) = [row["body"] for row in csv.DictReader(file) if "=parcel" in row["body"]]
        assert cell.startswith(first)


def test_a_row_that_cannot_be_read_fails_alone(place: Path) -> None:
    data = write_jsonl(place / "holes.jsonl", [{"body": "parcel refund"}, {"body": ""}, {"body": "invoice courier"}])
    done = luthier("suggest", "run", data, "--json", cwd=place)
    assert done.returncode == 1 and "1 inputs could not be read" in done.stderr
    assert {row["line"] for row in json.loads(done.stdout)["rows"]} == {1, 3}


def test_a_file_of_plain_text_has_a_text_a_line(place: Path) -> None:
    (place / "texts.txt").write_text("parcel refund money\ninvoice courier late\n", encoding="utf-8")
    done = luthier("suggest", "run", "texts.txt", "--json", cwd=place)
    assert {row["line"] for row in json.loads(done.stdout)["rows"]} == {1, 2}, done.stderr


def test_memory_does_not_grow_with_the_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool holds a few of the rows, and they are the most undecided ones."""
    monkeypatch.setattr(room, "pool_size", lambda count: 15)
    found = suggest(place / "run", place / "new.csv", count=50)
    monkeypatch.undo()
    every = suggest(place / "run", place / "new.csv", count=300)
    leads = sorted(row.lead for row in every.rows)
    assert len(found.rows) <= 15
    assert max(row.lead for row in found.rows) <= leads[20]


def test_a_moved_training_file_is_said_and_the_model_folder_alone_is_enough(place: Path) -> None:
    moved = (place / "tickets.csv").rename(place / "elsewhere.csv")
    try:
        done = luthier("suggest", "run", "new.csv", "-n", 5, cwd=place)
    finally:
        moved.rename(place / "tickets.csv")
    assert done.returncode == 0 and "its rows are not left out" in done.stderr
    alone = luthier("suggest", "run/model", "new.csv", "-n", 5, cwd=place)
    assert alone.returncode == 0 and "what it was trained on is not known" in alone.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nothing.csv"], "no such file"),
        (["norun", "new.csv"], "no such run"),
        (["run", "new.csv", "-o", "out.xlsx"], "name it .csv"),
        (["run", "new.csv", "train.epochs=3"], "changes nothing here"),
        (["run", "tickets.csv", "-n", "0"], "-n"),
    ],
)
def test_mistakes_are_refused_at_once(words: list, said: str, place: Path) -> None:
    done = luthier("suggest", *words, cwd=place)
    assert done.returncode == 2 and said in done.stderr
