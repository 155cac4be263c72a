"""General text is embedded, or the user's own in whatever file; only models that go on from any text read it."""

from pathlib import Path

import pytest

from luthier import catalog
from luthier.config.schema import DataSettings
from luthier.errors import LuthierError
from luthier.preparing.general import MOST_PASSAGES, general_text
from tiny import write_csv, write_jsonl

SFT = catalog.task("sft")()


def passages(path: Path, **data: str) -> list[str]:
    found = general_text(DataSettings(general=str(path), **data), SFT, "en")
    assert found is not None and found.name == str(path)
    return list(found.passages)


@pytest.mark.parametrize(("language", "name"), [("en", "en"), ("zh", "zh"), ("de", "en")])
def test_without_a_file_the_embedded_text_of_the_language_is_read(language: str, name: str) -> None:
    found = general_text(DataSettings(), SFT, language)
    assert found is not None and found.name == f"general_{name}.txt" and len(found.passages) == 40
    assert general_text(DataSettings(general="none"), SFT, language) is None


def test_a_passage_is_a_line_or_a_paragraph_or_a_row(tmp_path: Path) -> None:
    lines, book = tmp_path / "lines.txt", tmp_path / "book.txt"
    lines.write_text("one\ntwo\n", encoding="utf-8")
    book.write_text("It was a dark\nand stormy night.\n\nNothing happened.\n", encoding="utf-8")
    assert passages(lines) == ["one", "two"]
    assert [text.split() for text in passages(book)] == [
        ["It", "was", "a", "dark", "and", "stormy", "night."], ["Nothing", "happened."],
    ]  # fmt: skip
    assert passages(book, documents="line") == ["It was a dark", "and stormy night.", "Nothing happened."]
    assert passages(write_jsonl(tmp_path / "a.jsonl", [{"id": 1, "text": "three"}])) == ["three"]
    assert passages(write_csv(tmp_path / "b.csv", ["anything"], [["four"], ["five"]])) == ["four", "five"]


def test_of_very_many_passages_some_are_read_spread_over_all(tmp_path: Path) -> None:
    many = write_csv(tmp_path / "many.csv", ["text"], [[f"row {i}"] for i in range(1000)])
    found = passages(many)
    assert len(found) == MOST_PASSAGES and found[:2] == ["row 0", "row 5"] and found[-1] == "row 995"


def test_what_cannot_be_read_as_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LuthierError, match="has no column of texts, only question, answer"):
        passages(write_csv(tmp_path / "c.csv", ["question", "answer"], [["a", "b"]]))
    with pytest.raises(LuthierError, match="holds no text"):
        passages(write_jsonl(tmp_path / "d.jsonl", [{"text": " "}]))


def test_a_model_that_does_not_go_on_from_texts_has_none(tmp_path: Path) -> None:
    other = catalog.task("seq2seq")()
    assert general_text(DataSettings(), other, "en") is None
    with pytest.raises(LuthierError, match="trains another kind"):
        general_text(DataSettings(general="x.txt"), other, "en")
