"""Files of every kind become rows with their lines; values stay as they were written."""

import gzip
import json
from pathlib import Path

import pytest

from luthier.errors import Problem
from luthier.reading.read import ReadOptions, open_table
from luthier.types import Row

TABLE = [("text", "label"), ("late again", "007"), ("two\nlines, one cell", "NA"), ("plain", "1.0"), ("last", "None")]


def rows(path: Path, **options: object) -> list[Row]:
    found = list(open_table(path, ReadOptions(**options)).rows)
    assert all(isinstance(row, Row) for row in found), found
    return [row for row in found if isinstance(row, Row)]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def csv_text(delimiter: str = ",", end: str = "\n") -> str:
    def cell(value: str) -> str:
        return f'"{value}"' if any(c in value for c in f"{delimiter}\n,") else value

    return "".join(delimiter.join(map(cell, row)) + end for row in TABLE)


def expected() -> list[dict[str, str]]:
    return [dict(zip(TABLE[0], row, strict=True)) for row in TABLE[1:]]


def write_parquet(path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(expected()), path)


def write_excel(path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    for row in TABLE:
        book.active.append(row)
    book.save(path)


MAKERS = {
    "csv": lambda p: write(p, csv_text()),
    "tsv": lambda p: write(p, csv_text("\t")),
    "jsonl": lambda p: write(p, "".join(json.dumps(row) + "\n" for row in expected())),
    "json": lambda p: write(p, json.dumps(expected(), indent=1)),
    "parquet": write_parquet,
    "xlsx": write_excel,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_gives_the_same_values_to_the_byte(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"tickets.{kind}"
    MAKERS[kind](path)
    assert [dict(row.values) for row in rows(path)] == expected()


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json"])
def test_gzip_of_it_is_read_too(kind: str, tmp_path: Path) -> None:
    MAKERS[kind](tmp_path / f"tickets.{kind}")
    packed = tmp_path / f"tickets.{kind}.gz"
    packed.write_bytes(gzip.compress((tmp_path / f"tickets.{kind}").read_bytes()))
    assert [dict(row.values) for row in rows(packed)] == expected()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers_are_an_editors_whatever_ends_a_line(end: str, tmp_path: Path) -> None:
    found = rows(write(tmp_path / "a.csv", csv_text(end=end)))
    assert [row.place.line for row in found] == [2, 3, 5, 6]  # the second row has a line break in a cell
    assert [row.number for row in found] == [0, 1, 2, 3]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_found_and_said(delimiter: str, tmp_path: Path) -> None:
    table = open_table(write(tmp_path / "a.csv", csv_text(delimiter)))
    assert table.columns == ("text", "label")
    assert table.notes[0].startswith("delimiter")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding_and_reaches_nobody(encoding: str, tmp_path: Path) -> None:
    found = rows(write(tmp_path / "a.csv", "text,label\n快递没到,晚\n", encoding))
    assert [dict(row.values) for row in found] == [{"text": "快递没到", "label": "晚"}]


def test_a_named_encoding_is_used(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\n快递没到,晚\n", "gb18030")
    assert rows(path, encoding="gb18030")[0].values["text"] == "快递没到"


def test_content_decides_and_the_ending_does_not(tmp_path: Path) -> None:
    assert len(rows(write(tmp_path / "list.jsonl", '[{"text": "a", "label": "b"}]'))) == 1
    assert len(rows(write(tmp_path / "lines.csv", '{"text": "a", "label": "b"}\n{"text": "c", "label": "d"}\n'))) == 2
    assert len(rows(write(tmp_path / "lines.json", '{"text": "a"}\n{"text": "c"}\n'))) == 2
    assert len(rows(write(tmp_path / "squad.json", '{"version": 1, "data": [{"text": "a"}, {"text": "b"}]}'))) == 2
    assert len(rows(write(tmp_path / "noending", "text\tlabel\na\tb\n"))) == 1


def test_quotes_in_a_tab_separated_file_may_be_just_quotes(tmp_path: Path) -> None:
    path = write(tmp_path / "sms.tsv", 'label\ttext\nham\t"oh well\nspam\tWIN "now"\n')
    assert [row.values["text"] for row in rows(path)] == ['"oh well', 'WIN "now"']


def test_a_quotation_late_in_a_tab_separated_file_is_found(tmp_path: Path) -> None:
    lines = [f"text {i}\tham\n" for i in range(500)]
    path = write(tmp_path / "a.tsv", "text\tlabel\n" + "".join(lines) + '"So it goes" he said\tham\n')
    assert rows(path)[-1].values["text"] == '"So it goes" he said'


def test_quotes_are_judged_by_the_delimiter_that_was_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text\tlabel\n"oh well, he said\tham\na, b\tham\n')
    assert [row.values["text"] for row in rows(path, delimiter="\t")] == ['"oh well, he said', "a, b"]


def test_a_file_without_header_has_numbered_columns(tmp_path: Path) -> None:
    found = rows(write(tmp_path / "a.csv", "late again,delivery\nmoney back,refund\n"), header=False)
    assert next(dict(row.values) for row in found) == {"1": "late again", "2": "delivery"}
    assert found[0].place.line == 1


@pytest.mark.slow
def test_a_cell_of_ten_million_characters_is_read(tmp_path: Path) -> None:
    found = rows(write(tmp_path / "a.csv", f"text,label\n{'x' * 10_000_000},a\nshort,b\n"))
    assert len(found[0].values["text"]) == 10_000_000


def test_columns_of_json_lines_are_those_of_the_first_rows_together(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "a", "label": "x"}\n{"text": "b", "label": "y", "text_pair": "c"}\n')
    assert open_table(path).columns == ("text", "label", "text_pair")


def test_lines_of_a_json_list_are_those_of_its_objects(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", '[\n {"text": "a"},\n\n {"text":\n "b"}\n]')
    assert [row.place.line for row in rows(path)] == [2, 4]


def test_numbers_in_excel_are_as_a_person_reads_them(tmp_path: Path) -> None:
    import datetime

    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    for row in [("text", "label"), ("a", 7), ("b", 1.5), ("c", True), ("d", datetime.datetime(2026, 3, 1))]:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert [row.values["label"] for row in rows(tmp_path / "a.xlsx")] == ["7", "1.5", "TRUE", "2026-03-01"]


ROW_FAULTS = [
    ("ragged-row", "text,label\na,b\none,two,three\n", 3, "3 fields, the header has 2"),
    ("ragged-row", "text,label\nalone\na,b\n", 2, "1 fields, the header has 2"),
    ("broken-quote", 'text,label\n"a"b,c\nd,e\n', 2, "behind a closing quote"),
    ("nul-byte", "text,label\na\x00b,c\nd,e\n", 2, "NUL byte"),
    ("repeated-header", "text,label\na,b\ntext,label\nc,d\n", 3, "header stands here again"),
]


@pytest.mark.parametrize(("code", "content", "line", "says"), ROW_FAULTS)
def test_a_bad_record_is_a_problem_in_its_place_and_the_others_are_read(
    code: str, content: str, line: int, says: str, tmp_path: Path
) -> None:
    found = list(open_table(write(tmp_path / "a.csv", content)).rows)
    (problem,) = [row for row in found if isinstance(row, Problem)]
    assert (problem.code, problem.place.line) == (code, line)
    assert says in problem.what
    assert any(isinstance(row, Row) for row in found)


JSON_FAULTS = [
    ("not-an-object", '{"text": "a"}\n[1, 2]\n', 2),
    ("duplicate-key", '{"text": "a"}\n{"text": "b", "text": "c"}\n', 2),
]


@pytest.mark.parametrize(("code", "content", "line"), JSON_FAULTS)
def test_a_bad_json_row_is_a_problem_in_its_place(code: str, content: str, line: int, tmp_path: Path) -> None:
    (problem,) = [r for r in open_table(write(tmp_path / "a.jsonl", content)).rows if isinstance(r, Problem)]
    assert (problem.code, problem.place.line) == (code, line)
