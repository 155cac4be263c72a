"""`luthier search` on a tiny model, interrupted and resumed: nothing is lost, nothing sees the test rows, one test."""

import json
import os
import pickle
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from luthier.config.settings import load_settings, read_settings
from tiny import ticket_rows, write_csv, write_tiny_models
from workflow.helpers import ENVIRONMENT, luthier, report
from workflow.helpers import command as line

pytestmark = pytest.mark.slow

MOST = 5
"""Trials. The default begins with a head that knows nothing, so that another one wins."""
WORDS = [
    "train.precision=fp32", "tuning.method=last_layers", "train.epochs=2", "train.learning_rate=1e-4",
    "train.head_init=random", "balance=none", "search.seeds=1", f"search.trials={MOST}",
    "search.space.tuning.n=[1, 3, 9]", "search.space.train.head_init=[probe, align]",
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    write_tiny_models(folder / "models")
    write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(90))
    return folder


def words(place: Path, *more: str) -> list[str]:
    model = place / "models" / "encoder"
    return ["search", str(place / "tickets.csv"), *WORDS, f"model={model}", "--out", str(place / "found"), *more]


@pytest.fixture(scope="module")
def interrupted(place: Path) -> tuple[int, str, list[str]]:
    """Ctrl-C in the middle of the second trial: exit code, what was said, the trials that had ended."""
    going = subprocess.Popen(
        line(*words(place, "--quiet")), env={**os.environ, **ENVIRONMENT}, stderr=subprocess.PIPE, text=True
    )
    log = place / "found" / "trials.log"
    while not log.is_file() or log.read_text().count('"outcome"') < 1:
        assert going.poll() is None, going.communicate()
        time.sleep(0.02)
    going.send_signal(signal.SIGINT)
    _, errors = going.communicate(timeout=300)
    return going.returncode, errors, ended(log)


@pytest.fixture(scope="module")
def finished(place: Path, interrupted: Any) -> tuple[Path, str, dict[str, Any]]:
    done = luthier("search", "--resume", "--out", place / "found")
    assert done.returncode == 0, done.stderr
    return place / "found", done.stdout, json.loads((place / "found" / "search.json").read_text(encoding="utf-8"))


def ended(log: Path) -> list[str]:
    return [entry for entry in log.read_text(encoding="utf-8").splitlines() if '"outcome"' in entry]


def test_ctrl_c_keeps_what_was_done_and_names_the_command_that_goes_on(interrupted: Any, place: Path) -> None:
    code, errors, before = interrupted
    assert code == 130 and len(before) >= 1
    assert f"interrupted after {len(before)} of {MOST} trials" in errors
    assert f"luthier search --resume --out {place / 'found'}" in errors


def test_a_resume_keeps_every_finished_trial_and_repeats_none(interrupted: Any, finished: Any) -> None:
    run, _, told = finished
    after = ended(run / "trials.log")
    assert after[: len(interrupted[2])] == interrupted[2]
    assert [trial["number"] for trial in told["trials"]] == list(range(MOST)) and len(after) == MOST


def test_the_default_comes_first_and_a_failed_trial_is_recorded(finished: Any) -> None:
    _, out, told = finished
    first = told["trials"][0]
    assert first["state"] == "done" and first["settings"]["tuning.n"] == 2  # outside the space, and tried all the same
    failed = [trial for trial in told["trials"] if trial["state"] == "failed"]
    assert told["failed"] == len(failed)
    for trial in failed:
        assert trial["values"]["tuning.n"] == 9 and "the model has 3 layers, not 9" in trial["reason"]
    assert {trial["values"]["tuning.n"] for trial in told["trials"][1:]} <= {1, 3, 9}
    assert "searched" in out and "no trial has the test rows" in out


