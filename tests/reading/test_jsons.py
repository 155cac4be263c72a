"""JSON is read by what it holds, one object in memory at a time, each with its line; SQuAD's files by question."""

import json
from pathlib import Path
from typing import Any

import pytest

from luthier.errors import DataError, Problem
from luthier.reading.raw.lines import _BLOCK
from luthier.reading.read import Table, open_table
from luthier.types import Row


def opened(path: Path, content: str | bytes) -> Table:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return open_table(path)


def refused(path: Path, content: str) -> Problem:
    with pytest.raises(DataError) as caught:
        list(opened(path, content).rows)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("list.jsonl", '[{"text": "a"}, {"text": "b"}]', "one JSON list"),
        ("table.jsonl", "text,label\na,x\nb,y\n", "a table, not JSON"),
        ("table.json", "text\tlabel\na\tx\nb\ty\n", "a table, not JSON"),
        ("lines.csv", '{"text": "a"}\n{"text": "b"}\n', "JSON Lines"),
        ("lines.txt", '{"text": "a"}\n{"text": "b"}\n', "JSON Lines"),
    ],
)
def test_what_the_ending_does_not_say_is_said(name: str, content: str, note: str, tmp_path: Path) -> None:
    table = opened(tmp_path / name, content)
    assert [row.values["text"] for row in table.rows if isinstance(row, Row)] == ["a", "b"]
    assert note in " ".join(table.notes)


@pytest.mark.parametrize(
    ("content", "line", "column", "fix"),
    [
        ('{"text": "a"}\n{"text": \n', 2, 11, "cut"),
        ("{'text': 'a'}\n", 1, 2, '"double" quotes'),
        ('{"text": "a"}\n{"text": "a",}\n', 2, 14, "comma"),
        ('{"text": "a"}\n// {"text": "b"}\n', 2, 1, "comment"),
        ('[{"text": "a"},\n {"text": "b",}]', 2, 14, "comma"),
        ('[{"text": "a"},\n]', 2, 1, "comma"),
        ('[{"text": "a"}\n {"text": "b"}]', 2, 2, "whole object"),
    ],
)
def test_broken_json_is_refused_with_line_column_and_the_likely_cause(
    content: str, line: int, column: int, fix: str, tmp_path: Path
) -> None:
    name = "a.json" if content.startswith("[") else "a.jsonl"
    problem = refused(tmp_path / name, content)
    assert (problem.code, problem.place.line) == ("broken-json", line)
    assert isinstance(problem.place.column, int) and abs(problem.place.column - column) <= 1
    assert fix in problem.fix


def test_a_fault_far_behind_is_placed_rightly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.reading.raw.lines._BLOCK", 4096)
    rows = [f'{{"text": "row {i}"}}' for i in range(3000)]
    problem = refused(tmp_path / "a.json", "[\n" + ",\n".join(rows) + ',\n{"text": nothing}\n]')
    assert (problem.place.line, problem.place.column) == (len(rows) + 2, 10)
    one_line = "[" + ", ".join(rows) + ', {"text": nothing}]'
    problem = refused(tmp_path / "b.json", one_line)
    assert (problem.place.line, problem.place.column) == (1, one_line.index("nothing") + 1)


def test_objects_larger_than_a_block_are_read_whole(tmp_path: Path) -> None:
    texts = ["a" * 3 * _BLOCK, 'é"\\' * _BLOCK, "short"]
    table = opened(tmp_path / "a.json", json.dumps([{"text": text} for text in texts], ensure_ascii=False))
    assert [row.values["text"] for row in table.rows if isinstance(row, Row)] == texts


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_a_key_that_stands_twice_is_told_and_the_rest_read(ending: str, tmp_path: Path) -> None:
    parts = ['{"text": "a"}', '{"text": "b", "text": "c"}', '{"text": "d"}']
    content = "\n".join(parts) if ending == "jsonl" else "[" + ",\n".join(parts) + "]"
    _, problem, last = opened(tmp_path / f"a.{ending}", content).rows
    assert isinstance(problem, Problem) and (problem.code, problem.place.line) == ("duplicate-key", 2)
    assert isinstance(last, Row) and (last.values, last.number) == ({"text": "d"}, 2)


@pytest.mark.parametrize(("written", "code"), [("\\u0000", "nul-byte"), ("\\u001b", "control-character"),
                                               ("\\b", "control-character")])  # fmt: skip
