"""Frozen weights are kept in the precision in which they are multiplied, where that changes nothing."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from luthier.training.gradient.narrow import Narrow, narrow_frozen, spared_bytes
from luthier.tuning.methods import dora, full, head, lora
from writing.models import WIDTH, language_model

IDS = torch.arange(1, 25).view(2, 12) % WIDTH


def from_a_bf16_file(name: str = "llama") -> Any:
    return language_model(name).bfloat16().float()


def learnt(model: Any) -> tuple[Tensor, list[Tensor]]:
    model.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model(input_ids=IDS, labels=IDS).loss
    loss.backward()
    return loss.detach(), [p.grad.clone() for p in model.parameters() if p.grad is not None]


def asked(model: Any) -> Tensor:
    with torch.inference_mode():
        return model(input_ids=IDS).logits


@pytest.mark.parametrize("method", [lora, dora])
def test_a_step_and_an_evaluation_are_the_same_to_the_last_bit(method: Any) -> None:
    model = method(from_a_bf16_file(), dropout=0.0).model
    for p in model.parameters():
        if p.requires_grad:
            torch.nn.init.normal_(p, std=0.05)
    plain, said = learnt(model), asked(model)
    with narrow_frozen(model, torch.bfloat16) as count:
        inside, said_inside = learnt(model), asked(model)

    assert count == 2 * 7
    assert torch.equal(plain[0], inside[0]) and torch.equal(said, said_inside)
    for one, other in zip(plain[1], inside[1], strict=True):
        assert torch.equal(one, other)


def test_they_take_half_the_room_and_come_back_wide() -> None:
    model = lora(from_a_bf16_file()).model
    before = {name: p.clone() for name, p in model.named_parameters()}
    with narrow_frozen(model, torch.bfloat16):
        parts = [part for part in model.modules() if isinstance(part, Narrow)]
        assert {part.weight.dtype for part in parts} == {torch.bfloat16}
        assert spared_bytes(model) == 2 * sum(part.weight.numel() for part in parts)
        assert all(p.dtype == torch.float32 for p in model.parameters() if p.requires_grad)
    assert spared_bytes(model) == 0
    assert not any(type(part) is Narrow for part in model.modules())
    for name, p in model.named_parameters():
        assert p.dtype == torch.float32 and torch.equal(p, before[name])


def test_weights_that_would_lose_something_stay_wide() -> None:
    model = lora(language_model("llama")).model
    with narrow_frozen(model, torch.bfloat16) as count:
        assert count == 0 and {p.dtype for p in model.parameters()} == {torch.float32}


def test_what_learns_stays_wide() -> None:
    with narrow_frozen(full(from_a_bf16_file()).model, torch.bfloat16) as count:
        assert count == 0


def test_a_weight_that_two_layers_share_stays_wide() -> None:
    model: Any = head(from_a_bf16_file()).model
    for p in model.parameters():
        p.requires_grad_(False)
    first, second = model.model.layers
    second.mlp.up_proj.weight = first.mlp.up_proj.weight
    with narrow_frozen(model, torch.bfloat16) as count:
        assert count == 2 * 7 - 2 and first.mlp.up_proj.weight.dtype == torch.float32


def test_an_error_inside_the_block_leaves_the_weights_wide() -> None:
    model: nn.Module = lora(from_a_bf16_file()).model
    with pytest.raises(ZeroDivisionError), narrow_frozen(model, torch.bfloat16):
        raise ZeroDivisionError
    assert {p.dtype for p in model.parameters()} == {torch.float32}
