"""Pairs of texts with a label: read, cut, learnt and answered as pairs, in Chinese as in English."""

import json
from pathlib import Path

import numpy as np
import pytest

from luthier.inference.predict import predict
from luthier.tasks.classification import Classification
from luthier.types import Example
from tiny import TinyModels, bench, write_csv
from workflow.helpers import QUICK
from workflow.helpers import luthier as command


def test_pairs_are_shown_more_often_than_texts_of_which_the_head_knows_something() -> None:
    texts = Classification().learn([Example("a", "x"), Example("b", "y")])
    pairs = Classification().learn([Example(("a", "b"), "x"), Example(("b", "c"), "y")])
    answers = ["x", "y"] * 2000
    assert pairs.pairs and not texts.pairs
    assert pairs.usual_epochs(answers)[0] > texts.usual_epochs(answers)[0]


def test_of_a_pair_the_longer_text_is_cut(models: TinyModels) -> None:
    ready = bench("classification", models.encoder, max_length=12)
    ((window,),) = ready.codec.encode([("money back", "my parcel is two days late " * 5)])
    whole, separator = ready.codec.text.tokenizer, 3
    ids = window.arrays["input_ids"].tolist()
    first = whole.encode("money back", add_special_tokens=False).ids
    assert len(ids) == 12 and ids[1 : 1 + len(first)] == first and ids.count(separator) == 2
    assert window.cut > 0


@pytest.mark.parametrize("task", ["classification", "regression", "multilabel"])
def test_in_both_orders_a_pair_that_is_turned_round_gets_the_same_answer(models: TinyModels, task: str) -> None:
    ready = bench(task, models.encoder, both_orders=True)
    pair, turned = ("money back", "my parcel is late"), ("my parcel is late", "money back")
    one, other = predict(ready.model, ready.codec, [pair, turned], device="cpu", max_tokens=256)
    assert np.allclose(one, other, atol=1e-6)
    plain = bench(task, models.encoder)
    one, other = predict(plain.model, plain.codec, [pair, turned], device="cpu", max_tokens=256)
    assert not np.allclose(one, other, atol=1e-6)


@pytest.mark.slow
def test_both_orders_are_learnt_under_a_remedy_that_repeats_rows_too(models: TinyModels, tmp_path: Path) -> None:
    rows = [(f"{a} {i}", f"{b} {i}", "same" if i % 4 else "other") for i, (a, b) in enumerate(
        [("where is my parcel", "parcel still missing"), ("money back", "refund please")] * 16)]  # fmt: skip
    data = write_csv(tmp_path / "pairs.csv", ["text", "text_pair", "label"], rows)
    done = command("train", data, "--model", models.encoder, "--out", tmp_path / "run", *QUICK[1:], "train.epochs=1",
                   "data.split.near_duplicates=false", "task.both_orders=true", "balance=oversample")  # fmt: skip
    assert done.returncode == 0, done.stderr
    card = (tmp_path / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert "the mean of both orders" in card


@pytest.mark.slow
def test_chinese_pairs_run_through(models: TinyModels, tmp_path: Path) -> None:
    rows = [(f"快递{i}号到了没有", f"快递{i}号什么时候到" if i % 2 else f"怎么退款{i}", i % 2) for i in range(60)]
    data = write_csv(tmp_path / "对.csv", ["sentence1", "sentence2", "label"], rows)
    done = command("train", data, "--model", models.encoder, "--out", tmp_path / "run", *QUICK[1:], "train.epochs=1",
                   "data.split.near_duplicates=false", LUTHIER_LANG="zh")  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    tfidf = {score["name"]: score["value"] for score in told["baselines"]["tfidf"]}
    assert tfidf["accuracy"] > 0.9  # by what the two texts share
    (line,) = command("predict", tmp_path / "run", "-", "--json",
                      stdin='{"sentence1": "快递到了吗", "sentence2": "什么时候到"}\n').stdout.splitlines()  # fmt: skip
    assert set(json.loads(line)) == {"label", "score"}
