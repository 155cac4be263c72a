"""A file that cannot be read is refused with its place, the fact and a remedy; a table, a line a case."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from luthier.errors import DataError
from luthier.reading.read import ReadOptions, open_table


def text(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content, encoding="utf-8")


def raw(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


CASES = [
    ("empty.csv", raw(b""), "empty-file", "0 bytes", "export finished"),
    ("blank.csv", raw(b"\n\n  \n"), "empty-file", "is empty", "export finished"),
    ("header.csv", text("body,team\n"), "no-rows", "body,team", "export finished"),
    ("twice.csv", text("team,body,team\na,b,c\n"), "duplicate-header", "columns 1 and 3", "rename"),
    ("open.csv", text('text,label\n"never closed,a\nb,c\n'), "open-quote", "never closed", 'twice: ""'),
    ("broken.jsonl", text('{"text": "a"}\n{"text": \n'), "broken-json", "is not JSON", "one whole object"),
    ("python.jsonl", text("{'text': 'a'}\n"), "broken-json", "is not JSON", '"double" quotes'),
    ("comma.jsonl", text('{"text": "a",}\n'), "broken-json", "is not JSON", "comma"),
    (
        "deep.jsonl",
        text('{"text": ' + "[" * 100_000 + "]" * 100_000 + "}\n"),
        "too-deep",
        "nested too deep",
        "simplify",
    ),
    ("number.jsonl", text('{"text": "a", "n": ' + "9" * 10_000 + "}\n"), "too-deep", "too long", "simplify"),
    ("cut.json", text('[{"text": "a"}, {"text"'), "broken-json", "is not JSON", "cut"),
    ("report.csv", raw(b"%PDF-1.7 ..."), "wrong-kind", "PDF", "export"),
    ("photo.csv", raw(b"\x89PNG\r\n\x1a\n...."), "wrong-kind", "PNG", "export"),
    ("page.csv", text("<!DOCTYPE html><html></html>"), "wrong-kind", "HTML", "export"),
    ("old.xls", raw(b"\xd0\xcf\x11\xe0" + b"\0" * 600), "wrong-kind", "old Excel", "export"),
    ("pointer.csv", text("version https://git-lfs.github.com/spec/v1\n"), "wrong-kind", "LFS", "git lfs pull"),
    ("broken.zip", raw(b"PK\x03\x04" + b"\0" * 60), "packed-file", "zip", "fetch"),
    ("cut.parquet", raw(b"PAR1" + b"\0" * 40), "damaged-file", "damaged", "again"),
    ("fake.parquet", text("text,label\na,b\n"), "wrong-kind", "no .parquet", "export"),
    ("fake.xlsx", text("text,label\na,b\n"), "wrong-kind", "no .xlsx", "export"),
    ("cut.csv.gz", raw(gzip.compress(b"text,label\na,b\n" * 500)[:40]), "packed-file", "cut off", "fetch it again"),
    ("folder", lambda path: path.mkdir(), "not-a-file", "is a folder", "name"),
    ("link.csv", lambda path: path.symlink_to("nowhere.csv"), "no-such-file", "nowhere.csv", "mend the link"),
    ("pipe", lambda path: __import__("os").mkfifo(path), "not-a-file", "not a regular file", "copy"),
]


@pytest.mark.parametrize(("name", "make", "code", "says", "fix"), CASES, ids=[case[0] for case in CASES])
def test_it_is_refused_with_place_fact_and_remedy(
    name: str, make: Callable[[Path], object], code: str, says: str, fix: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(DataError) as caught:
        list(open_table(path).rows)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert problem.place.file == str(path)
    assert says in problem.what
    assert fix in problem.fix


def test_an_open_quote_is_named_where_it_opens(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('text,label\na,b\n"never,c\n' + "d,e\n" * 500, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        list(open_table(tmp_path / "a.csv").rows)
    assert caught.value.problems[0].place.line == 3


def test_a_missing_file_names_the_nearest_beside_it(tmp_path: Path) -> None:
    (tmp_path / "tickets.csv").write_text("text,label\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no such file\n.*did you mean 'tickets.csv'"):
        open_table(tmp_path / "ticket.csv")


def test_a_gzip_bomb_is_refused_with_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"a,b\n" * 400_000))
    with pytest.raises(DataError, match=r"unpacks to more than 1\.0 MiB .*\n.*max_bytes"):
        list(open_table(path, ReadOptions(max_bytes=2**20)).rows)


def test_an_unknown_encoding_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no encoding\n.*did you mean 'gb18030'"):
        open_table(tmp_path / "a.csv", ReadOptions(encoding="gb18031"))


def test_an_unknown_sheet_names_the_nearest(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "Tickets"
    book.active.append(["text", "label"])
    book.active.append(["a", "b"])
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(DataError, match=r"no sheet 'Ticket'\n.*did you mean 'Tickets'"):
        list(open_table(tmp_path / "a.xlsx", ReadOptions(sheet="Ticket")).rows)
