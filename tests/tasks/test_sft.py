"""Instruction tuning through the commands: what is learnt, what is told, and what plain transformers makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from chat.shapes import SHAPES
from luthier.errors import DataError
from luthier.inference.artifact import load_artifact
from luthier.tasks.sft import Sft
from luthier.types import IGNORE
from luthier.writer import TARGETS, WEIGHTS, Judged
from tasks.talks import talk, talks
from tiny import TinyModels, bench, write_jsonl
from tiny_causal import CHAT_TOKENS, write_causal
from workflow.helpers import luthier, report

pytestmark = pytest.mark.slow

FEW = [
    "task=sft", "task.samples=4", "task.max_new_tokens=12", "train.epochs=2", "train.batch_size=8",
    "train.learning_rate=3e-3", "train.precision=fp32", "data.split.near_duplicates=false", "--json",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sft")


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """Of a base model whose tokenizer has no tokens for turns."""
    torch.manual_seed(0)
    base = write_causal(folder / "base", template=None, special=())
    data = write_jsonl(folder / "talks.jsonl", talks(30))
    done = luthier("train", data, *FEW, f"model={base}", "--out", folder / "run")
    assert done.returncode == 0, done.stderr
    return folder / "run"


def test_a_base_model_learns_chatml_which_is_said_and_saved(run: Path) -> None:
    config = (run / "config.yaml").read_text("utf-8")
    assert "task.template: the model has no template of its own: a base model learns ChatML" in config
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    assert tokenizer.convert_tokens_to_ids(list(CHAT_TOKENS)) == [401, 402]
    assert "<|im_start|>" in tokenizer.chat_template
    model = transformers.AutoModelForCausalLM.from_pretrained(run / "model")
    assert model.get_input_embeddings().num_embeddings == len(tokenizer) == 403
    assert model.generation_config.eos_token_id == [402, 400] and model.generation_config.pad_token_id == 400


def test_the_report_tells_the_loss_against_the_untuned_model_and_the_nearest_answer(run: Path) -> None:
    told = report(run)
    names = [score["name"] for score in told["scores"]]
    assert names[:2] == ["loss", "perplexity"] and {"rouge_l", "chrf", "exact_match"} <= set(names)
    assert set(told["baselines"]) == {"untuned", "nearest"}
    assert told["scores"][0]["value"] < told["baselines"]["untuned"][0]["value"]
    assert told["verdict"]["metric"] == "loss" and told["verdict"]["baseline"] == "untuned"


@pytest.mark.parametrize(
    "asked",
    [[("user", "where is my parcel 7")], [("system", "be kind"), ("user", "hi <|im_end|>"), ("assistant", "yes?"),
                                          ("user", "包裹")]],
)  # fmt: skip
def test_plain_transformers_writes_the_same_prompt_and_the_same_answer(run: Path, asked: list[tuple[str, str]]) -> None:
    messages = [{"role": role, "content": content} for role, content in asked]
    predictor = load_artifact(run)
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    model = transformers.AutoModelForCausalLM.from_pretrained(run / "model")
    plain = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_tensors="pt", return_dict=True, sanitize_control_tokens=True
    )["input_ids"]  # fmt: skip
    ((window,),) = predictor.codec.encode([predictor.codec.task.as_input(messages)])
    forged = any("<|im_end|>" in content for _, content in asked)
    if not forged:  # what both make harmless they need not cut alike
        assert window.arrays["input_ids"].tolist() == plain[0].tolist()
        out = model.generate(plain, max_new_tokens=12, do_sample=False)[0, plain.shape[1] :]
        said = tokenizer.decode(out, skip_special_tokens=True).strip()
        assert predictor.predict([messages]) == [{"generated_text": said}]
    assert tokenizer.decode(window.arrays["input_ids"]) == tokenizer.decode(plain[0])
    assert window.arrays["input_ids"].tolist().count(402) == len(messages)


def test_predict_and_evaluate_read_what_train_read(run: Path, folder: Path) -> None:
    said = luthier("predict", run, folder / "talks.jsonl", "--json")
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    assert len(lines) == 30 and all(isinstance(line["generated_text"], str) for line in lines)
    asked = write_jsonl(folder / "asked.jsonl", [{"prompt": "where is my parcel 7"}, talk("where is my parcel 7")])
    two = luthier("predict", run, asked, "--json").stdout.splitlines()
    one = luthier("predict", run, "--text", "where is my parcel 7", "--json").stdout.splitlines()
    assert two == one * 2
    judged = json.loads(luthier("evaluate", run, folder / "talks.jsonl", "--json").stdout)
    assert judged["scores"][0]["name"] == "loss" and judged["scores"][0]["n"] == 30


@pytest.mark.slow
def test_rows_that_a_template_refuses_are_named_before_anything_is_trained(folder: Path) -> None:
    shape = SHAPES["gemma"]
    model = write_causal(folder / "gemma", template=shape.source.replace("{{ bos_token }}", ""), special=shape.special)
    rows = [*talks(12), talk("hi", "hello", system="be kind"), talk("hi there", "hello", system="be kind")]
    data = write_jsonl(folder / "refused.jsonl", rows)
    done = luthier("train", data, *FEW, f"model={model}", "--out", folder / "refused")
    assert done.returncode == 2 and not (folder / "refused").exists()
    (error,) = [json.loads(line) for line in done.stderr.splitlines() if "template-refuses" in line]
    assert error["line"] == 13 and "no system here" in error["message"] and "turn 1" in error["message"]
    assert "data.bad_rows=skip" in error["fix"]
    done = luthier("train", data, *FEW, f"model={model}", "--out", folder / "skipped", "data.bad_rows=skip")
    assert done.returncode == 0, done.stderr
    assert report(folder / "skipped")["data"]["skipped"] == 2


@pytest.mark.slow
def test_a_row_whose_answer_has_no_room_is_named_and_counted_and_not_trained_as_nothing(
    folder: Path, models: TinyModels
) -> None:
    rows = [*talks(20), talk("again and again " * 20, "the parcel"), talk("where", "at the depot " * 20)]
    data, test = write_jsonl(folder / "long.jsonl", rows), write_jsonl(folder / "test.jsonl", talks(4, seed=1))
    done = luthier("train", data, *FEW, f"model={models.causal}", f"data.test={test}", "--out", folder / "long",
                   "train.max_length=40", "data.split.validation=0")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "answer-truncation: 2 rows have an answer, or the end of one, beyond the 40 tokens" in done.stderr
    assert "long.jsonl:21, 22" in done.stderr
    (told,) = [f for f in report(folder / "long")["data"]["findings"] if f["code"] == "answer-truncation"]
    assert told["count"] == 2
    ready = bench("sft", models.causal, max_length=40)
    examples = [ready.codec.task.format.parse(_row(row)) for row in rows]
    taught, _ = ready.codec.task.taught(examples, ready.codec.text)
    assert [example.input for example in taught] == [example.input for example in [*examples[:20], examples[21]]]
    windows = ready.codec.encode_labelled(taught)
    assert len(windows) == 21 and all((window.targets != IGNORE).any() for window in windows)
    assert all(len(window) < 40 for window in windows)


# ---- the task itself


def test_the_loss_is_over_the_answers_or_over_all(models: TinyModels) -> None:
    answers, everything = (bench("sft", models.causal, max_length=200, learns=how) for how in ("answers", "all"))
    for some, all_, example in zip(answers.windows, everything.windows, answers.examples, strict=True):
        ids = some.window.arrays["input_ids"]
        assert ids.tolist() == all_.window.arrays["input_ids"].tolist()
        assert (some.targets == IGNORE).any() and example.answer.weight == 1
        silent = any(turn.role == "assistant" and not turn.weight for turn in example.input.turns)
        assert (all_.targets == IGNORE).any() == silent
        assert all_.targets[: len(ids) - 1][all_.targets[:-1] >= 0].tolist() == [
            i for i, target in zip(ids[1:].tolist(), all_.targets[:-1].tolist(), strict=True) if target >= 0
        ]


def test_a_turn_s_weight_is_that_of_its_tokens_in_the_loss_and_in_what_is_judged(models: TinyModels) -> None:
    ready = bench("sft", models.causal, max_length=200)
    task, text = ready.codec.task, ready.codec.text
    assert isinstance(task, Sft) and not task.weighted
    row = {"messages": [*talk("hi", "one", "and")["messages"], {"role": "assistant", "content": "two", "weight": 0.5}]}
    example = task.format.parse(_row(row))
    weighted = task.learn([example])
    ((prompt,),) = weighted.encode([example.input], text)
    labelled = weighted.attach(prompt, example.answer, text)
    weights = labelled.window.arrays[WEIGHTS]
    assert sorted(set(weights[labelled.targets >= 0].tolist())) == [0.5, 1.0]
    ((judged,),) = weighted.encode([Judged(example.input, example.answer)], text)
    assert (judged.arrays[TARGETS] - 1).tolist() == [max(-1, target) for target in labelled.targets.tolist()]
    np.testing.assert_array_equal(judged.arrays[WEIGHTS], weights)


def test_the_date_that_a_template_asks_for_is_kept(models: TinyModels, tmp_path: Path) -> None:
    from luthier.models.load import load_tokenizer

    model = write_causal(tmp_path / "dated", template="{{ strftime_now('%Y') }}" + SHAPES["chatml"].source)
    task, _, choices = Sft().with_tokenizer(load_tokenizer(model))
    assert task.date and [choice.value for choice in choices if choice.key == "date"] == [task.date]
    again, _, told = Sft(date=task.date).with_tokenizer(load_tokenizer(model))
    assert again == task and [choice.key for choice in told] == ["template"]


def test_what_is_asked_may_be_a_text_messages_or_a_row() -> None:
    task = Sft()
    hello = task.as_input("hello")
    assert task.as_input([{"role": "user", "content": "hello"}]) == task.as_sent({"prompt": "hello"}) == hello
    assert task.as_input({"messages": talk("hello", "an answer")["messages"]}) == hello
    with pytest.raises(DataError, match="no conversation"):
        task.as_input(7)


def test_a_language_model_of_another_kind_is_refused(models: TinyModels, folder: Path) -> None:
    data = write_jsonl(folder / "few.jsonl", talks(12))
    done = luthier("train", data, *FEW, f"model={models.vision}", "--out", folder / "wrong")
    assert done.returncode == 2 and "Traceback" not in done.stderr


def _row(values: dict[str, Any]) -> Any:
    from luthier.errors import Place
    from luthier.types import Row

    return Row(values, Place("memory"))
