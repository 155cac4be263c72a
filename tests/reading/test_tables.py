"""Tables in text: what parts and quotes their cells is found out; a faulty row is told where it lies."""

from pathlib import Path

import pytest

from luthier.errors import ConfigError, DataError, Problem
from luthier.reading.read import ReadOptions, open_table
from luthier.types import Row


def read(path: Path, content: str, **options: object) -> list[Row | Problem]:
    path.write_bytes(content.encode("utf-8"))
    return list(open_table(path, ReadOptions(**options)).rows)


def told(rows: list[Row | Problem]) -> list[tuple[str, int | None]]:
    return [(row.code, row.place.line) for row in rows if isinstance(row, Problem)]


def values(rows: list[Row | Problem]) -> list[tuple[str, ...]]:
    return [tuple(row.values.values()) for row in rows if isinstance(row, Row)]


@pytest.mark.parametrize(
    ("character", "code"),
    [("\0", "nul-byte"), ("\x0b", "control-character"), ("\x1b", "control-character"), ("\x7f", "control-character")],
)
def test_a_control_character_is_told_with_line_and_column(character: str, code: str, tmp_path: Path) -> None:
    rows = read(tmp_path / "a.csv", f"text,label\nfine,a\nthe par{character}cel,b\nfine,c\n")
    (problem,) = [row for row in rows if isinstance(row, Problem)]
    assert (problem.code, problem.place.line, problem.place.column) == (code, 3, 8)
    assert f"\\x{ord(character):02x}" in problem.what
    assert values(rows) == [("fine", "a"), ("fine", "c")]


def test_tabs_line_breaks_and_the_mark_that_ends_a_dos_file_are_no_control_characters(
    tmp_path: Path,
) -> None:
    rows = read(tmp_path / "a.csv", 'text,label\r\n"a\tb\r\nc",x\r\nd,y\r\n\x1a')
    assert values(rows) == [("a\tb\r\nc", "x"), ("d", "y")]


def test_characters_that_end_lines_nowhere_else_end_none_here(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.csv", "text,label\na\u2028b\x85c,x\nd,y\n")
    assert [row.place.line for row in rows] == [2, 3]


def test_a_quote_in_a_quoted_cell_is_told_with_how_it_was_read(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.csv", 'text,label\n"he said "hi" to me",a\nfine,b\n')
    (problem,) = [row for row in rows if isinstance(row, Problem)]
    assert (problem.code, problem.place.line) == ("broken-quote", 2)
    assert "it reads as 'he said hi\" to me\"' | 'a'" in problem.what


def test_a_quote_inside_a_plain_cell_is_a_character(tmp_path: Path) -> None:
    assert values(read(tmp_path / "a.csv", 'text,label\nhe said "hi",a\n')) == [('he said "hi"', "a")]


def test_a_table_quoted_with_single_quotes_is_read_so_and_it_is_said(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.csv", "text,label\n'late, again','x'\n'it''s broken','y'\n")
    assert values(rows) == [("late, again", "x"), ("it's broken", "y")]
    assert "cells are quoted with '" in open_table(tmp_path / "a.csv").notes


def test_single_quotes_among_double_ones_are_told(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.csv", "text,label\n\"late, again\",x\n'broken',y\n\"'quoted' twice\",z\n")
    assert told(rows) == [("mixed-quotes", 3)]
    assert len(values(rows)) == 2


def test_single_quotes_round_a_comma_are_told_as_the_cause_of_a_ragged_row(tmp_path: Path) -> None:
    (_, problem) = read(tmp_path / "a.csv", "text,label\n\"a, b\",x\n'c, d',y\n")
    assert isinstance(problem, Problem) and problem.code == "ragged-row"
    assert "single quotes do not quote" in problem.fix


def test_a_quote_left_open_that_swallows_many_rows_is_refused_where_it_opens(tmp_path: Path) -> None:
    content = 'text,label\na,b\n"never closed,c\n' + "d,e\n" * 50 + '"fine, here",f\n'
    with pytest.raises(DataError) as caught:
        read(tmp_path / "a.csv", content)
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.line) == ("open-quote", 3)
    assert "line 54" in problem.what


def test_an_open_quote_costs_neither_time_nor_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.reading.tables._LARGEST_CELL", 100_000)
    with pytest.raises(DataError, match=r":2: a quote opens in this record and is never closed \(read on to line "):
        read(tmp_path / "a.csv", 'text,label\n"open,a\n' + "d,e\n" * 100_000)


def test_a_cell_beyond_all_bounds_is_refused_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.reading.tables._LARGEST_CELL", 1000)
    with pytest.raises(DataError, match=r":2: a cell of more than 1,000 characters"):
        read(tmp_path / "a.csv", f"text,label\n{'x' * 2000},a\n")


def test_quotes_in_a_tab_separated_file_are_plain_where_more_rows_fit_so(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.tsv", 'text\tlabel\n"oh well\tham\none\ttwo\tthree\n"so" it goes\tspam\n')
    assert values(rows) == [('"oh well', "ham"), ('"so" it goes', "spam")]
    assert told(rows) == [("ragged-row", 3)]


def test_cells_with_tabs_and_line_breaks_in_quotes_are_read_as_such(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.tsv", 'text\tlabel\n"a\tb\nc"\tx\n"d"\ty\n')
    assert values(rows) == [("a\tb\nc", "x"), ("d", "y")]


@pytest.mark.parametrize(("asked", "meant"), [("\\t", "\t"), ("tab", "\t"), (";", ";")])
def test_a_delimiter_may_be_named_as_people_type_it(asked: str, meant: str, tmp_path: Path) -> None:
    assert values(read(tmp_path / "a.txt", f"text{meant}label\na{meant}b\n", delimiter=asked)) == [("a", "b")]


@pytest.mark.parametrize("asked", ["::", "", '"'])
def test_what_is_no_delimiter_is_refused(asked: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.delimiter is "):
        read(tmp_path / "a.csv", "text,label\na,b\n", delimiter=asked)


def test_two_equal_names_may_be_data_without_a_header(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"columns 1 and 2\n.*data\.header=false"):
        read(tmp_path / "a.tsv", "same\tsame\nother\tthing\n")
    assert len(read(tmp_path / "a.tsv", "same\tsame\nother\tthing\n", header=False)) == 2


def test_bad_bytes_and_controls_spoil_only_their_rows_in_a_record_of_several_lines(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.csv", 'text,label\n"one\ntwo\x07\nthree",a\nfine,b\n')
    assert told(rows) == [("control-character", 3)]
    assert values(rows) == [("fine", "b")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "It was late.\nSo, we went home, at last.\n\nThe end\n"),
        ("a.md", "text,label\na,b\n"),
        ("corpus", "First, a line\nthen another; and one more\n"),
        ("a.txt", "{curly} braces are text\nand so is this\n"),
    ],
)
def test_plain_text_is_a_row_a_line(name: str, content: str, tmp_path: Path) -> None:
    rows = read(tmp_path / name, content)
    lines = [(i, line) for i, line in enumerate(content.splitlines(), 1) if line]
    assert [(row.place.line, row.values["text"]) for row in rows if isinstance(row, Row)] == lines


@pytest.mark.parametrize("name", ["a.txt", "table"])
def test_a_table_under_another_name_is_still_one(name: str, tmp_path: Path) -> None:
    assert values(read(tmp_path / name, "text,label\nHello, you\n")) == [("Hello", " you")]
    assert values(read(tmp_path / name, "good\t1\nbad\t0\n", header=False)) == [("good", "1"), ("bad", "0")]
    assert values(read(tmp_path / name, "text\njust one column\n")) == [("just one column",)]
