"""Pretraining as a user has it: from nothing, continued, by the next token and by hidden ones."""

import json
import math
import random
import shutil
from pathlib import Path

import pytest
import torch
import transformers

from luthier.errors import ConfigError, ModelError
from luthier.inference.artifact import load_artifact
from luthier.models.load import load_model
from luthier.types import IDS
from luthier.writer import Judged, Written
from tiny import TinyModels, bench, write_jsonl
from workflow.helpers import Done, digest, luthier, report

pytestmark = pytest.mark.slow

HOW = ["train.epochs=4", "train.batch_size=2", "train.learning_rate=3e-3", "train.max_length=32",
       "train.precision=fp32", "train.save_every=3", "data.split.test=0.25", "data.split.validation=0.2"]  # fmt: skip


_WHO = ["miller", "baker", "cat", "mouse", "daughter", "river", "wheel", "bridge", "bell", "door"]
_DOES = ["sees", "fears", "turns", "moves", "likes", "calls", "mends", "wakes", "passes", "grinds"]
_WHERE = ["mill", "stone", "ice", "flour", "sacks", "water", "night", "spring", "winter", "light"]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences of one pattern with other words each time, so that there is something to learn that is not copied."""
    draw = random.Random(0)

    def sentence() -> str:
        who, does, whom, where = map(draw.choice, (_WHO, _DOES, _WHO, _WHERE))
        return f"The {who} {does} the {whom} by the {where}."

    path = tmp_path_factory.mktemp("texts") / "mill.jsonl"
    return write_jsonl(path, ({"text": " ".join(sentence() for _ in range(4))} for _ in range(60)))


def train(texts: Path, model: Path, out: Path, *more: str) -> Done:
    return luthier("train", texts, "--task", "pretrain", "--model", model, "--out", out, *HOW, *more)


@pytest.fixture(scope="module")
def written(texts: Path, models: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal model from a folder without weights."""
    folder = tmp_path_factory.mktemp("written")
    made = luthier("tokenizer", texts, "--out", folder / "none", "--model", "llama", "--layers", 2, "--width", 48,
                   "--heads", 4, "--context", 64, "--vocabulary", 400)  # fmt: skip
    assert made.returncode == 0, made.stderr
    done = train(texts, folder / "none", folder / "run", "tuning.method=scratch", "train.epochs=8")
    assert done.returncode == 0, done.stderr
    assert "nothing is pretrained" in done.stdout
    return folder / "run"


