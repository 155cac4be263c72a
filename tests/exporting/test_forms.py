"""A form says what the original says, whatever the task; and one that says otherwise is found out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from exporting.helpers import original, trial
from luthier import catalog
from luthier.errors import ConfigError, ModelError
from luthier.explaining import explain
from luthier.exporting.compare import Apart, alike
from luthier.inference.graph import Graph
from luthier.inference.predict import predict
from tiny import TinyModels, bench

slow = pytest.mark.slow


@slow
def test_a_graph_says_what_the_model_says_however_texts_are_padded(models: TinyModels, tmp_path: Path) -> None:
    """Of several heads, one for the whole text and one for its tokens."""
    first = original("multitask", models.encoder, tmp_path, larger=2.0)
    found = trial(first, "onnx", tmp_path / "onnx")
    assert found.gate.passed and found.gate.equal == 1 and 0 <= (found.gate.furthest or 0) < 1e-4
    assert isinstance(found.exported.model, Graph)
    assert "part_owners" not in found.exported.model.inputs
    alone = [replace(found.exported, max_tokens=1).predict([value]) for value in first.inputs]
    together = replace(found.exported, max_tokens=10_000).predict(first.inputs)
    assert all(alike(one[0], two) for one, two in zip(alone, together, strict=True))
    with pytest.raises(ModelError, match="graph"):
        _ = found.exported.weights
    mine, theirs = (explain(one, first.inputs[:1], "occlusion")[0] for one in (found.exported, first.predictor))
    for one, other in zip(mine.reasons, theirs.reasons, strict=True):
        np.testing.assert_allclose(one.values, other.values, atol=1e-3)
    assert explain(found.exported, first.inputs[:1])[0].how == "occlusion"
    with pytest.raises(ModelError, match="graph"):
        explain(found.exported, first.inputs[:1], "gradient")


@slow
def test_a_decoders_vector_is_read_at_its_last_token_by_the_graph_too(models: TinyModels, tmp_path: Path) -> None:
    first = original("retrieval", models.decoder, tmp_path, pooling="last")
    found = trial(first, "onnx", tmp_path / "onnx")
    assert found.gate.passed
    vectors = found.exported.raw(first.inputs)
    np.testing.assert_allclose(np.stack(vectors), np.stack(first.predictor.raw(first.inputs)), atol=1e-4)
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)


@slow
def test_eight_bits_pass_by_what_the_interval_says_they_lose(models: TinyModels, tmp_path: Path) -> None:
    first = original("classification", models.encoder, tmp_path, larger=2.0)
    found = trial(first, "onnx-int8", tmp_path / "int8", 0.999)
    gate = found.gate
    assert gate.lost is not None and gate.lost.low <= gate.lost.value <= gate.lost.high
    assert gate.metric == "macro_f1" and gate.before is not None and gate.after is not None
    assert gate.lost.value == pytest.approx(gate.before - gate.after)
    judge = catalog.exporter("onnx-int8").judge
    assert judge(first, found.exported, found.folder, gate.lost.high, lambda _: None).passed
    failed = judge(first, found.exported, found.folder, gate.lost.high - 1e-6, lambda _: None)
    assert not failed.passed and "--max-loss" in failed.sentence
    assert sorted(path.name for path in found.folder.glob("*.onnx*")) == ["model.onnx"]
    assert all(np.abs(np.subtract(one, two)).max() > 0 for one, two in zip(
        first.predictions[:1], found.exported.raw(first.inputs[:1]), strict=True))  # fmt: skip


@slow
def test_a_language_model_reads_back_from_gguf_and_a_wrong_tensor_is_found_out(
    models: TinyModels, tmp_path: Path
) -> None:
    first = original("sft", models.causal, tmp_path, larger=3.0, max_new_tokens=4)
    found = trial(first, "gguf", tmp_path / "gguf")
    assert found.gate.passed and found.gate.furthest, found.gate.sentence
    assert not list(found.folder.glob("*.safetensors"))
    assert isinstance(found.exported.predict(["where is my parcel"])[0]["generated_text"], str)
    small = trial(first, "gguf-q8", tmp_path / "small")
    assert small.gate.passed and (small.gate.furthest or 0) > found.gate.furthest
    assert (small.folder / "model.gguf").stat().st_size < (found.folder / "model.gguf").stat().st_size
    first.predictor.model.model.layers[1].self_attn.k_proj.weight.data[0, 0] += 1
    wrong = catalog.exporter("gguf").judge(first, found.exported, found.folder, 0.01, lambda _: None)
    assert not wrong.passed and "blk.1.attn_k.weight" in wrong.sentence


@slow
def test_a_merged_folder_with_another_weight_does_not_pass(models: TinyModels, tmp_path: Path) -> None:
    first = original("seq2seq", models.t5, tmp_path)
    found = trial(first, "merged", tmp_path / "merged")
    assert found.gate.passed and found.gate.furthest == 0
    found.exported.model.lm_head.weight.data *= 1.01
    wrong = catalog.exporter("merged").judge(first, found.exported, found.folder, 0.01, lambda _: None)
    assert not wrong.passed and "asked for" in wrong.sentence


def test_numpy_reads_logits_as_torch_does(models: TinyModels) -> None:
    """One way for all: what torch computes goes through the same reading as what a graph computes."""
    import torch

    from luthier.graphed import log_softmax, sigmoid, softmax

    logits = torch.tensor([[-90.0, 0.0, 89.0], [1.0, 2.0, 3.5]])
    for ours, theirs in ((softmax, logits.softmax(-1)), (log_softmax, logits.log_softmax(-1)),
                         (sigmoid, logits.sigmoid())):  # fmt: skip
        said = ours(logits.numpy())
        assert said.dtype == np.float32
        np.testing.assert_allclose(said, theirs.numpy(), rtol=2e-6, atol=1e-30)
    ready = bench("classification", models.encoder)
    said = predict(ready.model, ready.codec, [e.input for e in ready.examples], device="cpu", max_tokens=99)
    assert np.stack(said).sum(1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("task", "model", "form", "said"),
    [
        ("classification", "encoder", "gguf", "causal language models: llama"),
        ("sft", "causal", "onnx", "token by token"),
        ("fusion", "encoder", "onnx", "needs torch"),
        ("classification", "encoder", "gguf-q8", "--format onnx or merged"),
    ],
)
def test_a_form_that_a_task_cannot_have_is_refused_with_what_fits(
    task: str, model: str, form: str, said: str, models: TinyModels
) -> None:
    from luthier.models.find import find_model

    folder: Path = getattr(models, model)
    config = find_model(str(folder), weights=False).config
    with pytest.raises(ConfigError, match=said):
        catalog.exporter(form).check(catalog.task(task)(), config, folder)


def test_what_is_no_number_is_within_no_bound() -> None:
    assert Apart(1e-5, 0.5).within(1e-4) and not Apart(2e-4, 0.5).within(1e-4)
    assert Apart(1e-3, 100.0).within(1e-4)
    assert not Apart(float("inf"), 1e9).within(1e-4) and not Apart(float("nan"), 1.0).within(1e-4)


def test_answers_are_alike_by_their_words_and_numbers_by_being_near() -> None:
    assert alike({"label": "a", "score": 0.9}, {"label": "a", "score": 0.5})
    assert not alike({"label": "a", "score": 0.9}, {"label": "b", "score": 0.9})
    assert alike({"score": 2.5}, {"score": 2.5005}) and not alike({"score": 2.5}, {"score": 2.6})
    assert alike([], []) and not alike([{"word": "x", "start": 1}], [{"word": "x", "start": 2}])
