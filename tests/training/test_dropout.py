"""Dropout zeroes as many as it should, and what it zeroes depends on (seed, step, window) alone."""

from typing import Any

import pytest
import torch
import transformers
from torch import nn

from luthier.training.dropout import CheapDropout, Noise, cheap_dropout
from tiny import TinyModels, bench


def draw(seed: int, step: int, windows: list[int], shape: tuple[int, ...], layer: int = 0) -> torch.Tensor:
    noise = Noise(seed)
    noise.begin(step, windows)
    return noise.kept(shape, 0.25, layer)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_share_that_is_zeroed_is_p_and_the_expectation_is_kept(p: float) -> None:
    noise = Noise(0)
    noise.begin(0, [0, 1])
    kept = noise.kept((2, 500, 400), p, 0)
    assert 1 - kept.float().mean().item() == pytest.approx(p, abs=0.003)
    assert kept.float().mean().item() * noise.scale(p) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_no_row_or_column_is_favoured_and_neighbours_are_independent(axis: int) -> None:
    kept = draw(1, 2, list(range(40)), (40, 44, 48, 52)).double()
    means = kept.mean([other for other in range(4) if other != axis])
    assert (means - 0.75).abs().max().item() < 6 * (0.25 * 0.75 / (kept.numel() / kept.shape[axis])) ** 0.5
    pairs = (kept.narrow(axis, 1, kept.shape[axis] - 1) - 0.75) * (kept.narrow(axis, 0, kept.shape[axis] - 1) - 0.75)
    assert abs(pairs.mean().item()) < 6 * 0.25 * 0.75 / pairs.numel() ** 0.5


def test_everything_is_zeroed_at_p_of_one() -> None:
    noise = Noise(0)
    noise.begin(0, [0])
    assert not noise.kept((1, 4, 8), 1.0, 0).any() and noise.scale(1.0) == 0


def test_a_windows_mask_does_not_depend_on_its_neighbours_or_on_padding() -> None:
    together = draw(3, 7, [5, 9], (2, 6, 8))
    alone = draw(3, 7, [9], (1, 4, 7))
    assert together[1, :4, :7].equal(alone[0])


def test_a_windows_mask_does_not_depend_on_how_the_batch_is_laid_out() -> None:
    padded = draw(3, 7, [5, 9], (2, 6, 8))
    assert draw(3, 7, [5, 9], (12, 8)).equal(padded.flatten(0, 1))
    noise = Noise(3)
    noise.begin(7, [5, 9])
    noise.lay([4, 6])
    row = noise.kept((1, 10, 8), 0.25, 0)
    assert row[0, :4].equal(padded[0, :4]) and row[0, 4:].equal(padded[1])
    assert noise.kept((10, 8), 0.25, 0).equal(row[0])
    with noise.only(1, 1):
        assert noise.kept((1, 6, 8), 0.25, 0)[0].equal(padded[1])


def test_masks_differ_between_seeds_steps_windows_and_layers() -> None:
    first = draw(3, 7, [5], (1, 6, 8))
    assert first.equal(draw(3, 7, [5], (1, 6, 8)))
    for seed, step, window, layer in [(4, 7, 5, 0), (3, 8, 5, 0), (3, 7, 6, 0), (3, 7, 5, 1)]:
        assert not first.equal(draw(seed, step, [window], (1, 6, 8), layer))


def test_gradients_pass_only_where_values_passed() -> None:
    noise = Noise(0)
    noise.begin(0, [0])
    layer = CheapDropout(0.5, noise, 0)
    states = torch.ones(1, 3, 16, requires_grad=True)
    result = layer(states)
    result.sum().backward()
    assert states.grad is not None and states.grad.equal(result.detach())


def test_evaluation_drops_nothing() -> None:
    assert CheapDropout(0.5, Noise(0), 0).eval()(torch.ones(2, 3)).equal(torch.ones(2, 3))


def losses(models: TinyModels, size: int, seed: int = 0) -> float:
    """The summed loss of all samples in training mode, in batches of `size`."""
    ready = bench("classification", models.dropout_encoder)
    ready.model.train()
    total = 0.0
    with cheap_dropout(ready.model, seed) as noise, torch.no_grad():
        for batch in ready.batches(size):
            noise.begin(0, batch.numbers)
            total += ready.codec.task.loss(ready.model, batch).item()
    return total


def test_the_loss_with_dropout_does_not_depend_on_how_the_step_is_cut(models: TinyModels) -> None:
    assert losses(models, 9) == pytest.approx(losses(models, 2), abs=1e-4)
    assert losses(models, 9) != pytest.approx(losses(models, 9, seed=1), abs=1e-4)


def test_the_model_is_as_it_was_after_the_block(models: TinyModels) -> None:
    ready = bench("classification", models.dropout_encoder)
    kinds = {name: type(part) for name, part in ready.model.named_modules()}
    attention = ready.model.config._attn_implementation
    with cheap_dropout(ready.model, 0):
        assert any(isinstance(part, CheapDropout) for part in ready.model.modules())
        assert ready.model.config._attn_implementation != attention
    assert {name: type(part) for name, part in ready.model.named_modules()} == kinds
    assert ready.model.config._attn_implementation == attention


def test_without_dropout_the_model_says_the_same_inside_the_block(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    (batch,) = ready.batches(99)
    with torch.no_grad():
        plain = ready.model(**batch.inputs.tensors).logits
        with cheap_dropout(ready.model, 0):
            torch.testing.assert_close(ready.model(**batch.inputs.tensors).logits, plain)


def test_each_attention_has_a_mask_of_its_own_even_without_a_dropout_in_it() -> None:
    config = transformers.ModernBertConfig(
        vocab_size=50, hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2, pad_token_id=0,
        attention_dropout=0.5, global_attn_every_n_layers=1, cls_token_id=1, sep_token_id=2, bos_token_id=1,
        eos_token_id=2, attn_implementation="sdpa",
    )  # fmt: skip
    model = transformers.ModernBertModel(config).train()
    for layer in model.layers:
        layer.attn.out_drop = nn.Identity()
    drawn: list[int] = []
    with cheap_dropout(model, 0) as noise, torch.no_grad():
        noise.begin(0, [0])
        kept = noise.kept
        noise.kept = lambda shape, p, layer: drawn.append(layer) or kept(shape, p, layer)
        model(torch.tensor([[1, 5, 6, 2]]))
    assert len(set(drawn)) == len(drawn) == 3


def test_attention_weights_are_dropped_too(models: TinyModels) -> None:
    ready = bench("classification", models.dropout_encoder)
    for part in ready.model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    model: Any = ready.model
    for layer in model.bert.encoder.layer:
        layer.attention.self.dropout.p = 0.5
    ready.model.train()
    (batch,) = ready.batches(99)
    with cheap_dropout(ready.model, 0) as noise, torch.no_grad():
        noise.begin(0, batch.numbers)
        first = ready.model(**batch.inputs.tensors).logits
        noise.begin(1, batch.numbers)
        assert not first.allclose(ready.model(**batch.inputs.tensors).logits)
