"""The faster encoder says what the model itself says, and steps aside where somebody learns or looks inside."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from luthier.inference.artifact import load_artifact
from luthier.inference.predict import predict
from luthier.models.first_position import first_position_only
from luthier.models.quick.install import quicken
from tiny import TinyModels, bench

TEXTS = ["parcel", "my money back please", "the invoice was charged twice and the card is not mine", "快递", "a parcel"]


@pytest.mark.parametrize("kind", ["encoder", "roberta"])
@pytest.mark.parametrize("task", ["classification", "ner"])
def test_answers_are_those_of_the_model_itself_padded_or_not(task: str, kind: str, models: TinyModels) -> None:
    ready = bench(task, getattr(models, kind))
    inputs = [example.input for example in ready.examples[:9]]
    plain = predict(ready.model, ready.codec, inputs, device="cpu", max_tokens=4096)
    assert quicken(ready.model) == 1
    quick = predict(ready.model, ready.codec, inputs, device="cpu", max_tokens=4096)
    shown = [ready.codec.task.show(one) for one in plain]
    for one, two in zip(shown, [ready.codec.task.show(one) for one in quick], strict=True):
        assert str(one).split("'score'")[0] == str(two).split("'score'")[0]
    batch = ready.codec.collate([windows[0] for windows in ready.codec.encode(inputs)])
    alone = copy.deepcopy(ready.model).eval()
    with torch.inference_mode():
        said, own = (model(**batch.tensors).logits for model in (ready.model, alone))
    real = batch.tensors["attention_mask"].bool() if said.ndim == 3 else slice(None)  # nobody reads what padding says
    torch.testing.assert_close(said[real], own[real], atol=1e-5, rtol=1e-4)


def test_the_last_layer_at_the_first_position_alone_says_the_same(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    model = ready.model.eval()
    batch = ready.codec.collate([windows[0] for windows in ready.codec.encode(TEXTS)])
    own = copy.deepcopy(model)
    quicken(model)
    with torch.inference_mode(), first_position_only(model):
        said = model(**batch.tensors)
        torch.testing.assert_close(said.logits, own(**batch.tensors).logits, atol=1e-5, rtol=1e-4)
        assert model.bert.encoder(torch.randn(2, 3, 32)).last_hidden_state.shape[1] == 1


def test_it_steps_aside_for_gradients_for_hidden_states_for_hooks_and_for_other_weights(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    model = ready.model.eval()
    batch = ready.codec.collate([windows[0] for windows in ready.codec.encode(TEXTS)])
    quicken(model)
    encoder, calls = model.bert.encoder, []
    quick: Any = encoder.forward
    quick._states, inner = (lambda *words, **given: calls.append(1) or inner(*words, **given)), quick._states
    with torch.inference_mode():
        model(**batch.tensors)
        assert len(calls) == 1
        assert len(model(**batch.tensors, output_hidden_states=True).hidden_states) == len(encoder.layer) + 1
        assert len(calls) == 1
    copied = copy.deepcopy(model)
    copied(**batch.tensors).logits.sum().backward()
    assert all(weight.grad is not None for weight in copied.bert.encoder.parameters()) and len(calls) == 1
    with torch.no_grad():
        encoder.layer[0].output.dense.weight.add_(1)
    with torch.inference_mode():
        changed = model(**batch.tensors).logits
        torch.testing.assert_close(changed, copy.deepcopy(model)(**batch.tensors).logits)
    assert len(calls) == 1


@pytest.mark.parametrize("kind", ["distilbert", "decoder"])
def test_models_of_another_make_are_left_as_they_are(kind: str, models: TinyModels) -> None:
    assert quicken(bench("classification", getattr(models, kind)).model) == 0


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_batches_side_by_side_give_each_input_its_own_answer(kind: str, models: TinyModels) -> None:
    ready = bench("classification", getattr(models, kind))
    inputs = [f"parcel {i} {'late ' * (i % 9)}" for i in range(200)]
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = predict(ready.model, ready.codec, inputs, device="cpu", max_tokens=4096)
        torch.set_num_threads(3)
        counted: list[int] = []
        together = predict(ready.model, ready.codec, inputs, device="cpu", max_tokens=4096, done=counted.append)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert sum(counted) == len(inputs) and len(counted) >= 3
    for one, two in zip(alone, together, strict=True):
        torch.testing.assert_close(torch.from_numpy(one), torch.from_numpy(two), atol=1e-5, rtol=1e-4)


def test_a_failure_in_one_of_them_is_told(models: TinyModels) -> None:
    from luthier.models.quick.side_by_side import side_by_side

    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda number: 1 // number, [3, 2, 1, 0, 5, 6, 7], 2))


def test_a_loaded_run_answers_by_it(models: TinyModels, tmp_path: Path) -> None:
    from luthier.inference.artifact import save_artifact
    from luthier.models.load import load_tokenizer
    from luthier.models.quick.encoder import Encoder

    ready = bench("classification", models.encoder)
    save_artifact(tmp_path / "m", ready.model, ready.codec, load_tokenizer(models.encoder).wrapped, "card")
    assert isinstance(load_artifact(tmp_path / "m", "cpu").weights.bert.encoder.forward, Encoder)
