"""A model that is held to a few answers gives one of them, with probabilities, and is scored as a classifier."""

import json
from pathlib import Path

import pytest

from tiny import TinyModels, bench, ticket_rows, write_jsonl
from workflow.helpers import QUICK, luthier, report

NAMES = ["billing", "delivery", "refund"]


@pytest.mark.parametrize("task_name", ["sft", "seq2seq"])
def test_a_choice_is_as_likely_as_its_tokens_and_its_end(models: TinyModels, task_name: str) -> None:
    from luthier.inference.predict import predict

    folder = models.suited(task_name)
    made = bench(task_name, folder, max_length=128, choices=["good", "very good", "bad"])
    codec, asked = made.codec, [example.input for example in made.examples[:4]]
    said = predict(made.model, codec, asked, device="cpu", max_tokens=512)
    for input, one in zip(asked, said, strict=True):
        judged = [codec.task.supposed(input, name) for name in codec.task.names]
        likely = [-each.nll for each in predict(made.model, codec, judged, device="cpu", max_tokens=512)]
        assert one.text == codec.task.names[likely.index(max(likely))]
        assert one.chances[0] / one.chances[1] == pytest.approx(2.718281828 ** (likely[0] - likely[1]), rel=1e-3)
        assert sum(one.chances) == pytest.approx(1)
        best = codec.task.show(one, top_k=2)
        assert best[0] == codec.task.show(one) and best[0]["label"] == one.text and len(best) == 2
    free = bench(task_name, folder, max_length=128)
    assert [w.targets.tolist() for w in made.windows] == [w.targets.tolist() for w in free.windows]  # learnt as before


@pytest.mark.slow
def test_a_run_on_few_answers_is_scored_as_a_classifier_and_serves_what_was_scored(
    models: TinyModels, tmp_path: Path
) -> None:
    rows = [{"prompt": text, "completion": label} for text, label in ticket_rows(60)]
    write_jsonl(tmp_path / "mine.jsonl", rows)
    words = ["train", "mine.jsonl", f"model={models.causal}", *QUICK, "task.choices=auto", "data.general=none"]
    done = luthier(*words, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = report(tmp_path / "run")
    assert [score["name"] for score in told["scores"][:3]] == ["accuracy", "macro_f1", "ece"]
    assert set(told["baselines"]) == {"majority", "untuned", "nearest"}
    assert [row["label"] for row in told["details"]["per_class"]] == NAMES
    assert told["samples"]["stopped"] == 1 and all(row["tuned"] in NAMES for row in told["samples"]["rows"])
    said = luthier("predict", "run", "mine.jsonl", "-o", "answers.jsonl", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text("utf-8").splitlines()]
    assert len(answers) == 60 and all(answer["label"] in NAMES and 0 < answer["score"] <= 1 for answer in answers)
