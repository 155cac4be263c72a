"""Bad data get the verdict that their row of the table demands: exit code, code, place, words, a remedy that works when
it is pasted, in both languages."""

from __future__ import annotations

import json
import re
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bad_data.cases import CASES, Case
from bad_data.more_cases import MORE
from bad_data.pasting import Paste, codes, pasted, runnable, told
from luthier.data.findings import ROW_FAULTS
from marks import every_third_fast, some_fast
from workflow.helpers import Done, luthier

EXIT = {"R": 2, "F!": 1, "F": 1}
SEVERITY = {"F!": "error", "F": "warning"}
BAD = [case for case in [*CASES, *MORE] if case.verdict != "K"]
PASTES = [(case, paste) for case in BAD for paste in case.pastes]
STOPPING = [case for case in BAD if case.verdict == "F!" and case.code in ROW_FAULTS]
FAST_FAULTS = [case for case in STOPPING if case.code in ("missing-label", "split-leak")]
"""One mechanism leaves out the rows of all faults: the fast suite tries it with two of them."""


@cache
def run(command: str, case: Case, language: str = "en") -> Done:
    """The command on the case's files, in a folder of its own; run once for all tests."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        case.make(folder)
        before = sorted(folder.rglob("*"))
        begin = time.monotonic()
        done = luthier(command, case.data, *case.keys, "--json", cwd=folder, LUTHIER_LANG=language)
        assert time.monotonic() - begin < 5
        assert sorted(folder.rglob("*")) == before, "something was written"
    assert "Traceback" not in done.stderr + done.stdout
    return done


def problem_of(case: Case, done: Done) -> dict[str, Any]:
    assert done.returncode == EXIT[case.verdict], done.stdout + done.stderr
    assert case.code in codes(done), told(done)
    return next(problem for problem in told(done) if problem["code"] == case.code)


@pytest.mark.parametrize("case", every_third_fast([*CASES, *MORE]), ids=str)
def test_check_gives_the_verdict_with_its_code_place_and_words(case: Case) -> None:
    done = run(case.command, case)
    if case.verdict == "K":
        assert done.returncode in (0, 1), done.stderr
        assert not codes(done) & {case.code, "mojibake", "replacement-character"}
        assert json.loads(done.stdout)["unusable"] == 0
        return
    problem = problem_of(case, done)
    assert case.says in problem["message"] + " " + problem["fix"]
    assert problem["fix"]
    if case.verdict != "R":
        assert problem["severity"] == SEVERITY[case.verdict]
    if case.line is not None:
        first = problem if case.verdict == "R" else problem["rows"][0]
        assert (Path(first["file"]).name, first["line"]) == (case.file, case.line)
    assert runnable(problem["fix"], case.code) == [paste.printed for paste in case.pastes]


@pytest.mark.slow
@pytest.mark.parametrize(("case", "paste"), PASTES, ids=lambda part: str(getattr(part, "printed", part)))
def test_the_remedy_works_when_it_is_pasted(case: Case, paste: Paste, tmp_path: Path) -> None:
    fix = problem_of(case, run(case.command, case))["fix"]
    assert paste.printed in runnable(fix, case.code)
    case.make(tmp_path)
    done = pasted(case.command, case.data, case.keys, paste.words, tmp_path)
    assert done.returncode in (0, 1, 2) and "Traceback" not in done.stderr
    assert codes(done).isdisjoint({"unknown-key", "bad-value", "conflict", "usage", "bad-override"}), done.stderr
    assert (case.code in codes(done)) == paste.stays, fix


@pytest.mark.parametrize("case", some_fast(STOPPING, FAST_FAULTS), ids=str)
def test_rows_that_stop_a_training_are_left_out_when_that_remedy_is_pasted(case: Case, tmp_path: Path) -> None:
    done = run("init", case)
    if codes(done) == {"unknown-choice"}:
        pytest.skip("this version does not train such data")
    assert done.returncode == 2 and case.code in codes(done)
    offered = [words for problem in told(done) for words in runnable(problem["fix"], problem["code"])]
    assert ("data.bad_rows=skip" in offered) == case.leaves_rows, told(done)
    case.make(tmp_path)
    again = luthier("init", case.data, *case.keys, "data.bad_rows=skip", "--quiet", cwd=tmp_path)
    assert (again.returncode == 0) == case.leaves_rows, again.stderr


def test_none_of_the_remedies_is_forgotten() -> None:
    assert len(PASTES) >= 52 and len({case.code for case, _ in PASTES}) >= 33
    assert len(STOPPING) >= 48


@pytest.mark.slow
@pytest.mark.parametrize("case", BAD, ids=str)
def test_chinese_users_get_the_same_verdict_in_chinese(case: Case) -> None:
    problem = problem_of(case, run(case.command, case, "zh"))
    for text in (problem["message"], problem["fix"]):
        assert re.search(r"[\u4e00-\u9fff]", text), text
    assert runnable(problem["fix"], case.code) == [paste.printed for paste in case.pastes]