@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_control_characters_written_as_escapes_are_told(written: str, code: str, ending: str, tmp_path: Path) -> None:
    parts = ['{"text": "caf\\u00e9 \\\\u0000 \\\\begin"}', f'{{"text": "a {written} b"}}']
    content = "\n".join(parts) if ending == "jsonl" else "[" + ",\n".join(parts) + "]"
    row, problem = opened(tmp_path / f"a.{ending}", content).rows
    assert isinstance(row, Row) and row.values["text"] == "café \\u0000 \\begin"
    assert isinstance(problem, Problem) and (problem.code, problem.place.line, problem.place.column) == (code, 2, 13)


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_bytes_of_another_encoding_spoil_only_their_row(ending: str, tmp_path: Path) -> None:
    parts = ['{"text": "café"}'.encode(), b'{"text": "caf\xe9"}', '{"text": "thé"}'.encode()]
    content = b"\n".join(parts) if ending == "jsonl" else b"[" + b",\n".join(parts) + b"]"
    _, problem, last = opened(tmp_path / f"a.{ending}", content).rows
    assert isinstance(problem, Problem) and (problem.code, problem.place.line) == ("mixed-encoding", 2)
    assert "e9" in problem.what
    assert isinstance(last, Row) and last.values["text"] == "thé"


def test_two_lists_in_one_file_are_refused_rather_than_one_of_them_lost(tmp_path: Path) -> None:
    problem = refused(tmp_path / "a.json", '{"train": [{"text": "a"}],\n "test": [{"text": "b"}]}')
    assert (problem.code, problem.place.line) == ("two-lists", 2)
    assert "'train'" in problem.what and "'test'" in problem.what


def test_text_behind_the_list_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.json", '[{"text": "a"}]\n[{"text": "b"}]').code == "broken-json"


def test_an_object_without_a_list_names_its_keys(tmp_path: Path) -> None:
    problem = refused(tmp_path / "a.json", '{\n"version": 1,\n"rows": {"text": "a"}\n}')
    assert problem.code == "not-a-list" and "'version', 'rows'" in problem.what


QUESTION = {"id": "q1", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 0}]}


def squad(*questions: dict[str, Any]) -> dict[str, Any]:
    return {"version": "1", "data": [{"title": "T", "paragraphs": [{"context": "Ann came.", "qas": list(questions)}]}]}


def test_squad_is_a_row_a_question_with_the_path_and_the_line(tmp_path: Path) -> None:
    second = {"id": "q2", "question": "When?", "answers": [], "is_impossible": True}
    table = opened(tmp_path / "a.json", json.dumps(squad(QUESTION, second), indent=1))
    first, other = (row for row in table.rows if isinstance(row, Row))
    assert first.values == {"id": "q1", "title": "T", "context": "Ann came.", "question": "Who?",
                            "answers": {"text": ["Ann"], "answer_start": [0]}, "is_impossible": False}  # fmt: skip
    assert other.values["is_impossible"] is True and other.values["answers"] == {"text": [], "answer_start": []}
    assert (first.place.column, other.place.column) == (
        "data[0].paragraphs[0].qas[0]",
        "data[0].paragraphs[0].qas[1]",
    )
    lines = (tmp_path / "a.json").read_text().splitlines()
    assert [lines[(row.place.line or 1) - 1].strip(" ,") for row in (first, other)] == ['"id": "q1"', '"id": "q2"']
    assert [first.number, other.number] == [0, 1]


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in QUESTION.items() if name != key}


@pytest.mark.parametrize(
    ("content", "path", "says"),
    [
        (squad(without("question")), "data[0].paragraphs[0].qas[0]", "no key 'question'"),
        (squad({**without("answers"), "answer": []}), "data[0].paragraphs[0].qas[0]", "did you mean 'answer'"),
        (squad({**QUESTION, "answers": [{"text": "Ann"}]}), "data[0].paragraphs[0].qas[0].answers[0]", "answer_start"),
        ({"data": [{"paragraphs": [{"contxt": "a", "qas": []}]}]}, "data[0].paragraphs[0]", "did you mean 'contxt'"),
        ({"data": [{"paragraphs": [{"context": "a"}]}]}, "data[0].paragraphs[0]", "no key 'qas'"),
        ({"data": [{"paragraphs": "none"}]}, "data[0].paragraphs", "is 'none'"),
    ],
)
def test_a_missing_squad_key_is_told_with_its_path(content: Any, path: str, says: str, tmp_path: Path) -> None:
    good = {"paragraphs": [{"context": "c", "qas": [QUESTION]}]}
    content["data"].append(good)
    problem, row = opened(tmp_path / "a.json", json.dumps(content)).rows
    assert isinstance(problem, Problem) and (problem.code, problem.place.column) == ("squad-key", path)
    assert says in f"{problem.what} {problem.fix}"
    assert isinstance(row, Row) and row.number == 1
