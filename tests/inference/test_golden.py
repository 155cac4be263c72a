"""A model that travels is asked again what it was asked when it was evaluated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from luthier.errors import FindingError, LuthierError, ModelError
from luthier.inference.artifact import Predictor, load_artifact
from luthier.inference.golden.rows import FILE, check_golden, keep_golden, same
from production.helpers import saved
from tiny import TinyModels, bench


def kept(task: str, model: Path, folder: Path) -> tuple[Predictor, Path]:
    predictor = saved(task, model, folder)
    examples = bench(task, model).examples
    keep_golden(folder / task, predictor, examples)
    return predictor, folder / task


@pytest.mark.parametrize(
    "task",
    ["classification", *(pytest.param(one, marks=pytest.mark.slow) for one in ("multilabel", "regression", "ner",
                                                                              "question_answering", "retrieval"))],
)  # fmt: skip
def test_rows_are_kept_with_their_answers_and_answered_again(task: str, models: TinyModels, tmp_path: Path) -> None:
    predictor, folder = kept(task, models.encoder, tmp_path)
    rows = json.loads((folder / FILE).read_text(encoding="utf-8"))["rows"]
    assert 1 <= len(rows) <= 8
    assert check_golden(load_artifact(folder, "cpu"), folder) == len(rows)
    assert check_golden(predictor, tmp_path) == 0


def test_another_answer_is_told_and_is_a_finding(models: TinyModels, tmp_path: Path) -> None:
    predictor, folder = kept("classification", models.encoder, tmp_path)
    content: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
    content["rows"][0]["said"]["score"] += 0.01
    (folder / FILE).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(FindingError, match="row 1") as found:
        check_golden(predictor, folder)
    assert found.value.exit_code == 1
    (folder / FILE).write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"golden\.json"):
        check_golden(predictor, folder)


@pytest.mark.slow
def test_a_server_whose_model_says_something_else_never_answers_and_ends_with_1(
    models: TinyModels, tmp_path: Path
) -> None:
    import subprocess
    import sys

    _, folder = kept("classification", models.encoder, tmp_path)
    path = folder / FILE
    path.write_text(path.read_text(encoding="utf-8").replace('"label": "', '"label": "x'), encoding="utf-8")
    command = [sys.executable, "-m", "luthier", "serve", str(folder), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "when it was evaluated" in done.stderr and "Traceback" not in done.stderr


def test_texts_that_are_written_are_left_out(models: TinyModels, tmp_path: Path) -> None:
    predictor = saved("sft", models.causal, tmp_path)
    keep_golden(tmp_path / "sft", predictor, bench("sft", models.causal).examples)
    assert not (tmp_path / "sft" / FILE).exists()


@pytest.mark.parametrize(
    ("one", "two", "alike"),
    [
        ({"label": "a", "score": 0.5}, {"label": "a", "score": 0.5004}, True),
        ({"label": "a", "score": 0.5}, {"label": "a", "score": 0.52}, False),
        ({"label": "a", "score": 0.5}, {"label": "b", "score": 0.5}, False),
        ([1000.0], [1000.5], True),
        ([1.0], [1.0, 1.0], False),
        ({"a": 1}, {"b": 1}, False),
        (float("nan"), 0.5, False),
        ("0.5", 0.5, False),
    ],
)
def test_what_is_the_same(one: Any, two: Any, alike: bool) -> None:
    assert same(one, two) is alike


def test_a_precision_that_a_model_has_not_is_refused(models: TinyModels, tmp_path: Path) -> None:
    saved("classification", models.distilbert, tmp_path)
    for precision in ("bf16", "fp8"):
        with pytest.raises(LuthierError, match="--precision"):
            load_artifact(tmp_path / "classification", "cpu", precision)
