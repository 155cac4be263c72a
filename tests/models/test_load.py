"""A large model goes straight to the GPU; what is loaded is the same."""

from typing import Any

import pytest
import torch

from luthier.models import load
from luthier.models.load import load_model, loading_with
from tiny import TinyModels


@pytest.mark.parametrize("auto_class", ["AutoModelForCausalLM", "AutoModelForSequenceClassification"])
def test_weights_put_straight_onto_a_device_are_those_moved_there(auto_class: str, models: TinyModels) -> None:
    def loaded() -> Any:
        return load_model(models.causal, auto_class, {}, seed=0, device="cpu")

    moved = loaded()
    with loading_with(lambda skeleton, device: {"device_map": {"": device}}):
        straight = loaded()
    assert straight.fresh == moved.fresh
    for (name, one), (other_name, other) in zip(
        moved.model.named_parameters(), straight.model.named_parameters(), strict=True
    ):
        assert name == other_name and other.dtype == torch.float32 and torch.equal(one, other)


def test_only_large_models_and_only_for_a_gpu(models: TinyModels, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load._straight(models.causal, "cuda:0")
    monkeypatch.setattr(load, "_LARGE", 1)
    assert load._straight(models.causal, "cuda:0") == {"device_map": {"": "cuda:0"}}
    assert not load._straight(models.causal, "cpu")
