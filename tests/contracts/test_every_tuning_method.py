"""What every tuning method promises, on every make of model. A new function is tested here without a line more."""

import copy
from pathlib import Path

import pytest
import torch
import transformers

from luthier import catalog
from luthier.errors import ConfigError
from luthier.runtime import Runtime
from luthier.training.loop import train_steps
from luthier.training.optimise import build_optimiser, copy_weights, restore_weights, trainable
from luthier.tuning.parts import Tuned
from marks import some_fast
from tiny import Bench, TinyModels, bench

QUICK = ("full", "head", "last_layers", "lora")
"""The others differ from one of these in an option or two; what that does is tested in tests/tuning/."""
MORE = ("ia3", "prompt_tuning")
"""Of PEFT's own methods one that is merged and one that stays beside the model."""
pytestmark = pytest.mark.parametrize(
    "method",
    some_fast((*catalog.tuning_names(), *MORE), QUICK),
)


@pytest.fixture(params=some_fast(["encoder", "roberta", "distilbert", "decoder"], ("encoder",)))
def ready(request: pytest.FixtureRequest, models: TinyModels) -> Bench:
    return bench("classification", getattr(models, request.param))


def tune(ready: Bench, method: str, steps: int = 3) -> Tuned:
    tuned = catalog.tuning_method(method)(ready.model)
    optimiser = build_optimiser(tuned.model, tuned.groups, "adamw", 0.01)
    loop = train_steps(
        tuned.model, ready.codec.task.loss, [ready.batches(4)] * steps, optimiser, lambda _: 1e-2, Runtime(), seed=0
    )
    for _ in loop:
        pass
    return tuned


def test_every_trainable_weight_is_in_exactly_one_group(ready: Bench, method: str) -> None:
    tuned = catalog.tuning_method(method)(ready.model)
    named = [name for group in tuned.groups for name in group.names]
    assert sorted(named) == sorted(trainable(tuned.model))


def test_only_what_it_leaves_free_moves(ready: Bench, method: str) -> None:
    tuned = catalog.tuning_method(method)(ready.model)
    before = copy.deepcopy(tuned.model.state_dict())
    free = set(trainable(tuned.model))
    optimiser = build_optimiser(tuned.model, tuned.groups, "adamw", 0.01)
    loop = train_steps(
        tuned.model, ready.codec.task.loss, [ready.batches(99)], optimiser, lambda _: 1e-2, Runtime(), seed=0
    )
    assert len(list(loop)) == 1
    moved = {name for name, value in tuned.model.state_dict().items() if not value.equal(before[name])}
    assert moved and moved <= free


def test_it_merges_into_the_plain_model_with_the_same_answers(ready: Bench, method: str) -> None:
    plain_names, plain_type = set(ready.model.state_dict()), type(ready.model)
    tuned = tune(ready, method)
    batch = ready.batches(99)[0]
    inputs = batch.inputs.tensors
    tuned.model.eval()
    with torch.no_grad():
        before = tuned.model(**inputs).logits
        merged = tuned.merge(lambda model: ready.codec.task.loss(model, batch)).eval()
        after = before if tuned.stays else merged(**inputs).logits
    assert type(merged) is plain_type and set(merged.state_dict()) == plain_names
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def test_its_weights_can_be_put_down_and_picked_up(ready: Bench, method: str) -> None:
    tuned = tune(ready, method, steps=1)
    saved = copy_weights(tuned.model)
    with torch.no_grad():
        for parameter in trainable(tuned.model).values():
            parameter.zero_()
    restore_weights(tuned.model, saved)
    assert all(p.equal(saved[name]) for name, p in trainable(tuned.model).items())


@pytest.mark.slow
def test_it_learns(ready: Bench, method: str) -> None:
    tuned = catalog.tuning_method(method)(ready.model)
    optimiser = build_optimiser(tuned.model, tuned.groups, "adamw", 0.0)
    loop = train_steps(
        tuned.model, ready.codec.task.loss, [ready.batches(99)] * 40, optimiser, lambda _: 3e-3, Runtime(), seed=0
    )
    losses = [step.loss for step in loop]
    assert sum(losses[-5:]) / 5 < losses[0]


def test_the_head_always_learns(ready: Bench, method: str) -> None:
    tuned = catalog.tuning_method(method)(ready.model)
    assert any("classifier" in name or "score" in name for name in trainable(tuned.model))


def test_its_options_are_read_from_its_signature(method: str) -> None:
    import inspect

    if method in MORE:
        return
    parameters = inspect.signature(catalog.tuning_method(method)).parameters
    expected = {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert {name: default for name, (_, default) in catalog.tuning_options(method).items()} == expected


def test_an_adapter_is_saved_as_peft_saves_it(ready: Bench, method: str, tmp_path: Path) -> None:
    tuned = tune(ready, method)
    if tuned.save_adapter is None:
        assert "target_modules" not in catalog.tuning_options(method)
        return
    if tuned.stays:
        return
    inputs = ready.batches(99)[0].inputs.tensors
    with torch.no_grad():
        expected = tuned.model.eval()(**inputs).logits
    tuned.save_adapter(tmp_path)
    assert (tmp_path / "adapter_model.safetensors").is_file() and (tmp_path / "adapter_config.json").is_file()
    from peft import PeftModel

    kind = getattr(transformers, type(ready.model).__name__)
    plain = kind.from_pretrained(ready.model.config.name_or_path, **dict(ready.codec.task.head_options()))
    with torch.no_grad():
        torch.testing.assert_close(PeftModel.from_pretrained(plain, str(tmp_path)).eval()(**inputs).logits, expected)


def test_last_layers_refuses_more_than_there_are(models: TinyModels, method: str) -> None:
    if "n" not in catalog.tuning_options(method):
        return
    with pytest.raises(ConfigError, match="has 3 layers, not 9"):
        catalog.tuning_method(method)(bench("classification", models.encoder).model, n=9)
