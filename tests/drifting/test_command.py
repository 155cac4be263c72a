"""luthier drift holds the log of a server, or a file, against what the run kept: exit code, page, and words."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from luthier.inference.artifact import load_artifact
from luthier.recording.recorder import Recorder
from luthier.recording.store import Store
from tiny import ticket_rows, write_csv
from workflow.helpers import luthier

pytestmark = pytest.mark.slow
LIKE = [text for text, _ in ticket_rows(60, seed=7)]
OTHER = [
    f"quite another matter altogether and number {i} of very many that nobody ever wrote before" for i in range(60)
]


def recorded(run: Path, texts: list[str], path: Path) -> str:
    """The log of a server that was asked these texts, each for itself."""
    predictor, said = load_artifact(run, "cpu"), []
    store = Store(f"sqlite:///{path}", writes=True)
    recorder = Recorder(store, {predictor.name: run}, said.append, vectors=True)
    for i, text in enumerate(texts):
        recorder.take(f"r-{i}", predictor, [text], predictor.raw([text]), [text])
    recorder.stop(30)
    assert recorder.recorded == len(texts) and not said
    return f"sqlite:///{path}"


def drift(run: Path, log: object, *words: str) -> tuple[int, dict[str, Any]]:
    done = luthier("drift", run, log, "--json", *words)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_texts_like_those_of_training_have_not_drifted_and_others_have(ticket_run: Path, tmp_path: Path) -> None:
    like = write_csv(tmp_path / "like.csv", ["body"], [[text] for text in [*LIKE, LIKE[0]]])
    code, found = drift(ticket_run, like)
    assert (code, found["drift"], found["rows"], found["repeated"]) == (0, False, 60, 1)
    assert {one["name"] for one in found["measures"]} >= {
        "length", "rare_words", "words", "embedding", "labels", "confidence",
    }  # fmt: skip

    other = write_csv(tmp_path / "other.csv", ["body"], [[text] for text in OTHER])
    code, found = drift(ticket_run, other, "-o", str(tmp_path / "drift.html"))
    assert code == 1 and {"length", "rare_words", "words"} <= {o["name"] for o in found["measures"] if o["drifts"]}
    assert all(o["adjusted"] < 0.05 and o["effect"] >= o["least"] for o in found["measures"] if o["drifts"])
    page = (tmp_path / "drift.html").read_text(encoding="utf-8")
    assert found["sentence"].partition(":")[0] in page and "<script" not in page
    assert not any(text in page for text in OTHER)


def test_a_log_says_what_the_file_of_its_texts_says(ticket_run: Path, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "other.csv", ["body"], [[text] for text in OTHER])
    of_file = {one["name"]: one for one in drift(ticket_run, file)[1]["measures"]}
    log = recorded(ticket_run, OTHER, tmp_path / "log.db")
    code, found = drift(ticket_run, log)
    assert code == 1 and abs(found["last"] - time.time()) < 60
    of_log = {one["name"]: one for one in found["measures"]}
    for name in ("length", "rare_words", "words", "labels", "confidence"):
        assert of_log[name]["effect"] == pytest.approx(of_file[name]["effect"], abs=1e-6), name
        assert of_log[name]["p"] == pytest.approx(of_file[name]["p"], abs=0.01), name
    assert drift(ticket_run, tmp_path / "log.db")[1]["measures"] == found["measures"]  # by its file

    code, found = drift(ticket_run, log, "--since", "2999-01-01")
    assert code == 0 and found["drift"] is None and "Too few rows" in found["sentence"]


def test_answers_of_another_model_are_not_taken_for_its_own(ticket_run: Path, tmp_path: Path) -> None:
    log = recorded(ticket_run, LIKE, tmp_path / "log.db")
    other = tmp_path / "run"
    other.mkdir()
    for path in (ticket_run / "model").iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "training.safetensors").write_bytes((ticket_run / "training.safetensors").read_bytes())
    with (other / "model.safetensors").open("ab") as file:
        file.write(b" ")
    done = luthier("drift", other, log)
    assert done.returncode == 2 and "no answers of this model; there are: run (60)" in done.stderr
    assert luthier("drift", other, log, "--model", "run").returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["{run}", "{file}", "--since", "7d"], "does not say when"),
        (["{run}", "{file}", "--since", "soon"], "30m, 12h, 7d"),
        (["{run}", "{file}", "--alpha", "2"], "--alpha: is 2"),
        (["{run}/model", "{file}"], "keeps nothing of its training data"),
        (["{run}", "nowhere.csv"], "no such file"),
        (["{run}", "sqlite:///nowhere.db"], "no such file"),
        (["nowhere", "{file}"], "no such run"),
    ],
)
def test_what_cannot_be_compared_is_told(ticket_run: Path, tmp_path: Path, words: list[str], says: str) -> None:
    file = write_csv(tmp_path / "like.csv", ["body"], [[text] for text in LIKE])
    done = luthier("drift", *(word.format(run=ticket_run, file=file) for word in words), cwd=tmp_path)
    assert done.returncode == 2 and says in done.stderr
