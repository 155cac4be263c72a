"""The temperature becomes part of the model, and decisions that are moved afterwards lie where they should."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from luthier.balancing.decide import move_decisions
from luthier.calibrating.scale import FEWEST, calibrate
from luthier.inference.artifact import load_artifact, save_artifact
from luthier.inference.predict import predict
from luthier.models.load import load_tokenizer
from luthier.runtime import Runtime
from luthier.training.loop import train_steps
from luthier.training.optimise import build_optimiser
from luthier.tuning.methods import full
from luthier.types import Example
from tiny import Bench, TinyModels, bench

pytestmark = pytest.mark.slow


def say(ready: Bench, codec) -> np.ndarray:
    return np.stack(predict(ready.model, codec, [e.input for e in ready.examples], device="cpu", max_tokens=9999))


def boasting(task: str, models: TinyModels) -> tuple[Bench, list[Example]]:
    """A model whose logits are far too large for how little it knows, and rows to find that out by."""
    ready = bench(task, models.encoder)
    with torch.no_grad():
        ready.model.classifier.weight.mul_(40)
    return ready, [*ready.examples] * (1 + FEWEST // len(ready.examples))


def learnt(models: TinyModels) -> tuple[Bench, list[Example]]:
    """A model that has learnt its rows, which the shares of unequal classes drown, and that is far too sure of that."""
    ready = bench("classification", models.encoder)
    optimiser = build_optimiser(ready.model, full(ready.model).groups, "adamw", 0.0)
    steps = [ready.batches(99)] * 40
    list(train_steps(ready.model, ready.codec.task.loss, steps, optimiser, lambda _: 2e-3, Runtime(), seed=0))
    with torch.no_grad():
        ready.model.classifier.bias.add_(2 * torch.tensor([600, 60, 6]).log())
        for parameter in ready.model.classifier.parameters():
            parameter.mul_(3)
    return ready, [*ready.examples] * (1 + FEWEST // len(ready.examples))


@pytest.mark.parametrize("task", ["classification", "multilabel"])
def test_the_head_takes_the_temperature_and_plain_transformers_is_as_sure(
    task: str, models: TinyModels, tmp_path: Path
) -> None:
    ready, rows = boasting(task, models)
    batch = ready.batches(99)[0].inputs.tensors
    with torch.no_grad():
        before = ready.model.eval()(**batch).logits.clone()
    said = list(say(ready, ready.codec)) * (len(rows) // len(ready.examples))
    expected = np.stack(ready.codec.task.tempered(said, 1.0))
    codec, found = calibrate(ready.model, ready.codec, rows, said, "auto", device="cpu", seed=0)
    assert found.folded and found.temperature > 1.5 and "too sure" in found.reason and codec == ready.codec
    assert found.before is not None and found.after is not None and found.after < found.before
    save_artifact(tmp_path / "model", ready.model, codec, load_tokenizer(models.encoder).wrapped, "card")
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    with torch.no_grad():
        np.testing.assert_allclose(plain(**batch).logits, before / found.temperature, atol=1e-4)
    now = say(ready, codec)
    np.testing.assert_allclose(now, ready.codec.task.tempered(list(expected), found.temperature)[: len(now)], atol=1e-4)
    decided = (now >= 0.5, expected[: len(now)] >= 0.5) if task == "multilabel" else (now.argmax(1), expected.argmax(1))
    assert np.array_equal(decided[0], decided[1][: len(now)])


def test_a_head_that_cannot_take_it_leaves_it_to_the_codec(
    models: TinyModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready, rows = boasting("classification", models)
    said = list(say(ready, ready.codec)) * (len(rows) // len(ready.examples))
    monkeypatch.setattr("luthier.models.head.logits_layer", lambda model: None)
    codec, found = calibrate(ready.model, ready.codec, rows, said, "auto", device="cpu", seed=0)
    assert not found.folded and codec.task.temperature == found.temperature
    expected = ready.codec.task.tempered(said, found.temperature)[: len(ready.examples)]
    np.testing.assert_allclose(say(ready, codec), expected, atol=1e-5)
    save_artifact(tmp_path / "model", ready.model, codec, load_tokenizer(models.encoder).wrapped, "card")
    read = load_artifact(tmp_path / "model", "cpu").raw([e.input for e in ready.examples])
    np.testing.assert_allclose(np.stack(read), expected, atol=1e-5)


def test_what_stands_behind_the_head_is_noticed_and_the_head_left_as_it_was(models: TinyModels) -> None:
    ready, rows = boasting("classification", models)
    layer = ready.model.classifier
    layer.register_forward_hook(lambda module, given, logits: 5 * torch.tanh(logits / 5))
    kept = layer.weight.detach().clone()
    said = list(say(ready, ready.codec)) * (len(rows) // len(ready.examples))
    codec, found = calibrate(ready.model, ready.codec, rows, said, True, device="cpu", seed=0)
    assert not found.folded and torch.equal(layer.weight, kept)
    assert codec.task.temperature == found.temperature != 1


@pytest.mark.parametrize("task", ["classification", "multilabel"])
def test_decisions_that_are_moved_afterwards_lie_where_the_calibrated_logits_want_them(
    task: str, models: TinyModels
) -> None:
    ready, rows = learnt(models) if task == "classification" else boasting(task, models)
    said = list(say(ready, ready.codec)) * (len(rows) // len(ready.examples))
    answers, counts = [row.answer for row in rows], [600, 60, 6][: len(ready.codec.task.labels)]
    codec, found = calibrate(ready.model, ready.codec, rows, said, "auto", device="cpu", seed=0)
    calm = codec.task.tempered(said, found.temperature)
    moved = move_decisions(ready.model, codec, calm, answers, counts, seed=0)
    assert moved.folded and moved.shifts_C.any()
    expected = codec.task.shifted(calm, moved.shifts_C)
    np.testing.assert_allclose(say(ready, moved.codec), np.stack(expected)[: len(ready.examples)], atol=1e-4)
    first, last = (codec.task.score(each, answers, np.ones((1, len(rows)))) for each in (said, expected))
    main = next(iter(first))
    assert last[main][0] >= first[main][0] - 1e-9


def test_a_refusing_threshold_refuses_the_share_that_it_was_placed_for(models: TinyModels) -> None:
    ready, rows = boasting("classification", models)
    codec = replace(ready.codec, task=replace(ready.codec.task, reject="threshold", keep=0.7))
    said = list(say(ready, codec)) * (len(rows) // len(ready.examples))
    codec, found = calibrate(ready.model, codec, rows, said, "auto", device="cpu", seed=0)
    calm = codec.task.tempered(said, found.temperature)
    codec = move_decisions(ready.model, codec, calm, [r.answer for r in rows], [1, 1, 1], seed=0, moves=False).codec
    now = say(ready, codec)
    kept = (now.argmax(1) < len(codec.task.labels)).mean()
    assert 0.7 - 1e-9 <= kept < 1 and codec.task.accepts < 0.99


def test_too_few_rows_say_nothing_unless_it_is_asked_for(models: TinyModels) -> None:
    ready, _ = boasting("classification", models)
    few, said = ready.examples, list(say(ready, ready.codec))
    before = ready.model.classifier.weight.detach().clone()
    _, found = calibrate(ready.model, ready.codec, few, said, "auto", device="cpu", seed=0)
    assert found.temperature == 1 and "too few" in found.reason and torch.equal(ready.model.classifier.weight, before)
    assert calibrate(ready.model, ready.codec, few, said, True, device="cpu", seed=0)[1].temperature > 1
