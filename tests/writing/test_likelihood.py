from collections.abc import Iterator
from typing import Any

import pytest
import torch
from tests.writing.models import CONFIGS, WIDTH, language_model
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from luthier.types import IGNORE
from luthier.writing import likelihood
from luthier.writing.likelihood import learnt_loss


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A handful of positions at once."""
    monkeypatch.setattr(likelihood, "rows_at_once", lambda width, size: 5)
    yield


def batch(model: Any, seed: int = 0) -> tuple[dict[str, Tensor], Tensor]:
    """Two rows, of which one is padded, with targets at some positions."""
    draw = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, WIDTH, (2, 9), generator=draw)
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    inputs = {"input_ids": ids * mask, "attention_mask": mask}
    length = 9
    if model.config.is_encoder_decoder:
        length = 7
        inputs["decoder_input_ids"] = torch.randint(3, WIDTH, (2, length), generator=draw)
    targets = torch.randint(3, WIDTH, (2, length), generator=draw)
    targets[0, :2] = IGNORE
    targets[1, 5:] = IGNORE
    return inputs, targets


def plain_loss(
    model: Any, inputs: dict[str, Tensor], targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    logits = model(**inputs).logits.float()
    losses = F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), reduction="none", ignore_index=IGNORE, label_smoothing=smoothing
    )
    return (losses if weights is None else losses * weights.flatten()).sum()


def gradients(model: Any, loss: Tensor, factor: float = 0.5) -> dict[str, Tensor]:
    model.zero_grad(set_to_none=True)
    (loss * factor).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_alike(found: dict[str, Tensor], expected: dict[str, Tensor], near: float = 1e-5) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        most = max(1.0, gradient.abs().max().item())
        assert torch.allclose(found[name], gradient, rtol=0, atol=near * most), name


@pytest.mark.parametrize("name", CONFIGS)
def test_loss_and_gradients_are_those_of_the_models_own_logits(name: str) -> None:
    model = language_model(name).train()
    inputs, targets = batch(model)
    loss, expected = learnt_loss(model, inputs, targets), plain_loss(model, inputs, targets)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert_alike(gradients(model, loss), gradients(model, expected))
    assert likelihood._TRIED[model.get_output_embeddings()]
