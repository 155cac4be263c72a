"""Text to text through the command: learnt, compared with what is cheap, written alike by every way out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient

import luthier
from luthier import catalog
from luthier.data.split import Split
from luthier.inference.artifact import load_artifact
from luthier.inference.predict import predict
from luthier.models.load import load_tokenizer
from luthier.probing import look
from luthier.production.serve import make_app
from luthier.progress import SILENT
from luthier.runtime import Runtime
from luthier.tasks.seq2seq import Seq2Seq
from luthier.types import IDS, IGNORE
from tiny import SAMPLES, TinyModels, bench, write_bart, write_csv, write_t5
from workflow.helpers import QUICK, digest, report
from workflow.helpers import luthier as command

pytestmark = pytest.mark.slow

NAMES = ("Anna", "Tom", "Mia", "Ben", "Leo", "Ida", "Max", "Sue")
THINGS = ("parcel", "table", "bike", "printer", "umbrella", "soup", "train", "key")
SMALL = [*QUICK, "train.epochs=2", "task.max_new_tokens=12", "task.samples=6"]


def dialogues(path: Path, count: int = 48) -> Path:
    rows = []
    for i in range(count):
        who, other, what = NAMES[i % 8], NAMES[(i * 3 + 1) % 8], THINGS[(i // 8 + i) % 8]
        rows.append((f"{who}: Where is the {what}? {other}: It is here. Is it, {i}?", f"{who} asks for the {what}."))
    return write_csv(path, ["input", "output"], rows)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("seq2seq")
    write_t5(folder / "t5", dropout_rate=0.1)
    write_bart(folder / "bart")
    dialogues(folder / "dialogues.csv")
    done = command("train", folder / "dialogues.csv", *SMALL, "--model", folder / "t5", "--out", folder / "run")
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout, encoding="utf-8")
    return folder


def test_the_task_is_told_by_its_columns_and_the_run_by_its_scores(place: Path) -> None:
    told = report(place / "run")
    assert told["task"] == "seq2seq"
    names = [score["name"] for score in told["scores"]]
    assert names[:3] == ["rouge_l", "loss", "perplexity"]
    assert {"rouge_1", "rouge_2", "chrf", "bleu", "exact_match", "length_ratio", "stopped"} <= set(names)
    assert "json_valid" not in names and "numeric_match" not in names
    assert list(told["baselines"]) == ["lead", "untuned", "nearest"]
    assert "the beginning of the input" in (place / "said.txt").read_text("utf-8") or told["verdict"]["baseline"]
    by_name = {score["name"]: score["value"] for score in told["scores"]}
    untuned = {score["name"]: score["value"] for score in told["baselines"]["untuned"]}
    assert by_name["loss"] < untuned["loss"]
    rows = {score["name"]: score["n"] for score in told["scores"]}
    assert rows["loss"] == told["split"]["test"] > rows["rouge_l"] == rows["stopped"] == 6
    assert "on 6 test rows" in told["verdict"]["sentence"]
    assert "loss" not in {score["name"] for score in told["baselines"]["lead"]}


def test_predict_serve_and_python_write_the_same(place: Path, tmp_path: Path) -> None:
    texts = ["Tom: Where is the bike? Sue: It is here.", "Mia: Where is the key?"]
    said = load_artifact(place / "run").predict(texts)
    (tmp_path / "asked.jsonl").write_text("".join(json.dumps({"input": text}) + "\n" for text in texts))
    done = command("predict", place / "run", tmp_path / "asked.jsonl", "--json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == said, done.stderr
    with TestClient(make_app([lambda: load_artifact(place / "run")], lambda _: None)) as client:
        while client.get("/health/ready").status_code != 200:
            pass
        assert client.post("/predict", json={"inputs": texts}).json()["predictions"] == said
    assert luthier.load(place / "run").predict(texts) == said
    assert all(set(each) == {"generated_text"} for each in said)


def test_evaluate_writes_for_other_rows(place: Path) -> None:
    dialogues(place / "more.csv", 10)
    done = command("evaluate", place / "run", place / "more.csv", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scores"][0]["name"] == "rouge_l"


@pytest.mark.slow
@pytest.mark.parametrize("make", ["t5", "bart"])
def test_a_resume_ends_with_the_same_bits(make: str, place: Path, tmp_path: Path) -> None:
    words = ["train", place / "dialogues.csv", *SMALL, "--model", place / make]
    whole = command(*words, "--out", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    again = command(*words, "--out", tmp_path / "again")
    assert again.returncode == 0, again.stderr
    run = tmp_path / "again"
    newest = max((run / "checkpoints").iterdir(), key=lambda path: int(path.name.rpartition("-")[2]))
    for path in (run / "report.json", run / "report.html"):
        path.unlink()
    import shutil

    shutil.rmtree(newest)
    shutil.rmtree(run / "model")
    resumed = command(*words, "--out", run, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert digest(run) == digest(tmp_path / "whole")
    assert report(run)["scores"] == report(tmp_path / "whole")["scores"]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "last_layers"])
@pytest.mark.parametrize("make", ["t5", "bart"])
def test_every_way_of_tuning_writes_after_merging_as_before(make: str, method: str, models: TinyModels) -> None:
    ready = bench("seq2seq", getattr(models, make), samples=3, max_new_tokens=8)
    options = {"n": 1} if method == "last_layers" else {}
    tuned = catalog.tuning_method(method)(ready.model, **options)
    with torch.no_grad():
        for parameter in tuned.model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    asked = ready.codec.task.questions(ready.examples)
    before, after = (
        [(said.text, said.nll) for said in predict(model, ready.codec, asked, device="cpu", max_tokens=999)]
        for model in (tuned.model, tuned.merge())
    )
    assert [text for text, _ in before] == [text for text, _ in after]
    np.testing.assert_allclose([nll for _, nll in before], [nll for _, nll in after], rtol=1e-4)


@pytest.mark.parametrize("typed", ["</s>", "<pad>", "a </s> b", "<s>x</s></s>", "</s></s>", "<unk>"])
@pytest.mark.parametrize("make", ["t5", "bart"])
def test_nobody_can_type_a_special_token(make: str, typed: str, models: TinyModels) -> None:
    ready = bench("seq2seq", getattr(models, make))
    text, task = ready.codec.text, ready.codec.task
    special = set(load_tokenizer(getattr(models, make)).wrapped.all_special_ids)
    (window,) = ready.codec.encode([f"hello {typed} there"])[0]
    framed = text.tokenizer.encode("").ids
    inside = window.arrays[IDS].tolist()
    assert sorted(i for i in inside if i in special) == sorted(framed)
    targets = task.attach(window, typed, text).targets.tolist()
    assert [i for i in targets if i in special] == list(task.closing)
    if make == "bart":  # bytes lose nothing
        assert typed in text.tokenizer.decode(inside[1:-1], skip_special_tokens=True)


def test_a_source_is_cut_at_its_end_and_an_answer_that_is_too_long_does_not_teach_its_end(models: TinyModels) -> None:
    ready = bench("seq2seq", models.bart, max_length=16)
    (window,) = ready.codec.encode(["a b c d e f g h i j k l m n o p q r s t"])[0]
    assert len(window.arrays[IDS]) == 16 and window.cut > 0 and window.arrays[IDS][-1] == 2
    attached = ready.codec.task.attach(window, "word " * 500, ready.codec.text)
    assert len(attached.window.arrays["decoder_input_ids"]) <= 128 and 2 not in attached.targets.tolist()
    assert ready.model(**ready.codec.collate([attached.window]).tensors).logits.isfinite().all()


def test_a_prefix_stands_before_every_input_and_is_measured_with_it(models: TinyModels) -> None:
    plain, told = bench("seq2seq", models.t5), bench("seq2seq", models.t5, prefix="summarize: ")
    asked = plain.examples[0].input
    assert told.codec.encode([asked])[0][0].arrays[IDS].tolist() == (
        plain.codec.encode(["summarize: " + asked])[0][0].arrays[IDS].tolist()
    )
    assert told.codec.task.measured(told.examples)[0] == "summarize: " + asked


def test_the_likelihood_that_is_told_is_the_loss_that_is_learnt(models: TinyModels) -> None:
    for folder in (models.t5, models.bart):
        ready = bench("seq2seq", folder)
        (batch,) = ready.batches(99)
        said = predict(
            ready.model, ready.codec, ready.codec.task.questions(ready.examples), device="cpu", max_tokens=99
        )
        judged = said[: len(ready.examples)]
        loss = ready.codec.task.loss(ready.model.eval(), batch).item()
        assert sum(each.nll for each in judged) == pytest.approx(loss, rel=1e-4)
        assert sum(each.learnt for each in judged) == batch.num_targets == int((batch.targets != IGNORE).sum())


def test_an_answer_has_room_for_as_many_tokens_as_this_tokenizer_makes_of_long_ones(models: TinyModels) -> None:
    answers = ["三个字", "二十个汉字在字节级的分词器里要占六十个词元之多"] * 30
    task, choices = Seq2Seq().settle(answers)
    assert (task.max_new_tokens, choices) == (None, [])
    task, choices = task.fitted(models.bart)
    tokens = len(load_tokenizer(models.bart).backend.encode(answers[1]).ids)
    assert task.max_new_tokens == round(1.25 * tokens) > 2 * len(answers[1]) and not task.long_answers
    assert [choice.key for choice in choices] == ["max_new_tokens"]
    told, choices = Seq2Seq(max_new_tokens=7).settle(answers)
    assert told.fitted(models.bart)[0].max_new_tokens == 7 and not choices


def test_the_beginning_of_the_input_is_as_many_sentences_as_suit_the_answers(models: TinyModels) -> None:
    ready = bench("seq2seq", models.t5, samples=99)
    one = [e.__class__("First words. Second words. Third words.", "First words.") for e in ready.examples[:3]]
    two = [e.__class__("First words. Second words. Third words.", "First words. Second words.") for e in one]
    for examples, begun in ((one, "First words."), (two, "First words. Second words.")):
        frozen = look(ready.model, ready.codec, Split(examples, [], one), Runtime(), 999, 0, SILENT)
        assert frozen is not None
        assert {said.text for said in ready.codec.task.baselines(frozen, 0)["lead"]()} == {begun}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["task.num_beams=0"], "task.num_beams"),
        (["task.max_new_tokens=0"], "task.max_new_tokens"),
        (["task.target_language=de"], "no languages"),
        (["task.label_smoothing=1"], "task.label_smoothing"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_key(words: list[str], said: str, place: Path, tmp_path: Path) -> None:
    done = command("train", place / "dialogues.csv", *words, "--model", place / "t5", "--out", tmp_path / "run")
    assert done.returncode == 2 and said in done.stderr
    assert not (tmp_path / "run").exists()


def test_an_encoder_alone_is_refused_and_told_what_fits(place: Path, models: TinyModels, tmp_path: Path) -> None:
    done = command("train", place / "dialogues.csv", "--model", models.encoder, "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "no decoder" in done.stderr and "T5" in done.stderr and "sft" in done.stderr


def test_an_input_may_be_a_text_or_an_object() -> None:
    task = Seq2Seq()
    assert task.as_input("a") == task.as_input({"input": "a"}) == "a"
    with pytest.raises(luthier.errors.DataError, match="is no text"):
        task.as_input(3)


@pytest.mark.slow
def test_beams_and_smoothing_learn_and_write_too(place: Path, tmp_path: Path) -> None:
    more: list[Any] = ["task.num_beams=3", "task.label_smoothing=0.1", "task.prefix=summarize: ", "tuning.method=lora"]
    done = command(
        "train", place / "dialogues.csv", *SMALL, *more, "--model", place / "bart", "--out", tmp_path / "run"
    )
    assert done.returncode == 0, done.stderr
    habits = json.loads((tmp_path / "run" / "model" / "generation_config.json").read_text("utf-8"))
    assert habits["num_beams"] == 3 and habits["max_new_tokens"] == 13  # with the first, which is given
    card = (tmp_path / "run" / "model" / "README.md").read_text("utf-8")
    assert 'with "summarize: " before each' in card and "Labels" not in card
    assert (tmp_path / "run" / "adapter" / "adapter_model.safetensors").is_file()


def test_the_samples_are_short_dialogues() -> None:
    rows = [json.loads(line) for line in (SAMPLES / "seq2seq.jsonl").read_text("utf-8").splitlines()]
    assert 12 <= len(rows) <= 16 and all(set(row) == {"input", "output"} for row in rows)
