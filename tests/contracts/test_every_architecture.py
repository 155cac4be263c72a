"""Every make of encoder that is supported, and decoders as classifiers, with every tuning method: tiny models with
random weights, but real in all else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers as hf

from luthier import catalog
from luthier.errors import ModelError
from luthier.inference.artifact import load_artifact, save_artifact
from luthier.inference.frozen import frozen_features
from luthier.inference.predict import predict
from luthier.models.load import load_tokenizer
from luthier.runtime import Runtime
from luthier.training.loop import train_steps
from luthier.training.optimise import build_optimiser
from luthier.tuning.methods import head
from tiny import Bench, bench, save_tiny, vocabulary_size

pytestmark = pytest.mark.slow

LAYERS: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "max_position_embeddings": 64,
}  # fmt: skip
ENDS: dict[str, Any] = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
KEYS: dict[str, Any] = {"num_key_value_heads": 2, "pad_token_id": None, "bos_token_id": 2, "eos_token_id": 3}
POSITIONS = {**LAYERS, "max_position_embeddings": 66, "type_vocab_size": 1, **ENDS}
DISENTANGLED: dict[str, Any] = {
    "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False,
    "max_relative_positions": 16, "type_vocab_size": 0,
}  # fmt: skip
MAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("Bert", LAYERS),
    "roberta": ("Roberta", POSITIONS),
    "xlm-roberta": ("XLMRoberta", POSITIONS),
    "distilbert": ("DistilBert", {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}),
    "deberta-v2": ("DebertaV2", {**LAYERS, **DISENTANGLED}),
    "electra": ("Electra", {**LAYERS, "embedding_size": 16}),
    "albert": ("Albert", {**LAYERS, "embedding_size": 16}),
    "modernbert": ("ModernBert", {**LAYERS, **ENDS, "cls_token_id": 2, "sep_token_id": 3, "local_attention": 16}),
    "t5-encoder": ("T5", {**ENDS, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}),
    "llama": ("Llama", {**LAYERS, **KEYS}),
    "qwen2": ("Qwen2", {**LAYERS, **KEYS}),
    "gpt2": ("GPT2", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "pad_token_id": 0}),
}
_NO_STACK = {("albert", "last_layers")}
"""ALBERT has one layer, used again and again."""
QUICK = ("full", "head", "last_layers", "lora")
PAIRS = [(make, method) for make in MAKES for method in QUICK if (make, method) not in _NO_STACK]
_KIN = [*(name for name in catalog.tuning_names() if name not in QUICK), "ia3", "prompt_tuning"]
PAIRS += [(make, _KIN[(i + j) % len(_KIN)]) for i, make in enumerate(MAKES) for j in (0, 3)]


def write(folder: Path, make: str) -> Path:
    name, settings = MAKES[make]
    config = getattr(hf, f"{name}Config")(vocab_size=vocabulary_size(), **settings)
    save_tiny(folder, getattr(hf, f"{name}EncoderModel" if name == "T5" else f"{name}Model")(config))
    return folder


def say(ready: Bench, model: Any, max_tokens: int) -> np.ndarray:
    inputs = [example.input for example in ready.examples]
    return np.stack(predict(model, ready.codec, inputs, device="cpu", max_tokens=max_tokens))


@pytest.fixture(params=MAKES)
def ready(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return bench("classification", write(tmp_path / "model", request.param))


def test_its_answer_does_not_depend_on_the_padding_beside_it(ready: Bench) -> None:
    np.testing.assert_allclose(say(ready, ready.model, 1), say(ready, ready.model, 9999), atol=1e-5)


def test_the_head_can_begin_with_what_the_untuned_model_knows(ready: Bench) -> None:
    inputs = [example.input for example in ready.examples]
    features = frozen_features(ready.model, ready.codec, inputs, Runtime(), max_tokens=9999, keep_states=False)
    again = frozen_features(ready.model, ready.codec, inputs, Runtime(), max_tokens=1, keep_states=False)
    assert features.head_inputs is not None and again.head_inputs is not None
    np.testing.assert_allclose(features.head_inputs, again.head_inputs, atol=1e-4)
    np.testing.assert_allclose(features.vectors, again.vectors, atol=1e-4)


def test_its_saved_model_answers_alike(ready: Bench, tmp_path: Path) -> None:
    save_artifact(tmp_path / "saved", ready.model, ready.codec, load_tokenizer(tmp_path / "model").wrapped, "a card")
    predictor = load_artifact(tmp_path / "saved")
    np.testing.assert_allclose(say(ready, predictor.model, 9999), say(ready, ready.model, 9999), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("make", "method"), PAIRS)
def test_every_tuning_method_moves_it_and_merges_into_the_same_answers(make: str, method: str, tmp_path: Path) -> None:
    ready = bench("classification", write(tmp_path / "model", make))
    options: dict[str, Any] = {"last_layers": {"n": 1}, "pattern": {"pattern": ".*(norm|Norm|bias).*"}}.get(method, {})
    before = say(ready, ready.model, 9999)
    tuned = catalog.tuning_method(method)(ready.model, **options)
    batch = ready.batches(99)[0]
    optimiser = build_optimiser(tuned.model, tuned.groups, "adamw", 0.0)
    for _ in train_steps(
        tuned.model, ready.codec.task.loss, [[batch]] * 2, optimiser, lambda _: 1e-2, Runtime(), seed=0
    ):
        pass
    trained = say(ready, tuned.model, 9999)
    assert np.abs(trained - before).max() > 1e-3
    if not tuned.stays:
        np.testing.assert_allclose(say(ready, tuned.merge(), 9999), trained, atol=1e-4)


def test_a_decoder_reads_its_last_real_token_even_where_its_configuration_names_another_padding(
    tmp_path: Path,
) -> None:
    folder = write(tmp_path / "model", "llama")
    config = folder / "config.json"
    config.write_text(config.read_text("utf-8").replace('"pad_token_id": null', '"pad_token_id": 7'), "utf-8")
    ready = bench("classification", folder)
    np.testing.assert_allclose(say(ready, ready.model, 1), say(ready, ready.model, 9999), atol=1e-5)


def test_albert_says_why_it_has_no_last_layers(tmp_path: Path) -> None:
    ready = bench("classification", write(tmp_path / "model", "albert"))
    with pytest.raises(ModelError, match="no stack of separate layers"):
        catalog.tuning_method("last_layers")(ready.model, n=1)
    assert head(ready.model).groups
