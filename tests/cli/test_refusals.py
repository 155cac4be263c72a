"""What a user gets wrong is told within seconds: place, fact, remedy, exit code 2, no traceback, nothing written."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import luthier, process

Case = tuple[str, Callable[[Path], object], list[str], str, str]


def table(*rows: tuple[str, str], header: tuple[str, str] = ("body", "team")) -> Callable[[Path], object]:
    return lambda folder: write_csv(folder / "tickets.csv", header, rows)


GOOD = tuple(ticket_rows(30))
CASES: list[Case] = [
    ("a missing file", lambda f: None, ["tickets.csv"], "no such file", "check the path"),
    ("a near name", table(*GOOD), ["ticket.csv"], "no such file", "did you mean 'tickets.csv'"),
    ("an empty file", lambda f: (f / "tickets.csv").touch(), ["tickets.csv"], "is empty", "export finished"),
    ("a header alone", table(), ["tickets.csv"], "has a header (body,team) and no rows", "export finished"),
    ("a wrong column", table(*GOOD, header=("boddy", "team")), ["tickets.csv", "--text", "body"], "no column 'body'",
     "did you mean 'boddy'? data.columns.text=boddy"),
    ("columns that cannot be told", table(*GOOD, header=("alpha", "beta")), ["tickets.csv"],
     "cannot tell which column is the text", "data.columns.text="),
    ("one class only", table(*((text, "same") for text, _ in GOOD)), ["tickets.csv"], "every row has the label 'same'",
     "second class"),
    ("empty labels", table(*GOOD, ("a text", ""), ("another", "")), ["tickets.csv"], "no label", "data.bad_rows=skip"),
    ("too few rows", table(("a", "x"), ("b", "y")), ["tickets.csv"], "too few to split", "at least 4"),
    ("an unknown key", table(*GOOD), ["tickets.csv", "train.epoch=3"], "unknown setting 'train.epoch'",
     "did you mean 'train.epochs'"),
    ("a wrong value", table(*GOOD), ["tickets.csv", "train.epochs=many"], "train.epochs is 'many'", "a whole number"),
    ("an unknown method", table(*GOOD), ["tickets.csv", "tuning.method=lorra"], "no tuning method 'lorra'",
     "did you mean 'lora'"),
    ("an unknown model folder", table(*GOOD), ["tickets.csv", "--model", "./nothing"], "no such model folder", "fix"),
    ("a hub model without network", table(*GOOD), ["tickets.csv", "--model", "google-bert/bert-base-uncased"],
     "cannot be had from the hub", "--model ./folder"),
    ("an output that is a file", lambda f: (table(*GOOD)(f), (f / "out").touch()), ["tickets.csv", "--out", "out"],
     "is a file", "--out"),
    ("an output that holds something else", lambda f: (table(*GOOD)(f), (f / "out").mkdir(), (f / "out" / "x").touch()),
     ["tickets.csv", "--out", "out"], "is not empty and holds no run", "--out"),
    ("nothing to resume", table(*GOOD), ["tickets.csv", "--out", "out", "--resume"], "holds no run to go on with",
     "--resume"),
    ("no data named", lambda f: None, ["train.epochs=3"], "no data are named", "tickets.csv"),
    ("an unknown flag", table(*GOOD), ["tickets.csv", "--epochs", "3"], "No such option", "--help"),
    ("a folder as data", lambda f: (f / "tickets.csv").mkdir(), ["tickets.csv"], "is a folder", "name"),
    ("a broken JSON line", lambda f: (f / "a.jsonl").write_text('{"text": "a"\n', encoding="utf-8"), ["a.jsonl"],
     "a.jsonl:1", "fix"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "words", "says", "fix"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_it_is_refused(make: Callable[[Path], object], words: list[str], says: str, fix: str, tmp_path: Path) -> None:
    make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = luthier("train", *words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert says in done.stderr and fix in done.stderr and "fix: " in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) <= 20
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("make, words", [case[1:3] for case in CASES[::3]], ids=[c[0] for c in CASES[::3]])
def test_the_real_command_refuses_within_seconds(
    make: Callable[[Path], object], words: list[str], tmp_path: Path
) -> None:
    make(tmp_path)
    begin = time.monotonic()
    done = process("train", *words, cwd=tmp_path)
    assert time.monotonic() - begin < 5
    assert done.returncode == 2 and "fix: " in done.stderr


def test_a_mistake_in_a_configuration_has_its_file_and_line(tmp_path: Path) -> None:
    table(*GOOD)(tmp_path)
    (tmp_path / "luthier.yaml").write_text("data:\n  train: tickets.csv\ntrain:\n  epoch: 3\n", encoding="utf-8")
    done = luthier("train", "luthier.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("luthier.yaml:4:3: unknown setting 'train.epoch'")


def test_for_programs_the_same_is_one_json_object_a_problem(tmp_path: Path) -> None:
    done = luthier("train", "tickets.csv", "--json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    error = json.loads(done.stderr)
    assert set(error) == {"file", "line", "column", "code", "message", "fix"}
    assert (error["file"], error["code"]) == ("tickets.csv", "no-such-file")


def test_chinese_users_are_told_in_chinese(tmp_path: Path) -> None:
    done = luthier("train", "tickets.csv", cwd=tmp_path, LUTHIER_LANG="zh")
    assert done.returncode == 2
    assert any("\u4e00" <= c <= "\u9fff" for c in done.stderr)
    assert "tickets.csv" in done.stderr and "fix: " not in done.stderr


def test_a_read_only_place_is_refused_and_nothing_is_lost(models: TinyModels, tmp_path: Path) -> None:
    table(*GOOD)(tmp_path)
    done = luthier("train", "tickets.csv", f"model={models.encoder}", "--out", "/proc/nowhere/run", cwd=tmp_path)
    assert done.returncode == 2
    assert "/proc" in done.stderr and "--out" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["predict", "runs/none", "--text", "a"], "no such run"),
        (["predict", "."], "name either a file or a text"),
        (["predict", ".", "missing.csv"], "no such file"),
        (["predict", ".", "--text", "a", "-o", "out.xml"], "'.xml' cannot be written"),
        (["evaluate", ".", "missing.csv"], "no such file"),
        (["serve", "runs/none"], "no such run"),
        (["init", "missing.csv"], "no such file"),
        (["trian", "a.csv"], "No such command"),
    ],
)
def test_other_commands_refuse_alike(words: list[str], says: str, tmp_path: Path) -> None:
    done = luthier(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_bug_of_ours_says_so_and_asks_for_a_report(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from luthier.cli import main

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("impossible")

    monkeypatch.setattr("luthier.config.settings.read_settings", broken)
    assert main.main(["train", "a.csv"]) == 70
    said = capsys.readouterr().err
    assert "bug of Luthier" in said and "impossible" in said and "--debug" in said and "Traceback" not in said


def test_debug_shows_the_traceback(capsys) -> None:
    from luthier.cli.main import main

    assert main(["train", "nothing.csv", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.slow
def test_a_bug_in_a_run_leaves_its_traceback_in_the_runs_folder(
    models: TinyModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("impossible")

    table(*GOOD)(tmp_path)
    words = ["train", "tickets.csv", "--model", models.encoder, "train.epochs=1", "--out", "run"]
    with monkeypatch.context() as patch:
        patch.setattr("luthier.fit.build_optimiser", broken)
        done = luthier(*words, cwd=tmp_path)
    assert done.returncode == 70 and "run/crash.txt" in done.stderr and "Traceback" not in done.stderr
    assert "RuntimeError: impossible" in (tmp_path / "run" / "crash.txt").read_text(encoding="utf-8")
    assert luthier(*words, "--resume", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "run" / "crash.txt").exists()
