"""A model goes on learning from corrections, and has to prove on the old test rows that it is no worse for it."""

import json
from pathlib import Path
from typing import Any

import pytest

from luthier.recording.store import Store
from tiny import ticket_rows
from workflow.helpers import digest, luthier

pytest.importorskip("sqlalchemy")
pytestmark = pytest.mark.slow
ROWS = ticket_rows(150)
NEW = ticket_rows(300, seed=1)


def corrections(path: Path, rows: list[tuple[Any, str]]) -> str:
    store = Store(f"sqlite:///{path}", writes=True)
    for text, label in rows:
        store.add_feedback({
            "time": 0.0, "request_id": "r", "item": 0, "model": "m", "label": json.dumps(label),
            "input": None if text is None else json.dumps(text),
        })  # fmt: skip
    return f"sqlite:///{path}"


def test_corrected_rows_are_learnt_with_the_old_ones_and_the_judged_rows_are_not(
    ticket_run: Path, tmp_path: Path
) -> None:
    part = json.loads((ticket_run / "split.json").read_text(encoding="utf-8"))["rows"]
    judged = [ROWS[i] for i in (*part["test"], *part["validation"])]
    texts = {text for text, _ in ROWS}
    new = [(text + " indeed", label) for text, label in NEW if text not in texts][:60]
    leaking = [(judged[0][0], judged[0][1]), (judged[1][0].upper() + "!", judged[1][1])]
    twice = [(new[0][0], "refund"), new[0]]
    address = corrections(tmp_path / "log.db", [*twice, *new[1:], *leaking, (None, "refund"), ("x y z", "praise")])
    done = luthier(
        "train", ticket_run, "--from-feedback", address, "--out", tmp_path / "new", "--json", cwd=ticket_run.parent
    )
    assert done.returncode == 0, done.stderr
    for said in ("2 corrections are of rows, or nearly of rows", "1 corrections have no text",
                 "1 corrections make no row", "1 corrections are followed by a later one"):  # fmt: skip
        assert said in done.stderr

    learnt, back = (
        [json.loads(line) for line in (tmp_path / name).read_text(encoding="utf-8").splitlines()]
        for name in ("new.feedback.jsonl", "new.feedback-kept-back.jsonl")
    )
    assert len(learnt) + len(back) == 60 and 5 <= len(back) <= 20
    assert {(row["body"], row["team"]) for row in (*learnt, *back)} == set(new)
    told = json.loads(done.stdout)
    mixed = {one["name"].rpartition("/")[2]: one for one in told["mixture"]}
    assert mixed["new.feedback.jsonl"]["rows"] == len(learnt) and mixed["tickets.csv"]["rows"] == len(part["train"])
    saved = json.loads((tmp_path / "new" / "split.json").read_text(encoding="utf-8"))["rows"]
    assert saved["test"] == part["test"] and saved["validation"] == part["validation"]
    gate = told["feedback"]
    kept = json.loads((tmp_path / "new" / "feedback.json").read_text(encoding="utf-8"))
    assert kept.items() >= gate.items() and kept["from"] == str(ticket_run) and len(kept["notes"]) == 4
    assert gate["verdict"] in ("better", "no_worse_shown") and gate["learnt"]["rows"] == len(learnt)
    assert gate["kept_back"]["rows"] == len(back) and "corrected rows that it did not learn from" in gate["sentence"]
    assert digest(tmp_path / "new") != digest(ticket_run)


def test_a_model_that_got_worse_is_marked_and_not_put_to_use(ticket_run: Path, tmp_path: Path) -> None:
    turned = {"delivery": "refund", "refund": "billing", "billing": "delivery"}
    address = corrections(tmp_path / "log.db", [(text + " indeed", turned[label]) for text, label in NEW])
    words = ["train", ticket_run, "--from-feedback", address, "--replay", "0.1", "train.epochs=6", "--quiet"]
    done = luthier(*words, "--out", tmp_path / "new", cwd=ticket_run.parent)
    assert done.returncode == 1, done.stderr + done.stdout
    told = json.loads((tmp_path / "new" / "feedback.json").read_text(encoding="utf-8"))
    assert told["verdict"] == "worse" and told["test"]["scores"][0]["high"] < 0
    for command in (["predict", tmp_path / "new", "--text", "a"], ["serve", tmp_path / "new"],
                    ["export", tmp_path / "new", "--format", "merged"]):  # fmt: skip
        refused = luthier(*command, cwd=tmp_path)
        assert (
            refused.returncode == 2
            and "marked as not to be used" in refused.stderr
            and str(ticket_run) in refused.stderr
        )
    # as after an interruption before the comparison: what goes on with the run makes it
    for name in ("rejected.json", "feedback.json"):
        (tmp_path / "new" / name).unlink()
    resumed = luthier("train", "--resume", "--out", tmp_path / "new", "--quiet", cwd=ticket_run.parent)
    assert resumed.returncode == 1, resumed.stderr + resumed.stdout
    again = json.loads((tmp_path / "new" / "feedback.json").read_text(encoding="utf-8"))
    assert again["test"] == told["test"] and again["rows"] == told["rows"] and again["from"] == told["from"]
    (tmp_path / "new" / "rejected.json").unlink()
    assert luthier("predict", tmp_path / "new", "--text", "a", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--resume"], "--resume: changes nothing with --from-feedback"),
        (["--replay", "1"], "--replay: is 1"),
    ],
)
def test_what_makes_no_sense_is_refused(ticket_run: Path, tmp_path: Path, words: list[str], says: str) -> None:
    address = corrections(tmp_path / "log.db", [("a new parcel", "delivery")])
    done = luthier("train", ticket_run, "--from-feedback", address, *words, cwd=ticket_run.parent)
    assert done.returncode == 2 and says in done.stderr


def test_a_run_and_corrections_are_wanted(ticket_run: Path, tmp_path: Path) -> None:
    address = corrections(tmp_path / "log.db", [])
    none = luthier("train", ticket_run, "--from-feedback", address, cwd=ticket_run.parent)
    assert none.returncode == 2 and "no correction that can be learnt from" in none.stderr
    file = luthier("train", "tickets.csv", "--from-feedback", address, cwd=ticket_run.parent)
    assert file.returncode == 2 and "goes on with a run" in file.stderr
    alone = luthier("train", ticket_run, "--replay", "0.5", cwd=ticket_run.parent)
    assert alone.returncode == 2 and "with --from-feedback alone" in alone.stderr
