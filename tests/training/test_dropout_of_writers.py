"""Dropout in decoders and encoder-decoders: attention that is causal, grouped or biased draws as any other does."""

from typing import Any

import pytest
import torch
from torch import nn

from luthier.training.dropout import cheap_dropout
from luthier.writing.likelihood import learnt_loss
from writing.models import CONFIGS, WIDTH, language_model

pytestmark = pytest.mark.slow

ATTENTION = [name for name in CONFIGS if name not in ("mamba", "lfm2", "bert", "gemma2")]


def with_dropout(name: str, p: float) -> Any:
    model = language_model(name).train()
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = p
        for key in ("attention_dropout", "dropout", "activation_dropout"):
            if isinstance(getattr(part, key, None), (int, float)):
                setattr(part, key, p)
    return model


def inputs_of(model: Any) -> tuple[dict[str, Any], torch.Tensor]:
    ids = torch.randint(3, WIDTH, (3, 6), generator=torch.Generator().manual_seed(0))
    return {"input_ids": ids, **({"decoder_input_ids": ids.flip(1)} if model.config.is_encoder_decoder else {})}, ids


@pytest.mark.parametrize("name", ATTENTION)
def test_a_batchs_loss_is_the_sum_of_its_rows_losses(name: str) -> None:
    model = with_dropout(name, 0.5)
    inputs, targets = inputs_of(model)
    with cheap_dropout(model, 0) as noise:
        noise.begin(0, [4, 5, 6])
        whole = learnt_loss(model, inputs, targets).item()
        parts = 0.0
        for row in range(3):
            noise.begin(0, [4 + row])
            one = {key: value[row : row + 1] for key, value in inputs.items()}
            parts += learnt_loss(model, one, targets[row : row + 1]).item()
        noise.begin(1, [4, 5, 6])
        other = learnt_loss(model, inputs, targets).item()
    assert parts == pytest.approx(whole, rel=1e-5)
    assert other != pytest.approx(whole, rel=1e-3)


@pytest.mark.parametrize("name", ATTENTION)
@pytest.mark.parametrize("padded", [False, True])
def test_a_rare_drop_is_nearly_none(name: str, padded: bool) -> None:
    model = with_dropout(name, 1e-9)  # rounds to no level at all: the arithmetic alone is tested
    inputs, _ = inputs_of(model)
    if padded:
        inputs["attention_mask"] = torch.tensor([[1] * 6, [1] * 4 + [0] * 2, [1] * 5 + [0]])
    expected = language_model(name)(**inputs).logits
    with cheap_dropout(model, 0) as noise, torch.no_grad():
        noise.begin(0, [4, 5, 6])
        found = model(**inputs).logits
    seen = slice(None) if model.config.is_encoder_decoder or not padded else inputs["attention_mask"] == 1
    assert torch.allclose(found[seen], expected[seen], atol=2e-4)


def test_computed_once_more_on_the_way_back_the_masks_are_the_same() -> None:
    found = []
    for checkpointed in (False, True):
        model = with_dropout("bart", 0.5)
        if checkpointed:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        inputs, targets = inputs_of(model)
        with cheap_dropout(model, 0) as noise:
            noise.begin(0, [4, 5, 6])
            learnt_loss(model, inputs, targets).backward()
        found.append(model.model.shared.weight.grad)
        assert "forward" not in vars(model.model.encoder.layers[0])
    assert torch.allclose(found[0], found[1], atol=1e-4 * found[0].abs().max())
