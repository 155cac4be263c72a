"""Lines of plain text become documents."""

from pathlib import Path

import pytest

from luthier.config.schema import Settings
from luthier.data.passages import joined_lines
from luthier.errors import Place, Problem
from luthier.preparing.prepare import prepare
from luthier.reading.open import open_data
from luthier.types import Row

POEMS = "Song\nA line\n  another\n\n\nVerse\nthe end\n"


def rows(path: Path, documents: str) -> list[Row]:
    found = list(joined_lines(open_data(str(path)).rows, documents))
    assert all(isinstance(row, Row) for row in found)
    return [row for row in found if isinstance(row, Row)]


@pytest.fixture
def poems(tmp_path: Path) -> Path:
    path = tmp_path / "poems.txt"
    path.write_text(POEMS, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("documents", "texts"),
    [
        ("line", ["Song", "A line", "  another", "Verse", "the end"]),
        ("paragraph", ["Song\nA line\n  another", "Verse\nthe end"]),
        ("passage", ["Song\nA line\n  another\n\n\nVerse\nthe end"]),
    ],
)
def test_what_no_empty_line_parts_is_one_document_and_nothing_between_lines_is_lost(
    poems: Path, documents: str, texts: list[str]
) -> None:
    found = rows(poems, documents)
    assert [row.values["text"] for row in found] == texts
    assert [row.number for row in found] == list(range(len(texts)))
    lines = {"line": 7, "paragraph": 6, "passage": 1}
    assert found[-1].place.line == lines[documents]


def test_a_book_becomes_passages_that_end_with_paragraphs_and_hold_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    book = "\n\n".join(f"Paragraph {n}. " + "word " * 60 for n in range(100))
    path.write_text(book, encoding="utf-8")
    found = [row.values["text"] for row in rows(path, "passage")]
    assert len(found) == 7
    assert all(text.startswith("Paragraph") and len(text) < 6000 for text in found)
    assert "\n\n".join(found) == book


def test_text_without_empty_lines_is_cut_between_lines(tmp_path: Path) -> None:
    path = tmp_path / "novel.txt"
    path.write_text("\n".join(["第一回说的是" * 50] * 100), encoding="utf-8")
    assert {len(row.values["text"]) // 1000 for row in rows(path, "passage")[:-1]} == {10}


def test_files_do_not_run_into_each_other_and_a_bad_line_stays_in_its_place() -> None:
    def line(file: str, number: int, text: str) -> Row:
        return Row({"text": text}, Place(file, number), number)

    bad = Problem(Place("b", 2), "what", "fix", "code")
    found = list(joined_lines(iter([line("a", 1, "one"), line("b", 1, "two"), bad, line("b", 3, "three")]), "passage"))
    assert [row.values["text"] if isinstance(row, Row) else row for row in found] == ["one", "two", bad, "three"]


@pytest.mark.parametrize(("documents", "count"), [(None, 12), ("paragraph", 60), ("line", 120)])
def test_pretraining_reads_a_text_file_by_passages_unless_it_is_told_otherwise(
    tmp_path: Path, documents: str | None, count: int
) -> None:
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(f"Title {n}\n" + f"word{n} " * 150 for n in range(60)), encoding="utf-8")
    data = {"train": str(path), "documents": documents, "split": {"test": 0.2}}
    split = prepare(Settings.model_validate({"task": {"name": "pretrain"}, "data": data})).split
    assert len(split.train) + len(split.test) == count
