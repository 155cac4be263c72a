"""Moved decisions become part of the model: plain transformers gives the same ones, an adapter carries them."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from luthier import catalog
from luthier.balancing.decide import move_decisions, shift_logits
from luthier.inference.artifact import load_artifact, save_artifact
from luthier.inference.predict import predict
from luthier.models.load import load_tokenizer
from luthier.runtime import Runtime
from luthier.training.loop import train_steps
from luthier.training.optimise import build_optimiser
from luthier.tuning.methods import full
from tiny import Bench, TinyModels, bench

pytestmark = pytest.mark.slow

SHIFTS = np.array([-1.0, 0.25, 2.5])


def moved(ready: Bench, method: str):
    """The tuned model with its logits shifted, what came of it, and what it should say now."""
    tuned = catalog.tuning_method(method)(ready.model)
    before = say(ready, tuned.model, ready.codec)
    expected = np.stack(ready.codec.task.shifted(list(before), SHIFTS))
    assert np.abs(expected - before).max() > 0.1
    return tuned, shift_logits(tuned.model, ready.codec, SHIFTS), expected


def say(ready: Bench, model: torch.nn.Module, codec) -> np.ndarray:
    return np.stack(predict(model, codec, [e.input for e in ready.examples], device="cpu", max_tokens=9999))


@pytest.mark.parametrize("method", ["full", "head", "lora"])
@pytest.mark.parametrize("make", ["encoder", "roberta", "distilbert"])
def test_the_shift_is_folded_into_the_heads_bias(method: str, make: str, models: TinyModels, tmp_path: Path) -> None:
    ready = bench("classification", getattr(models, make))
    tuned, result, expected = moved(ready, method)
    assert result.folded and result.codec == ready.codec
    np.testing.assert_allclose(say(ready, tuned.model, result.codec), expected, atol=1e-5)
    save_artifact(tmp_path / "model", tuned.merge(), result.codec, load_tokenizer(models.encoder).wrapped, "card")
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    batch = ready.batches(99)[0].inputs.tensors
    with torch.no_grad():
        np.testing.assert_allclose(plain(**batch).logits.softmax(-1).numpy(), expected, atol=1e-5)


def test_an_adapter_is_saved_with_the_shift(models: TinyModels, tmp_path: Path) -> None:
    from peft import PeftModel

    ready = bench("classification", models.encoder)
    tuned, result, expected = moved(ready, "lora")
    assert tuned.save_adapter is not None
    tuned.save_adapter(tmp_path)
    base = transformers.BertForSequenceClassification.from_pretrained(
        models.encoder, **dict(ready.codec.task.head_options())
    )
    again = PeftModel.from_pretrained(base, str(tmp_path)).eval()
    np.testing.assert_allclose(say(ready, again, result.codec), expected, atol=1e-5)


def test_where_the_head_has_no_bias_the_codec_shifts(models: TinyModels, tmp_path: Path) -> None:
    ready = bench("classification", models.decoder)
    tuned, result, expected = moved(ready, "full")
    assert not result.folded and result.codec.task.shifts == tuple(SHIFTS)
    save_artifact(tmp_path / "model", tuned.merge(), result.codec, load_tokenizer(models.decoder).wrapped, "card")
    served = load_artifact(tmp_path / "model", "cpu").raw([e.input for e in ready.examples])
    np.testing.assert_allclose(np.stack(served), expected, atol=1e-5)


def test_the_shift_is_the_one_that_the_validation_rows_ask_for(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    examples, counts = ready.examples * 10, (600, 60, 6)
    loop = train_steps(
        ready.model, ready.codec.task.loss, [ready.batches(99)] * 40,
        build_optimiser(ready.model, full(ready.model).groups, "adamw", 0.0), lambda _: 2e-3, Runtime(), seed=0,
    )  # fmt: skip
    assert len(list(loop)) == 40
    with torch.no_grad():  # what it has learnt, drowned by the shares of the classes
        ready.model.classifier.bias.add_(2 * torch.tensor(counts).log())
    said = say(ready, ready.model, ready.codec)
    assert len(set(said.argmax(1).tolist())) == 1
    answers = [example.answer for example in examples]
    expected = ready.codec.task.best_shifts(list(said) * 10, answers, counts, 0)
    bias = ready.model.classifier.bias.detach().numpy().copy()
    result = move_decisions(ready.model, ready.codec, list(said) * 10, answers, counts, seed=0)
    np.testing.assert_allclose(result.shifts_C, expected, atol=1e-6)
    assert np.diff(expected).min() > 0.5  # the rarer, the more it is raised
    np.testing.assert_allclose(ready.model.classifier.bias.detach().numpy() - bias, expected, atol=1e-5)
    right = say(ready, ready.model, ready.codec).argmax(1) == ready.codec.task.row_classes(answers[: len(said)])
    assert right.mean() > 0.7
