"""Questions through the command: from a file to served answers that are exact pieces of the user's own contexts."""

from __future__ import annotations

import csv
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from luthier.inference.artifact import load_artifact
from luthier.inference.predict import predict
from luthier.production.serve import make_app
from tiny import TinyModels, bench, write_jsonl, write_tiny_models
from workflow.helpers import QUICK, luthier, report

pytestmark = pytest.mark.slow

_THINGS = ["parcel", "money", "invoice", "card", "voucher", "receipt", "refund", "credit", "cash"]
_PLACES = ["porch", "depot", "tracking", "快递站", "🙂 café", "北门", "المكتبة"]
_WHO = ["courier", "driver", "周师傅", "Zoé"]


def rows(count: int, *, silent: bool, seed: int = 0) -> list[dict[str, Any]]:
    """Questions about who keeps what where; where `silent`, a third has no answer."""
    draw = random.Random(seed)
    made: list[dict[str, Any]] = []
    for i in range(count):
        who, thing, place = draw.choice(_WHO), draw.choice(_THINGS), draw.choice(_PLACES)
        context = f"{draw.choice(_THINGS)} is late.  The {who} keeps the {thing} {i} in the {place}, still waiting."
        question, answer = draw.choice([(f"who keeps the {thing} {i}", who), (f"where is the {thing} {i}", place)])
        if silent and i % 3 == 0:
            question, answer = f"when was the {thing} {i} charged", None
        found = (
            {"text": [answer], "answer_start": [context.index(answer, 12)]}
            if answer
            else {"text": [], "answer_start": []}
        )
        made.append({"id": f"q{i}", "question": question, "context": context, "answers": found})
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyModels, Path, str]:
    """A run on questions of which some have no answer, cleaned and cut into windows, and what it said."""
    folder = tmp_path_factory.mktemp("questions")
    models = write_tiny_models(folder / "models")
    data = write_jsonl(folder / "questions.jsonl", rows(60, silent=True))
    done = luthier(
        "train", data, *QUICK, "train.epochs=1", f"model={models.dropout_encoder}", "train.max_length=28",
        "task.overlap=4", "data.clean=fullwidth", "data.split.near_duplicates=false", "--out", folder / "run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return models, folder / "run", done.stdout + done.stderr


def test_the_task_is_told_by_the_data_and_the_run_by_its_scores(made: tuple[TinyModels, Path, str]) -> None:
    _, run, said = made
    content = report(run)
    assert content["task"] == "question_answering"
    names = [score["name"] for score in content["scores"]]
    assert names == ["f1", "exact_match", "has_answer_f1", "no_answer_f1", "loss"]
    assert list(content["baselines"]) == ["majority", "tfidf", "embeddings"]
    assert "log odds" in said and f"luthier predict {run} FILE" in said
    assert sum(row["n"] for row in content["details"]["by_question"]) == content["scores"][0]["n"]
    card = (run / "model" / "README.md").read_text("utf-8")
    assert 'model.predict([{"question": "…", "context": "…"}])' in card and "first and as the last" in card
    state = json.loads((run / "model" / "codec.json").read_text("utf-8"))["state"]
    assert state["unanswerable"] is True and isinstance(state["found_threshold"], float)
    assert "task.max_answer" in {choice["key"] for choice in content["choices"]}


def test_every_predicted_answer_is_a_piece_of_its_context(made: tuple[TinyModels, Path, str]) -> None:
    _, run, _ = made
    with (run / "predictions.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert lines and list(lines[0]) == ["line", "text", "answers", "answer", "score", "start", "end"]
    for line in lines:
        context = line["text"].split("\n", 1)[1]
        assert context[int(line["start"]) : int(line["end"])] == line["answer"]


def test_answers_are_pieces_of_what_the_user_wrote_not_of_what_was_cleaned(made: tuple[TinyModels, Path, str]) -> None:
    _, run, _ = made
    predictor = load_artifact(run / "model")
    tidy = rows(20, silent=False)
    wide = [{**row, "context": row["context"].translate({c: c + 0xFEE0 for c in range(97, 123)})} for row in tidy]
    for row, said, expected in zip(wide, predictor.predict(wide), predictor.predict(tidy), strict=True):
        assert row["context"][said["start"] : said["end"]] == said["answer"]
        assert (said["start"], said["end"]) == (expected["start"], expected["end"])


def test_predict_reads_files_and_json_lines_and_ranks_answers(
    made: tuple[TinyModels, Path, str], tmp_path: Path
) -> None:
    _, run, _ = made
    asked = [{k: row[k] for k in ("question", "context")} for row in rows(4, silent=False, seed=3)]
    file = write_jsonl(tmp_path / "asked.jsonl", asked)
    done = luthier("predict", run, file, "--json", "--top-k", 5)
    assert done.returncode == 0, done.stderr
    ranked = [json.loads(line) for line in done.stdout.splitlines()]
    assert [len(said) for said in ranked] == [5] * 4
    for row, said in zip(asked, ranked, strict=True):
        assert [s["score"] for s in said] == sorted((s["score"] for s in said), reverse=True)
        assert len({(s["start"], s["end"]) for s in said}) == 5
        assert all(row["context"][s["start"] : s["end"]] == s["answer"] for s in said)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in asked)
    again = luthier("predict", run, "-", "--json", stdin=lines)
    firsts = [json.loads(line) for line in again.stdout.splitlines()]
    assert [said["answer"] for said in firsts] == [said[0]["answer"] for said in ranked]


def test_a_text_alone_is_told_what_to_give(made: tuple[TinyModels, Path, str]) -> None:
    _, run, _ = made
    done = luthier("predict", run, "--text", "where is my parcel")
    assert done.returncode == 2
    assert "no question with its context" in done.stderr and '{"question": "…", "context": "…"}' in done.stderr
    good = json.dumps({"question": "where", "context": "the parcel is late"})
    mixed = luthier("predict", run, "-", "--json", stdin=f'a text\n{good}\n{{"question": "where"}}\n')
    said = [json.loads(line) for line in mixed.stdout.splitlines()]
    assert mixed.returncode == 1 and ["error" in one for one in said] == [True, False, True]


def test_evaluate_scores_other_rows(made: tuple[TinyModels, Path, str], tmp_path: Path) -> None:
    _, run, _ = made
    data = write_jsonl(tmp_path / "other.jsonl", rows(12, silent=False, seed=9))
    done = luthier("evaluate", run, data, "--json")
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)["scores"]
    assert [score["name"] for score in scores] == ["f1", "exact_match", "loss"] and scores[0]["n"] == 12


