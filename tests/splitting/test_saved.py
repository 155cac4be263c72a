"""A run's rows can be taken again by another run, and only from the same files."""

import json
from pathlib import Path
from typing import Any

import pytest

from luthier.config.settings import load_settings
from luthier.errors import DataError
from luthier.preparing.prepare import Prepared, prepare
from luthier.types import PARTS
from tiny import ticket_rows, write_csv

pytestmark = pytest.mark.slow

HEADER = ["about", "body", "team", "when", "part"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    parts = ["train"] * 70 + ["Dev"] * 10 + ["TEST"] * 20
    rows = [
        (f"ticket number {i} of {row[1]}", *row, f"2024-01-{1 + i // 4:02d}", parts[i])
        for i, row in enumerate(ticket_rows(100))
    ]
    return write_csv(tmp_path / "tickets.csv", HEADER, rows)


def prepared(file: Path, *words: str) -> Prepared:
    return prepare(load_settings(None, [f"data.train={file}", "data.columns.label=team", *words]))


def save(made: Prepared, folder: Path) -> Path:
    folder.mkdir()
    (folder / "split.json").write_text(made.saved.text(), encoding="utf-8")
    return folder


def rows(made: Prepared) -> dict[str, list[int]]:
    return {name: [example.row for example in made.split.part(name)] for name in PARTS}


@pytest.mark.parametrize("how", [[], ["data.split.seed=7"], ["data.split.time=when"], ["data.split.column=part"]])
def test_the_same_rows_are_taken_again(how: list[str], file: Path, tmp_path: Path) -> None:
    first = prepared(file, *how)
    run = save(first, tmp_path / "run")
    for word in (run, run / "split.json"):
        assert rows(prepared(file, f"data.split.from={word}")) == rows(first)


def test_other_columns_and_an_other_name_of_the_file_keep_the_rows(file: Path, tmp_path: Path) -> None:
    first = prepared(file)
    run = save(first, tmp_path / "run")
    copy = tmp_path / "copy.csv"
    copy.write_bytes(file.read_bytes())
    again = prepared(copy, f"data.split.from={run}", "data.columns.text=about")
    assert rows(again) == rows(first) and again.split.test[0].input != first.split.test[0].input


def test_a_test_file_of_its_own_is_part_of_the_split(file: Path, tmp_path: Path) -> None:
    test = write_csv(tmp_path / "test.csv", ["body", "team"], ticket_rows(20, seed=9))
    first = prepared(file, f"data.test={test}")
    run = save(first, tmp_path / "run")
    assert rows(prepared(file, f"data.test={test}", f"data.split.from={run}")) == rows(first)
    with pytest.raises(DataError, match="its test rows are of"):
        prepared(file, f"data.split.from={run}")


def test_another_file_is_refused_with_both_names(file: Path, tmp_path: Path) -> None:
    run = save(prepared(file), tmp_path / "run")
    with file.open("a", encoding="utf-8") as more:
        more.write("100,one more,billing,2024-02-01,train\n")
    with pytest.raises(DataError, match="has other bytes") as caught:
        prepared(file, f"data.split.from={run}")
    (problem,) = caught.value.problems
    assert problem.code == "split-file" and str(file) in problem.what
    assert problem.place.file == str(run / "split.json")


def test_a_file_read_in_another_way_is_refused(file: Path, tmp_path: Path) -> None:
    run = save(prepared(file), tmp_path / "run")
    words = ["data.header=false", "data.columns.text=2", "data.columns.label=3", f"data.split.from={run}"]
    with pytest.raises(DataError, match=r"data\.header was True, is False"):
        prepare(load_settings(None, [f"data.train={file}", *words]))


def test_rows_that_are_not_there_are_counted(file: Path, tmp_path: Path) -> None:
    run = save(prepared(file), tmp_path / "run")
    content: dict[str, Any] = json.loads((run / "split.json").read_text("utf-8"))
    content["rows"]["test"] += [500, 501]
    (run / "split.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match=r"2 rows of its test part are not .*500, 501") as caught:
        prepared(file, f"data.split.from={run}")
    assert caught.value.problems[0].code == "split-rows"


def test_rows_in_no_part_are_left_out_and_counted(file: Path, tmp_path: Path) -> None:
    run = save(prepared(file), tmp_path / "run")
    content: dict[str, Any] = json.loads((run / "split.json").read_text("utf-8"))
    del content["rows"]["train"][:5]
    (run / "split.json").write_text(json.dumps(content), encoding="utf-8")
    notes = prepared(file, f"data.split.from={run}").notes
    assert "5 rows are in no part of that split and left out" in notes


NO_FILES = '{"files": {}, "rows": {"train": [1]}, "file_of": {}, "reading": {}}'


@pytest.mark.parametrize("text", ["", "[]", "{}", NO_FILES])
def test_what_is_no_split_is_refused(text: str, file: Path, tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="is no split of a run"):
        prepared(file, f"data.split.from={path}")


def test_a_missing_run_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        prepared(file, f"data.split.from={tmp_path / 'none'}")


def test_a_column_gives_the_parts_under_their_usual_names(file: Path) -> None:
    made = prepared(file, "data.split.column=part")
    assert rows(made) == {"train": [*range(70)], "validation": [*range(70, 80)], "test": [*range(80, 100)]}
    assert (made.how.by, made.how.test) == ("column", None)


def test_a_part_that_has_no_name_is_refused_with_its_rows_or_left_out(tmp_path: Path) -> None:
    parts = ["train"] * 30 + ["test"] * 8 + ["maybe", ""]
    rows_ = [(*row, parts[i]) for i, row in enumerate(ticket_rows(40))]
    file = write_csv(tmp_path / "rows.csv", ["text", "label", "split"], rows_)
    words = [f"data.train={file}", "data.split.column=split"]
    with pytest.raises(DataError) as caught:
        prepare(load_settings(None, words))
    assert {(p.code, p.place.line, p.place.column) for p in caught.value.problems} == {
        ("unknown-part", 40, "split"), ("missing-part", 41, "split"),
    }  # fmt: skip
    made = prepare(load_settings(None, [*words, "data.bad_rows=skip"]))
    assert (len(made.split.train), len(made.split.test), made.skipped) == (30, 8, 2)


def test_a_column_without_a_test_is_refused(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "rows.csv", ["text", "label", "split"], [(*row, "train") for row in ticket_rows(40)])
    with pytest.raises(DataError, match="leaves a part empty") as caught:
        prepare(load_settings(None, [f"data.train={file}", "data.split.column=split"]))
    assert caught.value.problems[0].code == "column-split"


def test_a_class_that_only_the_test_has_is_refused_in_a_column_split(tmp_path: Path) -> None:
    rows_ = [(*row, "train") for row in ticket_rows(40)] + [("hello there", "new", "test"), ("bye now", "new", "test")]
    file = write_csv(tmp_path / "rows.csv", ["text", "label", "split"], rows_)
    with pytest.raises(DataError, match=r"2 rows to validate or test on .* \(new 2\)") as caught:
        prepare(load_settings(None, [f"data.train={file}", "data.split.column=split"]))
    assert caught.value.problems[0].place.line == 42


@pytest.mark.parametrize("name", ["group", "time", "column"])
def test_a_split_column_that_is_not_there_is_named_by_its_key(name: str, file: Path) -> None:
    with pytest.raises(DataError) as caught:
        prepared(file, f"data.split.{name}=bodyy")
    (problem,) = caught.value.problems
    assert "no column 'bodyy'" in problem.what and f"data.split.{name}=body" in problem.fix


def test_bad_times_are_named_with_their_rows_or_left_out(tmp_path: Path) -> None:
    stamps = [f"2024-01-{1 + i % 28:02d}" for i in range(40)]
    stamps[3], stamps[5], stamps[7] = "soon", "", "soon too"
    rows_ = [(*row, stamps[i]) for i, row in enumerate(ticket_rows(40))]
    file = write_csv(tmp_path / "rows.csv", ["text", "label", "when"], rows_)
    words = [f"data.train={file}", "data.split.by=time", "data.split.time=when"]
    with pytest.raises(DataError) as caught:
        prepare(load_settings(None, words))
    found = {p.code: (p.place.line, [also.line for also in p.also]) for p in caught.value.problems}
    assert found == {"bad-time": (5, [9]), "missing-time": (7, [])}
    made = prepare(load_settings(None, [*words, "data.bad_rows=skip"]))
    assert made.skipped == 3 and sum(map(len, rows(made).values())) == 37


def test_test_0_trains_on_all_rows_but_a_tenth(file: Path) -> None:
    made = prepared(file, "data.split.test=0")
    assert {name: len(part) for name, part in rows(made).items()} == {"train": 90, "validation": 10, "test": 0}


def test_folds_prepared_at_once_are_those_prepared_one_by_one(file: Path) -> None:
    from luthier.preparing.prepare import prepare_folds

    words = [f"data.train={file}", "data.columns.label=team", "data.split.folds=4"]
    together = prepare_folds(load_settings(None, words))
    for number, made in enumerate(together, 1):
        alone = prepare(load_settings(None, [*words, f"data.split.fold={number}"]))
        assert rows(made) == rows(alone) and made.how == alone.how
    tested = sorted(row for made in together for row in rows(made)["test"])
    assert tested == list(range(100))
    assert {len(made.split.validation) for made in together} == {10}
