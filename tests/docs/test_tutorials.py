"""The tutorials do what they tell, line after line in one folder; only models, rows and epochs are made small."""

import contextlib
import csv
import io
import shlex
from pathlib import Path

import pytest

from docs.pages import DOCS, Block, blocks
from docs.test_commands import lines
from tiny import TinyModels
from workflow.helpers import luthier

ROWS = 100
"""Of the embedded tickets that are kept."""
SMALL = ["train.epochs=1", "train.max_length=32", "train.precision=fp32", "balance=none"]


@pytest.mark.slow
def test_a_spreadsheet_becomes_a_model_and_answers(models: TinyModels, tmp_path: Path) -> None:
    follow(DOCS / "tutorials" / "spreadsheet.md", tmp_path, models.encoder)
    with (tmp_path / "answers.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == ROWS
    assert "[email]" in (tmp_path / "clean.csv").read_text(encoding="utf-8")
    assert all((tmp_path / page).exists() for page in ("check.html", "curve.html", "compare.html", "next.csv"))


@pytest.mark.slow
def test_a_set_of_dialogues_becomes_an_assistant(models: TinyModels, tmp_path: Path) -> None:
    follow(DOCS / "tutorials" / "instructions.md", tmp_path, None)
    assert (tmp_path / "runs" / "talk" / "model" / "model.safetensors").exists()


@pytest.mark.slow
def test_what_a_team_tested_is_what_it_hands_over(models: TinyModels, tmp_path: Path) -> None:
    follow(DOCS / "tutorials" / "team.md", tmp_path, models.encoder)
    assert (tmp_path / "intent-onnx" / "model.onnx").exists()
    (code,) = blocks(DOCS / "tutorials" / "team.md", "python")
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(code.text, str(code), "exec"), {})
    assert len(said.getvalue().splitlines()) == 2


def follow(page: Path, folder: Path, model: Path | None) -> None:
    """model: in the place of the embedded one."""
    shown = [block for block in blocks(page, "sh") if not block.reason]
    assert len(shown) > 4
    for block in shown:
        for line in lines(block):
            follow_line(block, line, folder, model)


def follow_line(block: Block, line: str, folder: Path, model: Path | None) -> None:
    words = shlex.split(line, comments=True)
    if words[0] == "pip":
        return
    assert words[0] == "luthier", line
    command, *rest = ["train.seeds=1" if word == "train.seeds=3" else word for word in words[1:]]
    settled = [f"model={model}"] if model and command in ("train", "curve", "check") else []
    done = luthier(command, *rest, *settled, *(SMALL if command == "train" else ()), cwd=folder)
    expected = 1 if command == "check" and "--fix" not in rest and "tickets" in line else 0
    assert done.returncode == expected, (str(block), line, done.stderr)
    if "--data-only" in rest:
        shorten(folder / "demo-data" / "tickets_en.csv")


def shorten(file: Path) -> None:
    """Its first rows stay."""
    with file.open(encoding="utf-8", newline="") as opened:
        header, *rows = csv.reader(opened)
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([header, *rows[:ROWS]])
