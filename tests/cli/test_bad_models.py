"""Models and settings that do not fit each other, the data or the machine, a line a case: refused through the command,
with place, fact and remedy, before anything is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from marks import every_third_fast
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import luthier

Change = Callable[[Path], object]


def edited(file: str, **values: object) -> Change:
    """The model folder with values of a JSON file changed."""

    def change(folder: Path) -> object:
        path = folder / file
        return path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **values}), encoding="utf-8")

    return change


def without(file: str) -> Change:
    return lambda folder: (folder / file).unlink()


def cut(file: str) -> Change:
    return lambda folder: (folder / file).write_bytes((folder / file).read_bytes()[:-100])


def text(file: str, content: str) -> Change:
    return lambda folder: (folder / file).write_text(content, encoding="utf-8")


def pickled(folder: Path) -> object:
    (folder / "model.safetensors").unlink()
    return (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def narrow(folder: Path) -> object:
    """Weights of an embedding with fewer rows than the tokenizer has tokens."""
    from transformers import BertModel

    model = BertModel.from_pretrained(str(folder))
    model.resize_token_embeddings(20)
    return model.save_pretrained(str(folder))


KEEP: Change = lambda folder: None  # noqa: E731
MODEL = "bert"
CASES: list[tuple[str, Change, list[str], str, str]] = [
    ("a near name", KEEP, ["model=./berd"], "no such model folder", "did you mean 'bert'"),
    ("an empty folder", lambda f: [p.unlink() for p in f.iterdir()], [], "config.json is missing", "tokenizer.json"),
    ("a file", KEEP, ["model=./tickets.csv"], "is a file", "config.json"),
    ("a broken config.json", text("config.json", '{"model_type": '), [], "is not JSON", "fetch the model again"),
    ("a config.json without model_type", text("config.json", "{}"), [], "names no model_type", "fetch"),
    ("an unknown model_type", edited("config.json", model_type="berd"), [], "cannot be loaded", "right kind"),
    ("no weights", without("model.safetensors"), [], "model.safetensors is missing", "copy the weights"),
    ("pickled weights", pickled, [], "only as a pickle", "safetensors"),
    ("no tokenizer", without("tokenizer.json"), [], "tokenizer.json is missing", "slow tokenizers"),
    ("a broken tokenizer", text("tokenizer.json", "{}"), [], "no usable tokenizer", "fetch the model again"),
    ("cut weights", cut("model.safetensors"), [], "cannot be loaded", "whole"),
    ("a tokenizer larger than the embedding", narrow, [], "the model's embedding 20 rows", "tokenizer that the model"),
    ("longer than the model takes", KEEP, ["train.max_length=1000"], "1000 is more than the 64", "train.max_length=64"),
    ("fp16 without a GPU", KEEP, ["train.precision=fp16"], "fp16 is for GPUs", "train.precision=auto"),
    ("a LoRA target that matches nothing", KEEP, ["tuning=lora", "tuning.target_modules=[qqq]"], "'qqq'", "query"),
    ("more last layers than there are", KEEP, ["tuning=last_layers", "tuning.n=99"], "99", "3"),
    ("a decay out of range", KEEP, ["tuning=full", "tuning.layer_decay=3"], "is 3", "at most 1"),
    (
        "a group column that is not there",
        KEEP,
        ["data.split.group=customr"],
        "no column 'customr'",
        "data.split.group=",
    ),
    ("text and label the same", KEEP, ["data.columns.text=team", "data.columns.label=team"], "both", "two columns"),
    ("a column that is not there", KEEP, ["data.columns.label=taem"], "no column 'taem'", "did you mean 'team'"),
    ("the output is a file", KEEP, ["out=tickets.csv"], "is a file", "--out"),
    ("the output is the model's folder", KEEP, ["out=bert"], "holds no run", "--out"),
    ("the output lies in a file", KEEP, ["out=tickets.csv/run"], "tickets.csv", "--out"),
]


@pytest.mark.parametrize(
    ("change", "words", "says", "fix"), every_third_fast(c[1:] for c in CASES), ids=[c[0] for c in CASES]
)
def test_it_is_refused(
    change: Change, words: list[str], says: str, fix: str, models: TinyModels, tmp_path: Path
) -> None:
    write_csv(tmp_path / "tickets.csv", ("body", "team"), ticket_rows(60))
    shutil.copytree(models.encoder, tmp_path / MODEL)
    change(tmp_path / MODEL)
    before = sorted(tmp_path.rglob("*"))
    named = [] if any(word.startswith("model=") for word in words) else [f"model=./{MODEL}"]
    done = luthier("train", "tickets.csv", *named, *words, cwd=tmp_path)
    assert done.returncode == 2, done.stdout[-500:] + done.stderr
    refusal = done.stderr[done.stderr.rindex("fix: ") - 600 if "fix: " in done.stderr else 0 :]
    assert says in done.stderr and fix in refusal, done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
    chinese = luthier("train", "tickets.csv", *named, *words, cwd=tmp_path, LUTHIER_LANG="zh")
    assert chinese.returncode == 2 and any("\u4e00" <= c <= "\u9fff" for c in chinese.stderr)
