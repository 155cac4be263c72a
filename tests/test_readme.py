"""The READMEs are true: both show the same commands, and the commands do what is said."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tiny import ticket_rows, write_csv
from workflow.helpers import ENVIRONMENT

ROOT = Path(__file__).parents[1]
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")


def blocks(readme: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", readme.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("kind", ["sh", "python", "yaml"])
def test_both_readmes_show_the_same_commands_and_code(kind: str) -> None:
    def bare(block: str) -> str:
        return re.sub(r"\s+#.*", "", block)

    english, chinese = ([bare(block) for block in blocks(readme, kind)] for readme in READMES)
    assert english == chinese and english


def test_both_have_the_same_sections_and_numbers() -> None:
    english, chinese = (readme.read_text(encoding="utf-8") for readme in READMES)
    assert len(re.findall(r"^## ", english, re.M)) == len(re.findall(r"^## ", chinese, re.M))
    tables = [re.findall(r"^\|.*\|$", text, re.M) for text in (english, chinese)]
    numbers = [[re.findall(r"\d+(?:[.,]\d+)*", row) for row in table] for table in tables]
    assert numbers[0] == numbers[1]


def test_every_file_that_they_point_to_is_there() -> None:
    for readme in READMES:
        for target in re.findall(r"\]\(([^)#]+)\)", readme.read_text(encoding="utf-8")):
            assert target.startswith("http") or (ROOT / target).exists(), target


@pytest.mark.slow
def test_the_commands_work_one_after_the_other(tmp_path: Path) -> None:
    """In one folder, with the embedded model, as a reader would type them; but for the demo each trains for one epoch
    only, which shows that it works and takes minutes less."""
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    write_csv(tmp_path / "data.csv", ["text", "label"], ticket_rows(40))
    commands = [
        line for block in blocks(READMES[0], "sh") for line in block.splitlines() if line.startswith("luthier ")
    ]
    assert len(commands) > 8
    binary = Path(sys.executable).with_name("luthier")
    for line in commands:
        words = re.sub(r"\s+#.*", "", line)
        if words.startswith("luthier serve"):
            continue  # does not end; tests/cli has it
        if words.startswith("luthier train") and "train.epochs" not in words:
            words += " train.epochs=1"
        done = subprocess.run(
            words.replace("luthier", str(binary), 1), shell=True, cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, **ENVIRONMENT},
        )  # fmt: skip
        if "google-bert/" in words:
            assert done.returncode == 2 and "--model ./folder" in done.stderr, (words, done.stderr)
        elif words.startswith("luthier check") and "--fix" not in words:
            assert done.returncode == 1 and "exact-duplicate" in done.stdout, (words, done.stderr)  # four rows repeat
        else:
            assert done.returncode == 0, (words, done.stderr)


@pytest.mark.slow
def test_the_python_code_works(tmp_path: Path) -> None:
    (code,) = blocks(READMES[0], "python")
    prepared = (
        "from luthier.demo import write_demo_data; from pathlib import Path; write_demo_data(Path('demo-data'))\n"
    )
    small = code.replace('label="intent"', 'label="intent", train={"epochs": 1}')
    done = subprocess.run(
        [sys.executable, "-c", prepared + small], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, **ENVIRONMENT},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "macro_f1" in done.stdout and "'label'" in done.stdout