def test_the_best_trial_on_validation_wins_and_is_tested_beside_the_default(finished: Any) -> None:
    run, out, told = finished
    done = [trial for trial in told["trials"] if trial["state"] == "done"]
    assert told["best"] == max(done, key=lambda trial: (trial["value"], -trial["number"]))["number"]
    assert told["best"] > 0 and told["runs"] == ["result", "default"]
    verdict = told["verdict"]
    assert verdict["part"] == "test" and verdict["rows"] == report(run / "result")["split"]["test"]
    assert verdict["beats_default"] in ("yes", "no", "unclear") and verdict["sentence"] in out
    for name in told["runs"]:
        main = report(run / name)["scores"][0]
        assert (report(run / name)["judged_on"], main["value"]) == ("test", pytest.approx(verdict[name]))
        assert load_settings(run / name / "config.yaml").train.seed == told["seeds"][name]["chosen"] == 43


def test_the_winning_configuration_has_the_winning_values_and_is_ready_to_train(finished: Any) -> None:
    run, _, told = finished
    settings = load_settings(run / "config.yaml")
    values = told["trials"][told["best"]]["settings"]
    assert settings.train.head_init == values["train.head_init"] != "random"
    assert settings.tuning["n"] == values["tuning.n"] != 2
    assert "\nsearch:" not in (run / "config.yaml").read_text(encoding="utf-8")


def test_the_page_shows_all_trials_and_says_whether_it_was_worth_it(finished: Any) -> None:
    run, _, told = finished
    page = (run / "search.html").read_text(encoding="utf-8")
    assert told["verdict"]["sentence"].replace("'", "&#39;") in page
    assert page.count('<th scope="row">') >= MOST + len(told["runs"]) and "result/report.html" in page
    assert page.count("data:image/svg+xml") >= 2 and "<script" not in page


def test_a_finished_search_has_nothing_left_to_do_and_others_are_refused(finished: Any, place: Path) -> None:
    again = luthier("search", "--resume", "--out", place / "found", "--json")
    assert json.loads(again.stdout) == finished[2]
    assert luthier(*words(place)).returncode == 2
    other = luthier(*words(place, "--resume", "search.space.tuning.n=[1, 2]"))
    assert other.returncode == 2 and "search.space was" in other.stderr


def test_nothing_that_a_trial_is_given_holds_a_test_row(place: Path) -> None:
    from luthier.preparing.prepare import prepare
    from luthier.progress import SILENT
    from luthier.run import attempt
    from luthier.studies.beginning import begin, read_asked, withheld

    words = [f"data.train={place / 'tickets.csv'}", f"model={place / 'models' / 'encoder'}", *WORDS]
    asked = read_asked(read_settings(None, words))
    prepared = prepare(asked.settings)
    beginning = begin(asked, withheld(prepared), SILENT)
    given = pickle.dumps((beginning.prepared, beginning.looks))
    assert all(example.input.encode() in given for example in prepared.split.train)
    assert prepared.split.test and not any(example.input.encode() in given for example in prepared.split.test)
    with pytest.raises(ValueError, match="test rows"):
        whole = replace(beginning.prepared, split=prepared.split)
        attempt(beginning.settings, whole, place, lambda share, score: "", looks=beginning.looks)


def test_without_validation_rows_or_with_nothing_open_it_is_refused_before_anything_is_written(
    place: Path, finished: Any
) -> None:
    none = luthier("search", place / "tickets.csv", "data.split.test=0.2", "--out", place / "none")
    assert none.returncode == 2 and "no validation rows" in none.stderr and "data.split.validation" in none.stderr
    held = ["train.batch_size=8", "tuning.method=full"]
    plain = [word for word in WORDS if not word.startswith(("search.space", "tuning"))]
    nothing = luthier("search", place / "tickets.csv", f"model={place / 'models' / 'encoder'}", *plain, *held,
                      "--out", place / "none")  # fmt: skip
    assert nothing.returncode == 2 and "nothing is left to search" in nothing.stderr
    bad = luthier(*words(place, "--out", place / "none", "search.space.train.epochs=[2, many]"))
    assert bad.returncode == 2 and "train.epochs is 'many'" in bad.stderr
    assert not (place / "none").exists()
    run = luthier("search", "--resume", "--out", place / "found" / "result")
    assert run.returncode == 2 and "holds no search to go on with" in run.stderr
