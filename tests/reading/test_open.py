"""One name or several, patterns and folders: one table, or a refusal that names what is there."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from luthier.errors import DataError
from luthier.reading.open import check_named, named_parts, open_data, refuse_shared
from luthier.reading.read import open_table
from luthier.types import Row


def write(path: Path, *rows: str, header: str = "text,label") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def texts(named: object) -> list[str]:
    return [row.values["text"] for row in open_data(named).rows if isinstance(row, Row)]


def test_several_files_follow_each_other_and_so_do_the_numbers_of_their_rows(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a.csv", "a,x", "b"), write(tmp_path / "b.csv", "y,c", "x,d", header="label,text")
    table = open_data([one, two])
    rows = list(table.rows)
    good = [row for row in rows if isinstance(row, Row)]
    assert [(row.number, row.values["text"], row.place.line) for row in good] == [(0, "a", 2), (2, "c", 2), (3, "d", 3)]
    assert [Path(row.place.file).name for row in rows] == ["a.csv", "a.csv", "b.csv", "b.csv"]
    assert table.digests() == {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in (one, two)}


def test_files_of_several_kinds_may_follow_each_other(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text('{"text": "c", "label": "x", "more": 1}\n', encoding="utf-8")
    assert texts([write(tmp_path / "a.csv", "a,x"), tmp_path / "b.jsonl"]) == ["a", "c"]


def test_other_columns_are_refused_with_both_files(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a.csv", "a,x"), write(tmp_path / "b.csv", "c,x", header="text,team")
    with pytest.raises(DataError) as caught:
        open_data([one, two])
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.file) == ("other-columns", str(two))
    assert str(one) in problem.what and "'team'" in problem.what and "'label'" in problem.what


def test_a_pattern_is_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path / "data" / "b.csv", "b,x")
    write(tmp_path / "data" / "a.csv", "a,x")
    write(tmp_path / "data" / "deep" / "c.csv", "c,x")
    assert texts(str(tmp_path / "data" / "*.csv")) == ["a", "b"]
    assert texts(str(tmp_path / "data" / "**" / "*.csv")) == ["a", "b", "c"]


def test_a_file_whose_name_is_a_pattern_is_itself(tmp_path: Path) -> None:
    write(tmp_path / "a[1].csv", "odd,x")
    write(tmp_path / "a1.csv", "plain,x")
    assert texts(str(tmp_path / "a[1].csv")) == ["odd"]


def test_a_pattern_without_files_names_those_of_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "tickets.csv", "a,x")
    with pytest.raises(DataError, match=r"no file matches\n.*holds: 'tickets.csv'"):
        open_data(str(tmp_path / "*.tsv"))
    with pytest.raises(DataError, match="does not exist either"):
        open_data(str(tmp_path / "nowhere" / "*.tsv"))


def test_a_file_named_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,x")
    with pytest.raises(DataError, match="is named twice"):
        open_data([path, tmp_path / "." / "a.csv"])


def test_a_file_in_two_parts_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,x")
    (tmp_path / "link.csv").symlink_to(path)
    with pytest.raises(DataError) as caught:
        refuse_shared(named_parts(str(path), test=str(tmp_path / "link.csv")))
    assert caught.value.problems[0].code == "split-leak"


def test_a_folder_of_one_kind_is_its_files_beside_what_is_written_about_them(tmp_path: Path) -> None:
    write(tmp_path / "part-0.csv", "a,x")
    write(tmp_path / "part-1.csv", "b,x")
    for name in ("README.md", "LICENSE", "SOURCE.md", ".hidden", "_SUCCESS", "dataset_info.json"):
        (tmp_path / name).write_text("about", encoding="utf-8")
    assert texts(str(tmp_path)) == ["a", "b"]


def test_files_named_for_parts_become_the_parts_and_it_is_said(tmp_path: Path) -> None:
    for name in ("train-0", "train-1", "dev", "test"):
        write(tmp_path / f"{name}.csv", f"{name},x")
    parts = named_parts(str(tmp_path))
    assert {part: [Path(file).name for file in files] for part, files in parts.names.items()} == {
        "validation": ["dev.csv"], "test": ["test.csv"], "train": ["train-0.csv", "train-1.csv"],
    }  # fmt: skip
    assert "validation (1)" in parts.notes[0]


def test_folders_named_for_parts_become_the_parts(tmp_path: Path) -> None:
    write(tmp_path / "train" / "a.csv", "a,x")
    write(tmp_path / "test" / "a.csv", "b,x")
    assert set(named_parts(str(tmp_path)).names) == {"train", "test"}


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["a.csv", "b.tsv"], "several kinds"),
        (["a.csv", "b.pdf"], "several kinds"),
        (["a.pdf", "b.pdf"], "is a folder"),
        ([], "is a folder"),
        (["train.csv", "more.csv"], "some files are named for a part"),
    ],
)
def test_a_folder_that_is_not_clear_is_refused(names: list[str], says: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in names:
        write(folder / name, "a,x")
    with pytest.raises(DataError) as caught:
        named_parts(str(folder))
    (problem,) = caught.value.problems
    assert problem.code == "not-a-file" and says in problem.what and problem.fix


def test_what_is_no_file_is_refused_and_nobody_waits(tmp_path: Path) -> None:
    import socket

    os.mkfifo(tmp_path / "pipe.csv")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket.csv"))
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    (tmp_path / "gone.csv").symlink_to("nowhere.csv")
    for name, says in [("pipe.csv", "not a regular file"), ("socket.csv", "not a regular file"),
                       ("loop.csv", "leads back to itself"), ("gone.csv", "nowhere.csv")]:  # fmt: skip
        with pytest.raises(DataError, match=says):
            open_data(tmp_path / name)
    with pytest.raises(DataError, match="not a regular file"):
        open_data("/dev/zero")
    server.close()


def test_a_file_that_grows_while_it_is_read_is_told_with_both_sizes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", *(f"row {i},x" for i in range(5_000)))
    before = path.stat().st_size
    rows = open_table(path).rows
    next(rows)
    with path.open("a") as file:
        file.write("one more,x\n")
    with pytest.raises(DataError) as caught:
        list(rows)
    (problem,) = caught.value.problems
    assert problem.code == "changed-file"
    assert f"was {before} bytes and is {before + 11}" in problem.what


def test_a_file_that_vanishes_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", *(f"row {i},x" for i in range(200)))
    rows = open_table(path).rows
    path.unlink()
    with pytest.raises(DataError, match="vanished while it was read"):
        list(rows)


def test_no_file_stays_open_before_the_rows_are_drawn(tmp_path: Path) -> None:
    for i in range(100):
        write(tmp_path / f"a{i:03}.csv", f"row {i},x")
    before = len(list(Path("/proc/self/fd").iterdir()))
    table = open_data(str(tmp_path / "*.csv"))
    assert len(list(Path("/proc/self/fd").iterdir())) - before < 10
    assert len(list(table.rows)) == 100
    assert threading.active_count() < 10


def test_a_name_that_is_near_is_offered(tmp_path: Path) -> None:
    write(tmp_path / "tickets.csv", "a,x")
    with pytest.raises(DataError, match=r"no such file\n.*did you mean 'tickets.csv'"):
        check_named(str(tmp_path / "ticket.csv"))


def test_an_address_of_a_local_file_is_the_file(tmp_path: Path) -> None:
    assert texts(f"file://{write(tmp_path / 'a.csv', 'a,x')}") == ["a"]


def test_an_excel_workbook_under_a_text_name_is_told(tmp_path: Path) -> None:
    import openpyxl

    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    (tmp_path / "a.xlsx").rename(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"is really a Excel workbook|is really an Excel workbook"):
        open_data(tmp_path / "a.csv")
