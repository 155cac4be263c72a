"""Entities through the command: from a file of words or of spans to places in the user's own text."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient

import luthier as api
from luthier.codec import Codec
from luthier.errors import DataError
from luthier.formats.entities import Passage
from luthier.formats.marked.spans import Entity
from luthier.formats.marked.words import join_words
from luthier.inference.artifact import load_artifact
from luthier.production.serve import make_app
from luthier.tagging.reading import read_tags
from luthier.tasks.ner import Ner
from luthier.types import IGNORE
from tasks.passages import passages, write_conll, write_spans
from tiny import TinyModels, bench, write_jsonl
from workflow.helpers import QUICK, luthier, report

pytestmark = pytest.mark.slow

LINES = [
    "Ada Brook moved to Oslo",
    "we met 😀 Omar in cafe\u0301 Rome, today",
    "nobody answered",
    "  \u3000Zürich\u00a0  is late",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Path:
    """One run on words with tags, looked at by many tests."""
    folder = tmp_path_factory.mktemp("ner")
    data = write_conll(folder / "data.conll", 90)
    done = luthier("train", data, "--model", models.encoder, "--out", folder / "run", *QUICK, "train.epochs=2")
    assert done.returncode == 0, done.stderr
    return folder / "run"


def said(run: Path, *words: object, **more: Any) -> list[Any]:
    done = luthier("predict", run, *words, "--json", **more)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_scores_baselines_and_the_table_by_type_are_reported(run: Path) -> None:
    told = report(run)
    assert [score["name"] for score in told["scores"]] == [
        "entity_f1", "precision", "recall", "token_accuracy", "loss",
    ]  # fmt: skip
    values = {name: scores[0]["value"] for name, scores in told["baselines"].items()}
    assert list(values) == ["majority", "tfidf", "embeddings"]
    assert values["majority"] == 0 and values["tfidf"] > 0.5 and told["scores"][0]["value"] > 0.9
    assert [row["label"] for row in told["details"]["per_class"]] == ["person", "place"]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "entity_f1" in page and 'scope="row">person<' in page


def test_what_is_predicted_lies_in_the_text_as_it_was_written(run: Path, tmp_path: Path) -> None:
    for text, found in zip(LINES, said(run, "-", stdin="\n".join(LINES)), strict=True):
        for entity in found:
            assert set(entity) == {"entity_group", "score", "word", "start", "end"}
            assert text[entity["start"] : entity["end"]] == entity["word"] == entity["word"].strip() != ""
    first = said(run, "--text", LINES[0])[0]
    assert [(e["entity_group"], e["word"]) for e in first] == [("person", "Ada Brook"), ("place", "Oslo")]


def test_a_text_without_entities_is_answered_too(run: Path) -> None:
    done = luthier("predict", run, "--text", "nobody answered")
    assert done.stdout == "–\tnobody answered\n"


def test_files_of_words_of_texts_and_of_columns_are_answered_alike(run: Path, tmp_path: Path) -> None:
    words = ["Ada", "Brook", "moved", "to", "Oslo"]
    conll = tmp_path / "new.conll"
    conll.write_text("".join(f"{word} O\n" for word in words) * 1, encoding="utf-8")
    rows = write_jsonl(tmp_path / "new.jsonl", [{"tokens": words}, {"tokens": ["nobody"]}])
    texts = tmp_path / "new.txt"
    texts.write_text(" ".join(words) + "\n", encoding="utf-8")
    by_text = said(run, "--text", " ".join(words))[0]
    assert [said(run, file)[0] for file in (conll, rows, texts)] == [by_text] * 3


def test_a_server_takes_strings(run: Path) -> None:
    predictor = load_artifact(run)
    with TestClient(make_app([lambda: predictor], lambda error: None)) as client:
        while client.get("/health/ready").status_code != 200:
            pass
        told = client.post("/predict", json={"inputs": [LINES[0], LINES[2]]}).json()["predictions"]
        surest = client.post("/predict", json={"inputs": LINES[0], "top_k": 1}).json()["predictions"]
    assert [[entity["word"] for entity in found] for found in told] == [["Ada Brook", "Oslo"], []]
    assert len(surest[0]) == 1


def test_mistakes_are_told_by_what_was_missed_and_what_was_said_instead() -> None:
    task = Ner(labels=("person", "place"))
    scores = np.log(np.full((3, 5), 0.05))
    scores[[0, 1, 2], [1, 0, 3]] = np.log(0.8)
    reading = read_tags(task.scheme, "Ada in Oslo", np.array([[0, 3], [4, 6], [7, 11]]), scores)
    mistake = task.mistake(reading, (Entity(0, 3, "person"), Entity(4, 6, "place")))
    assert mistake is not None
    assert (mistake.answer, mistake.said) == ("in = place", "Oslo = place")
    assert mistake.weight == pytest.approx(0.8)
    assert task.mistake(reading, (Entity(0, 3, "person"), Entity(7, 11, "place"))) is None


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("task.tagging=iob", "bio or bioes"),
        ("balance=oversample", "has no classes to balance"),
        ("augment=swap", "augment=none"),
        ("task.labels=a", "unknown setting"),
    ],
)
def test_what_has_no_meaning_here_is_refused(setting: str, says: str, tmp_path: Path, models: TinyModels) -> None:
    data = write_conll(tmp_path / "data.conll", 30)
    out = tmp_path / "out"
    done = luthier("train", data, "task=ner", "--model", models.encoder, "--out", out, setting, *QUICK)
    assert done.returncode == 2 and says in done.stderr, done.stderr
    assert not out.exists()


def test_an_input_that_is_no_text_is_refused() -> None:
    with pytest.raises(DataError, match="is no text"):
        Ner().as_input(3)
    assert Ner().as_input(["Ada", "left"]) == Passage("Ada left", ((0, 3), (4, 8)))


def test_a_word_is_learnt_at_its_first_token_alone(models: TinyModels) -> None:
    ready = bench("ner", models.encoder)
    ((window,),) = ready.codec.encode([Passage("qqq Oslo")])
    targets = ready.codec.task.attach(window, (Entity(0, 3, "person"),), ready.codec.text).targets
    assert [int(tag) for tag in targets] == [IGNORE, 1, IGNORE, IGNORE, 0, IGNORE]


class Exact:
    """Stands for a model that knows the answer: the logits of a window are those of the tokens that it holds."""

    def __init__(self, codec: Codec, passage: Passage, answer: tuple[Entity, ...]) -> None:
        self.codec, self.passage, self.answer = codec, passage, answer

    def read(self) -> list[Entity]:
        ((*windows,),) = self.codec.encode([self.passage])
        tags = len(self.codec.task.head_options()["id2label"])
        logits = []
        for window in windows:
            targets = self.codec.task.attach(window, self.answer, self.codec.text).targets
            logits.append(np.log(np.full((len(targets), tags), 0.01, np.float32)))
            logits[-1][np.arange(len(targets)), np.where(targets == IGNORE, 0, targets)] = 0.0
        return self.codec.decode(self.passage, windows, logits).spans


@pytest.mark.parametrize("tagging", ["bio", "bioes"])
@pytest.mark.parametrize("length", [8, 12, 64])
def test_a_long_document_is_read_in_windows_as_if_it_were_one(tagging: str, length: int, models: TinyModels) -> None:
    ready = bench("ner", models.encoder, tagging=tagging)
    codec = replace(ready.codec, text=replace(ready.codec.text, max_length=length))
    text, answer = "", []
    for words, _ in passages(8):
        answer.append(Entity(len(text), len(text) + len(" ".join(words[:2])), "person"))
        text += " ".join(words) + " "
    assert Exact(codec, Passage(text), tuple(answer)).read() == answer


@pytest.mark.parametrize("tagging", ["bio", "bioes"])
@pytest.mark.parametrize("cut", [True, False])
def test_words_with_signs_are_found_whole_in_files_and_in_raw_text(tagging: str, cut: bool, models: TinyModels) -> None:
    ready = bench("ner", models.encoder, tagging=tagging)
    words = ["mia", "#Bell", "met", "O'Neil", "u.s.", "4D", "Oslo-Rome", "读", "M", "B", "A"]
    text, places = join_words(words)
    spans = [(0, 1), (3, 3), (4, 5), (6, 6), (8, 10)]
    answer = tuple(Entity(places[a][0], places[b][1], "person") for a, b in spans)
    assert Exact(ready.codec, Passage(text, places if cut else ()), answer).read() == list(answer)


HARD = [
    ("😀 Ada\u0301 李雷\r\n met İpek", ["Ada\u0301", "李雷", "İpek"]),
    ("东京的王芳，在北京。", ["东京", "王芳", "北京"]),
    ("👩‍👩‍👧 Straße 12 و القاهرة", ["Straße 12", "القاهرة"]),
    ("東京へ\u3000行く ", ["東京"]),
]


@pytest.mark.parametrize(("text", "names"), HARD)
@pytest.mark.parametrize("clean", [(), ("nfc", "html", "control", "whitespace")])
def test_spans_are_exact_in_hard_texts(text: str, names: list[str], clean: tuple[str, ...], models: TinyModels) -> None:
    ready = bench("ner", models.encoder)
    codec = replace(ready.codec, clean=clean)
    read = codec.cleaned(Passage(text)).text  # the answer is learnt in the text as it is read
    composed = {name: name if name in read else name.replace("a\u0301", "á") for name in names}
    answer = tuple(Entity(read.index(n), read.index(n) + len(n), "person") for n in composed.values())
    ((*windows,),) = codec.encode([Passage(text)])
    exact = Exact(replace(codec, clean=()), Passage(read), answer)
    assert [read[a:b] for a, b, _ in exact.read()] == list(composed.values())
    logits = [_log(codec, window, answer) for window in windows]
    found = codec.decode(Passage(text), windows, logits)
    assert [text[a:b] for a, b, _ in found.spans] == names
    assert [entity["word"] for entity in codec.task.show(found)] == names


def _log(codec: Codec, window: Any, answer: tuple[Entity, ...]) -> np.ndarray:
    targets = codec.task.attach(window, answer, codec.text).targets
    logits = np.log(np.full((len(targets), 5), 0.01, np.float32))
    logits[np.arange(len(targets)), np.where(targets == IGNORE, 0, targets)] = 0.0
    return logits


LONGER = ["train.epochs=12", "train.learning_rate=1e-2"]
"""A head alone on random features, which the vocabulary of all samples decides, needs more than the others."""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["head", "last_layers", "lora"])
def test_every_tuning_method_trains_it(method: str, tmp_path: Path, models: TinyModels) -> None:
    data = write_spans(tmp_path / "data.jsonl", 150)
    out = tmp_path / "out"
    settings = ["task=ner", f"tuning.method={method}", "task.tagging=bioes", "train.max_length=8", *QUICK, *LONGER]
    done = luthier("train", data, "--model", models.encoder, "--out", out, *settings, LUTHIER_LANG="zh")
    assert done.returncode == 0, done.stderr
    assert report(out)["scores"][0]["value"] > 0.5  # the head begins with a probe
    text = "we met Omar today and then Ada Brook left for Oslo , it was late and Mia Bell left for Rome"
    ((*found,),) = api.load(out).predict([text])
    assert {text[e["start"] : e["end"]] for e in found} == {e["word"] for e in found} != set()


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["roberta", "distilbert", "decoder"])
def test_it_trains_on_every_make_of_model(architecture: str, tmp_path: Path, models: TinyModels) -> None:
    data = write_conll(tmp_path / "data.conll", 60)
    out = tmp_path / "out"
    done = luthier("train", data, "--model", getattr(models, architecture), "--out", out, *QUICK)
    assert done.returncode == 0, done.stderr
    assert report(out)["scores"][0]["value"] > 0.5


@pytest.mark.slow
def test_chinese_characters_with_tags_are_learnt_and_found_where_they_stand(tmp_path: Path) -> None:
    model = characters(tmp_path / "model", "王芳李雷住在上海去北京了今天明我很忙和他，。")
    people, places = ["王芳", "李雷"], ["上海", "北京"]
    frames = ["{p}住在{l}。", "今天{p}去{l}了", "{p}和{p}很忙", "我明天去{l}，他很忙", "{l}今天很忙"]
    draw = np.random.default_rng(0)
    blocks: dict[str, None] = {}
    while len(blocks) < 60:
        lines: list[str] = []
        for piece in str(draw.choice(frames)).replace("{", "|{").replace("}", "}|").split("|"):
            kinds = {"{p}": ("NAME", people), "{l}": ("LOC", places)}.get(piece)
            word = str(draw.choice(kinds[1])) if kinds else piece
            tags = ["O"] * len(word) if kinds is None else [f"B-{kinds[0]}", f"E-{kinds[0]}"]
            lines += [f"{c} {tag}\n" for c, tag in zip(word, tags, strict=True)]
        lines += ["今 O\n", "天 O\n"] * int(draw.integers(0, 4))
        blocks["".join(lines)] = None
    data = tmp_path / "train.bmes"
    data.write_text("\n".join(blocks), encoding="utf-8")
    out = tmp_path / "out"
    more = ["train.epochs=10", "data.split.near_duplicates=false"]
    done = luthier("train", data, "task=ner", "--model", model, "--out", out, *QUICK, *more)
    assert done.returncode == 0, done.stderr
    text = " 王芳\u3000住在北京。😀\r\n我和李雷去上海"
    ((*found,),) = api.load(out).predict([text])
    assert [(e["entity_group"], text[e["start"] : e["end"]]) for e in found] == [
        ("NAME", "王芳"), ("LOC", "北京"), ("NAME", "李雷"), ("LOC", "上海"),
    ]  # fmt: skip


def characters(folder: Path, text: str) -> Path:
    """A small BERT of random weights that reads characters."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir()
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(text))]), encoding="utf-8"
    )
    tokenizer = BertTokenizerFast(vocab=str(vocabulary))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