@pytest.fixture(scope="module")
def filled(texts: Path, models: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A masked model that learns on."""
    run = tmp_path_factory.mktemp("filled") / "run"
    done = train(texts, models.masked, run)
    assert done.returncode == 0, done.stderr
    return run


@pytest.mark.slow
def test_from_nothing_it_learns_more_than_how_common_tokens_are(written: Path) -> None:
    found = report(written)
    names = [score["name"] for score in found["scores"]]
    assert names == ["loss", "perplexity", "bits_per_character"]
    loss, perplexity, bits = (score["value"] for score in found["scores"])
    assert perplexity == pytest.approx(math.exp(loss), rel=1e-6) and bits < loss
    assert set(found["baselines"]) == {"majority", "bigram"}
    assert loss < 0.8 * found["baselines"]["majority"][0]["value"]
    assert found["throughput"]["real_to_padded"] > 0.97


@pytest.mark.slow
def test_plain_transformers_finds_the_texts_as_likely_as_the_report_says(written: Path, texts: Path) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(written / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(written / "model")
    predictor = load_artifact(written)
    words = json.loads(texts.read_text("utf-8").splitlines()[0])["text"][:60]
    (said,) = predictor.raw([Judged(words, None)])
    ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(words)["input_ids"], tokenizer.eos_token_id]])
    with torch.inference_mode():
        mean = model(ids, labels=ids).loss.item()
    assert said.learnt == ids.shape[1] - 1 and said.nll / said.learnt == pytest.approx(mean, rel=1e-4)


@pytest.mark.slow
def test_it_goes_on_from_a_text_as_plain_transformers_does(written: Path) -> None:
    done = luthier("predict", written, "--text", "The miller has", "--json")
    said = json.loads(done.stdout)["generated_text"]
    model = transformers.AutoModelForCausalLM.from_pretrained(written / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(written / "model")
    ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer("The miller has")["input_ids"]]])
    ended = model.generate(ids, max_new_tokens=64 - ids.shape[1], do_sample=False)[0, ids.shape[1] :]
    assert said and tokenizer.decode(ended, skip_special_tokens=True).strip().startswith(said[:40])


@pytest.mark.slow
def test_a_run_that_was_stopped_ends_as_if_it_never_had_been(
    filled: Path, texts: Path, models: TinyModels, tmp_path: Path
) -> None:
    """Which tokens are hidden at a step hangs on the step, not on where the run was taken up."""
    run = tmp_path / "run"
    shutil.copytree(filled, run)
    shutil.rmtree(run / "model")
    (run / "report.json").unlink()
    earlier, latest = sorted((run / "checkpoints").iterdir(), key=lambda path: int(path.name.rpartition("-")[2]))
    shutil.rmtree(latest)
    done = train(texts, models.masked, run, "--resume")
    assert done.returncode == 0, done.stderr
    assert f"going on after step {earlier.name.rpartition('-')[2]}" in done.stdout and digest(run) == digest(filled)


@pytest.mark.slow
def test_a_masked_model_fills_what_is_hidden_as_hugging_face_does(filled: Path) -> None:
    predictor = load_artifact(filled)
    assert predictor.codec.task.masking == "words"
    text = "The mill stands by the [MASK]."
    (best,), (three,) = predictor.predict([text]), predictor.predict([text], top_k=3)
    pipe = transformers.pipeline("fill-mask", model=str(filled / "model"), top_k=3)
    for ours, theirs in zip(three, pipe(text), strict=True):
        assert ours["token"] == theirs["token"] and ours["token_str"] == theirs["token_str"]
        assert ours["score"] == pytest.approx(theirs["score"], rel=1e-3)
        assert ours["sequence"] == theirs["sequence"]
    assert best == three[0]
    (two,) = predictor.predict(["The [MASK] stands by the [MASK]."])
    assert len(two) == 2 and {"score", "token", "token_str", "sequence"} == set(two[0])
    (read,) = predictor.predict(["The mill stands."])
    assert set(read) == {"loss", "tokens"}


@pytest.mark.slow
def test_a_masked_model_has_the_untuned_one_to_beat(filled: Path) -> None:
    found = report(filled)
    assert set(found["baselines"]) == {"majority", "untuned"}
    assert found["scores"][0]["value"] < found["baselines"]["untuned"][0]["value"]
    assert [score["name"] for score in found["scores"]] == ["loss", "perplexity"]


@pytest.mark.slow
@pytest.mark.parametrize("make", ["written", "filled"])
def test_classification_goes_on_from_what_was_pretrained(
    make: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source: Path = request.getfixturevalue(make)
    rows = [{"text": f"the {word} {n}", "label": word} for n in range(20) for word in ("mill", "river")]
    data = write_jsonl(tmp_path / "d.jsonl", rows)
    done = luthier("train", data, "--model", source / "model", "--out", tmp_path / "run", "train.epochs=1")
    assert done.returncode == 0 and "start at random" not in done.stderr, done.stderr


def test_a_folder_without_weights_can_only_be_trained_from_nothing(tmp_path: Path, texts: Path) -> None:
    luthier("tokenizer", texts, "--out", tmp_path / "m", "--model", "bert", "--layers", 1, "--width", 32, "--quiet")
    done = train(texts, tmp_path / "m", tmp_path / "run")
    assert done.returncode == 2
    assert "model.safetensors is missing" in done.stderr and "tuning.method=scratch" in done.stderr
    one, other, third = (
        load_model(tmp_path / "m", "AutoModelForMaskedLM", {}, seed=seed, device="cpu") for seed in (1, 1, 2)
    )
    weight = "bert.encoder.layer.0.output.dense.weight"
    states = [loaded.model.state_dict()[weight] for loaded in (one, other, third)]
    assert states[0].equal(states[1]) and not states[0].equal(states[2])
    assert weight in one.fresh


def test_nothing_of_pretrained_weights_is_left_in_a_model_from_nothing(models: TinyModels) -> None:
    from luthier.models.load import afresh

    loaded = load_model(models.plain, "AutoModelForCausalLM", {}, seed=0, device="cpu")
    before = {name: p.clone() for name, p in loaded.model.named_parameters()}
    begun = [afresh(loaded, seed).model.state_dict() for seed in (3,)]
    again = afresh(loaded, 3).model.state_dict()
    assert all(value.equal(again[name]) for name, value in begun[0].items())
    assert all(not again[name].equal(p) for name, p in before.items() if p.ndim > 1)


def test_the_objective_is_the_models_own_and_no_other(models: TinyModels) -> None:
    masked, causal = (bench("pretrain", folder).codec.task for folder in (models.masked, models.plain))
    assert (masked.masking, masked.auto_class) == ("words", "AutoModelForMaskedLM")
    assert (causal.masking, causal.auto_class) == ("none", "AutoModelForCausalLM")
    with pytest.raises(ConfigError, match="reads a text from both sides"):
        bench("pretrain", models.masked, masking="none")
    with pytest.raises(ConfigError, match="reads a text from its beginning"):
        bench("pretrain", models.plain, masking="words")
    with pytest.raises(ModelError, match="has no token for what is hidden"):
        bench("pretrain", models.encoder)
    with pytest.raises(ModelError, match="task=seq2seq"):
        bench("pretrain", models.t5)


def test_a_text_longer_than_a_block_is_judged_whole(models: TinyModels) -> None:
    ready = bench("pretrain", models.plain)
    words = " ".join(example.input for example in ready.examples)
    groups = ready.codec.encode([Judged(words, None)])
    parts = [Written(nll=2.0, learnt=float(len(window.arrays[IDS]))) for window in groups[0]]
    said = ready.codec.decode(Judged(words, None), groups[0], parts)
    assert said.nll == 2.0 * len(parts) and said.characters == len(words)
    assert said.learnt == len(ready.codec.text.tokenizer.encode(words).ids) + 1