def test_the_server_answers_questions_as_predict_does(made: tuple[TinyModels, Path, str]) -> None:
    _, run, _ = made
    predictor = load_artifact(run / "model")
    asked = [{k: row[k] for k in ("question", "context")} for row in rows(3, silent=False, seed=4)]
    with TestClient(make_app([lambda: predictor], lambda error: None)) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        said = client.post("/predict", json={"inputs": asked}).json()["predictions"]
        one = client.post("/predict", json={"inputs": asked[0]}).json()["predictions"]
        bad = client.post("/predict", json={"inputs": "where is my parcel"})
    expected = predictor.predict(asked)
    assert [s["answer"] for s in said] == [s["answer"] for s in expected] and one[0]["start"] == expected[0]["start"]
    assert bad.status_code == 400 and "question" in bad.json()["error"]["message"]


def test_training_learns_by_the_loss_that_evaluation_tells(models: TinyModels) -> None:
    ready = bench("question_answering", models.encoder)
    task = ready.codec.task
    said = predict(ready.model, ready.codec, [e.input for e in ready.examples], device="cpu", max_tokens=999)
    told = sum(2 * len(one.parts) * one.loss(e.answer) for one, e in zip(said, ready.examples, strict=True))
    (batch,) = ready.batches(99)
    assert len(ready.windows) > len(ready.examples) and batch.num_targets == 2 * len(ready.windows)
    assert task.loss(ready.model, batch).item() == pytest.approx(told, rel=1e-4)


@pytest.mark.parametrize(
    "option", ["overlap=-1", "max_answer=0", "threshold=.inf", "language=english", "threshold=none", "stride=3"]
)
def test_an_option_out_of_range_is_refused(option: str, tmp_path: Path) -> None:
    data = write_jsonl(tmp_path / "questions.jsonl", rows(9, silent=False))
    done = luthier("train", data, "task=question_answering", f"task.{option}")
    assert done.returncode == 2 and option.split("=")[0] in done.stderr and "Traceback" not in done.stderr


def test_an_option_of_another_task_than_the_data_are_for_is_refused(tickets: Path) -> None:
    done = luthier("train", tickets, "task.overlap=4")
    assert done.returncode == 2 and "task.overlap" in done.stderr and "classification" in done.stderr


@pytest.mark.parametrize(("language", "f1"), [("auto", 0.8), ("zh", 0.8), ("en", 0.0)])
def test_chinese_is_compared_by_characters_unless_told_otherwise(language: str, f1: float) -> None:
    import numpy as np

    from luthier.answering.reading import given
    from luthier.formats.questions import Answer
    from luthier.tasks.question_answering import QuestionAnswering

    task = QuestionAnswering(language=language)
    context = "他在北京。"
    reading = given(context, (1, 4), task._by_character(context), "")
    scores = task.score([reading], [(Answer("北京。", 2),)], np.ones((1, 1)))
    assert scores["f1"].tolist() == pytest.approx([f1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("encoder", ["tuning.method=lora"]),
        ("roberta", ["tuning.method=head"]),
        ("distilbert", ["tuning.method=last_layers", "tuning.n=1"]),
        ("encoder", ["data.split.folds=2"]),
    ],
)
def test_every_way_of_tuning_answers_questions(
    model: str, options: list[str], tmp_path: Path, models: TinyModels
) -> None:
    data = write_jsonl(tmp_path / "questions.jsonl", rows(40, silent=True, seed=1))
    done = luthier(
        "train", data, *QUICK, "train.epochs=1", f"model={getattr(models, model)}", *options, "--out", tmp_path / "run",
        LUTHIER_LANG="zh",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert report(tmp_path / "run")["scores"][0]["name"] == "f1"
