"""Bad data get the verdict that their row of the table demands: exit code, code, place, words, in both languages."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from bad_data.cases import CASES, Case
from workflow.helpers import Done, luthier

EXIT = {"R": 2, "F!": 1, "F": 1}
SEVERITY = {"F!": "error", "F": "warning"}


def run(command: str, case: Case, folder: Path, *words: str, language: str = "en") -> Done:
    case.make(folder)
    before = sorted(folder.rglob("*"))
    begin = time.monotonic()
    done = luthier(command, case.data, *case.keys, *words, cwd=folder, LUTHIER_LANG=language)
    assert time.monotonic() - begin < 5
    assert sorted(folder.rglob("*")) == before, "something was written"
    assert "Traceback" not in done.stderr + done.stdout
    return done


@pytest.mark.parametrize("case", CASES, ids=str)
def test_check_gives_the_verdict_with_its_code_place_and_words(case: Case, tmp_path: Path) -> None:
    done = run(case.command, case, tmp_path, "--json")
    if case.verdict == "K":
        assert done.returncode in (0, 1), done.stderr
        codes = {finding["code"] for finding in json.loads(done.stdout)["findings"]}
        assert not codes & {case.code, "mojibake", "replacement-character"}
        assert json.loads(done.stdout)["unusable"] == 0
        return
    assert done.returncode == EXIT[case.verdict], done.stdout + done.stderr
    problems = told(done, case)
    assert case.code in [problem["code"] for problem in problems], problems
    problem = next(problem for problem in problems if problem["code"] == case.code)
    assert case.says in problem["message"] + " " + problem["fix"]
    assert problem["fix"]
    if case.verdict != "R":
        assert problem["severity"] == SEVERITY[case.verdict]
    if case.line is not None:
        first = problem if case.verdict == "R" else problem["rows"][0]
        assert (Path(first["file"]).name, first["line"]) == (case.file, case.line)


def told(done: Done, case: Case) -> list[dict[str, Any]]:
    if case.verdict == "R":
        return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return json.loads(done.stdout)["findings"]


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case.verdict != "K"], ids=str)
def test_chinese_users_get_the_same_verdict_in_chinese(case: Case, tmp_path: Path) -> None:
    done = run(case.command, case, tmp_path, "--json", language="zh")
    assert done.returncode == EXIT[case.verdict], done.stdout + done.stderr
    problem = next(problem for problem in told(done, case) if problem["code"] == case.code)
    for text in (problem["message"], problem["fix"]):
        assert re.search(r"[\u4e00-\u9fff]", text), text
