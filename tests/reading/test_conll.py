"""Tokens with tags are known by content or ending, and read a sentence a row with the line of every token."""

from pathlib import Path

import pytest

from luthier.errors import Problem
from luthier.reading.read import open_table
from luthier.types import Row


def read(path: Path, content: str) -> list[Row | Problem]:
    path.write_text(content, encoding="utf-8")
    return list(open_table(path).rows)


SENTENCES = "Ann B-PER\ncame O\n\nto O\nBonn B-LOC\n"
EXPECTED = [
    {"tokens": ["Ann", "came"], "tags": ["B-PER", "O"], "_lines": [1, 2]},
    {"tokens": ["to", "Bonn"], "tags": ["O", "B-LOC"], "_lines": [4, 5]},
]


@pytest.mark.parametrize("name", ["a.conll", "a.bio", "a.bmes", "a.iob", "a.txt", "a.tsv", "esp.train"])
@pytest.mark.parametrize("between", [" ", "\t"])
def test_it_is_known_by_ending_or_content(name: str, between: str, tmp_path: Path) -> None:
    rows = read(tmp_path / name, SENTENCES.replace(" ", between))
    assert [row.values for row in rows if isinstance(row, Row)] == EXPECTED
    assert [row.place.line for row in rows] == [1, 4]
    assert open_table(tmp_path / name).columns == ("tokens", "tags")


@pytest.mark.parametrize(
    "content",
    [
        "text\tlabel\nlate again\tO\nmoney back\tB-x\n",
        "good\tpos\nbad\tneg\nfine\tpos\n",
        "Ann came\tB-PER\nto the house\tO\nof Bob\tO\n",
    ],
)
def test_a_table_of_texts_and_labels_is_none(content: str, tmp_path: Path) -> None:
    read(tmp_path / "a.tsv", content)
    assert open_table(tmp_path / "a.tsv").columns != ("tokens", "tags")


def test_the_tag_is_the_last_column_documents_and_comments_are_left_out(tmp_path: Path) -> None:
    content = "-DOCSTART- -X- O\n\n# id 1\nAnn NNP B-PER\n# NN O\n\n# NN O\nx NN O\n"
    rows = read(tmp_path / "a.conll", content)
    assert [row.values["tokens"] for row in rows if isinstance(row, Row)] == [["Ann", "#"], ["#", "x"]]
    assert [row.values["tags"] for row in rows if isinstance(row, Row)] == [["B-PER", "O"], ["O", "O"]]


@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_a_line_of_white_space_ends_a_sentence(blank: str, tmp_path: Path) -> None:
    rows = read(tmp_path / "a.conll", f"Ann\tB-PER\n{blank}\n{blank}\ncame\tO\n")
    assert [row.number for row in rows if isinstance(row, Row)] == [0, 1]


@pytest.mark.parametrize(("line", "says"), [("Bob", "tag missing"), ("Bob\t", "tag missing"),
                                            ("Bob\tNNP\tB-PER", "3 columns")])  # fmt: skip
def test_a_line_of_other_columns_is_told_in_place_of_its_sentence(line: str, says: str, tmp_path: Path) -> None:
    _, problem, last = read(tmp_path / "a.conll", f"Ann\tB-PER\n\nso\tO\n{line}\n\ncame\tO\n")
    assert isinstance(problem, Problem) and (problem.code, problem.place.line) == ("conll-columns", 4)
    assert says in problem.what
    assert isinstance(last, Row) and last.number == 2


def test_tokens_with_spaces_are_kept_where_tabs_part_the_columns(tmp_path: Path) -> None:
    (row,) = read(tmp_path / "a.conll", "New York\tB-LOC\n,\tO\n")
    assert isinstance(row, Row) and row.values["tokens"] == ["New York", ","]


def test_a_sentence_without_end_is_told_with_its_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.reading.conll._LONGEST", 10)
    (problem,) = read(tmp_path / "a.conll", "a O\n" * 12)
    assert isinstance(problem, Problem) and (problem.code, problem.place.line) == ("endless-sentence", 1)
    assert "12 tokens" in problem.what


def test_bytes_that_cannot_be_decoded_spoil_only_their_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_bytes("café O\n\nthé O\n\n".encode() + b"caf\xe9 O\n\nx O\n")
    rows = list(open_table(tmp_path / "a.conll").rows)
    assert [(row.code, row.place.line) for row in rows if isinstance(row, Problem)] == [("mixed-encoding", 5)]
    assert len(rows) == 4
