"""`luthier export` from the command line: checked, then whole or not at all; what it wrote is taken like a run."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from luthier.errors import RunError
from luthier.exporting.export import check_target
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import ENVIRONMENT, QUICK, luthier

pytestmark = pytest.mark.slow
TEXTS = ["late parcel depot", "money back please", "the invoice was charged twice", "x"]

BLOCKED = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.partition(".")[0] in ("torch", "transformers", "peft", "accelerate")
        return None if hidden else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""
"""As if the extra [train] were not installed."""


@pytest.fixture(scope="module")
def place(models: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a threshold for what is out of scope, and its two graphs."""
    folder = tmp_path_factory.mktemp("export")
    data = write_csv(folder / "a.csv", ["text", "label"], ticket_rows(120))
    words = ["--model", models.encoder, "--out", folder / "run", *QUICK, "train.epochs=6", "task.reject=threshold"]
    done = luthier("train", data, *words, "data.split.validation=0.25")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def graph(place: Path) -> Path:
    done = luthier("export", place / "run", "--format", "onnx", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["passed"] and told["gate"]["equal"] == 1 and told["rows"] > 20 and told["part"] == "validation"
    assert told["seconds_one_text"]["exported"] > 0 and told["bytes"]["exported"] > 0 and told["opset"] == 20
    return Path(told["folder"])


def without_torch(*words: object) -> subprocess.CompletedProcess[str]:
    code = f"{BLOCKED}\nfrom luthier.cli.main import main\nsys.exit(main({[str(word) for word in words]!r}))"
    variables = {**os.environ, **ENVIRONMENT}
    return subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=120)


def test_a_graph_answers_without_torch_as_the_run_does(place: Path, graph: Path) -> None:
    asked = [word for text in TEXTS for word in ("--text", text)]
    first = luthier("predict", place / "run", *asked, "--json")
    second = without_torch("predict", graph, *asked, "--json")
    assert second.returncode == 0, second.stderr
    one, two = ([json.loads(line) for line in said.stdout.splitlines()] for said in (first, second))
    assert [each["label"] for each in one] == [each["label"] for each in two]
    assert [each["score"] for each in one] == pytest.approx([each["score"] for each in two], abs=1e-5)
    refused = without_torch("predict", place / "run", *asked)
    assert refused.returncode == 2 and "luthier[train]" in refused.stderr


def test_a_graph_is_evaluated_without_torch_as_the_run_is(place: Path, graph: Path) -> None:
    data = write_csv(place / "b.csv", ["text", "label"], ticket_rows(40, seed=5))
    first = luthier("evaluate", place / "run", data, "--json")
    second = without_torch("evaluate", graph, data, "--json")
    assert second.returncode == 0, second.stderr
    one, two = ({s["name"]: s["value"] for s in json.loads(said.stdout)["scores"]} for said in (first, second))
    assert one == pytest.approx(two, abs=1e-5)
    told = without_torch("evaluate", graph, data)
    assert told.returncode == 0, told.stderr


def test_a_graph_is_served_and_its_card_and_facts_name_no_folder(place: Path, graph: Path) -> None:
    from fastapi.testclient import TestClient

    from luthier.inference.artifact import load_artifact
    from luthier.production.serve import make_app

    failures: list[Exception] = []
    with TestClient(make_app([lambda: load_artifact(graph)], failures.append)) as client:
        while client.get("/health/ready").status_code != 200:
            assert not failures
            time.sleep(0.01)
        said = client.post("/predict", json={"inputs": TEXTS}).json()["predictions"]
    assert said == load_artifact(graph).predict(TEXTS)
    card, facts = ((graph / name).read_text("utf-8") for name in ("README.md", "export.json"))
    assert "## Exported as onnx" in card and "tuned for classification" in card and "same answer" in card
    assert str(place) not in card + facts and sorted(p.name for p in graph.iterdir())[:2] == ["README.md", "codec.json"]
    again = luthier("export", place / "run", "--format", "onnx")
    assert again.returncode == 2 and "holds something already" in again.stderr
    twice = luthier("export", graph, "--format", "onnx-int8")
    assert twice.returncode == 2 and "exported already" in twice.stderr


def test_a_failed_gate_leaves_nothing_and_exits_1(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.exporting.formats.merged.BOUND", -1.0)
    out = place / "copy"
    out.mkdir()
    failed = luthier("export", place / "run", "--format", "merged", "--out", out, "--json")
    assert failed.returncode == 1 and "not exported" in failed.stderr and "asked for" in failed.stderr
    told = json.loads(failed.stdout)
    assert not told["passed"] and told["folder"] is None
    assert not out.exists() and not list(place.glob(".tmp-*"))


def test_a_graph_that_was_changed_is_not_loaded(graph: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(graph, copy)
    content = bytearray((copy / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "model.onnx").write_bytes(content)
    done = without_torch("predict", copy, "--text", "x")
    assert done.returncode == 2 and "is not as it was written" in done.stderr
    (copy / "model.onnx").unlink()
    done = luthier("predict", copy, "--text", "x")
    assert done.returncode == 2, done.stderr


def test_rows_that_changed_since_the_run_are_refused(place: Path, tmp_path: Path) -> None:
    data = place / "a.csv"
    before = data.read_bytes()
    data.write_bytes(before + b"another text,refund\n")
    done = luthier("export", place / "run", "--format", "merged", "--out", tmp_path / "x")
    data.write_bytes(before)
    assert done.returncode == 2 and "not those that the run was validated on" in done.stderr
    assert not (tmp_path / "x").exists()


def test_what_cannot_be_exported_is_refused_with_what_to_do(place: Path, tmp_path: Path) -> None:
    for words, said in (
        ([place / "run", "--format", "onix"], "did you mean 'onnx'?"),
        ([place / "run"], "onnx, onnx-int8"),
        ([place / "run" / "model", "--format", "onnx"], "is a model folder"),
        ([place / "nowhere", "--format", "onnx"], "no such run"),
        ([place / "run", "--format", "gguf"], "causal language models"),
        ([place / "run", "--format", "onnx", "--max-loss", "2"], "--max-loss"),
    ):
        done = luthier("export", *words)
        assert done.returncode == 2 and said in done.stderr, done.stderr
    missing = without_torch("export", place / "run", "--format", "onnx", "--out", tmp_path / "x")
    assert missing.returncode == 2 and "pip install 'luthier[" in missing.stderr
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="is a file"):
        check_target(tmp_path / "file")
    unfinished = tmp_path / "run"
    unfinished.mkdir()
    (unfinished / "config.yaml").write_text("out: x\n")
    done = luthier("export", unfinished, "--format", "onnx")
    assert done.returncode == 2 and "--resume" in done.stderr
