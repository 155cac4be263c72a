"""Windows in one row are read as if each stood alone: the same loss, the same gradients, no word from a neighbour."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from luthier.models.packing import attention
from luthier.models.packing.attention import packed_attention, position_ids
from luthier.models.packing.tried import why_not_packed
from luthier.training.dropout import cheap_dropout
from luthier.types import IGNORE
from luthier.writing.likelihood import learnt_loss
from writing.models import WIDTH, language_model

LENGTHS = (5, 9, 9, 1, 30, 9, 3)
MAKES = ["llama", "qwen2", "qwen3", "mistral", "gemma", "phi", "gpt2", "mixtral", "cohere", "granite", "bert"]


def windows(seed: int = 0) -> tuple[list[Tensor], list[Tensor]]:
    """Ids, and targets at about half of the positions."""
    generator = torch.Generator().manual_seed(seed)
    ids = [torch.randint(1, WIDTH, (length,), generator=generator) for length in LENGTHS]
    learnt = [torch.rand(length, generator=generator) < 0.5 for length in LENGTHS]
    return ids, [(i * 7 % WIDTH).masked_fill(~keep, IGNORE) for i, keep in zip(ids, learnt, strict=True)]


def padded(ids: Sequence[Tensor], targets: Sequence[Tensor]) -> tuple[dict[str, Tensor], Tensor]:
    pad = torch.nn.utils.rnn.pad_sequence
    mask = pad([torch.ones_like(i) for i in ids], batch_first=True)
    return {"input_ids": pad(ids, batch_first=True), "attention_mask": mask}, pad(
        list(targets), batch_first=True, padding_value=IGNORE
    )


def row(ids: Sequence[Tensor], targets: Sequence[Tensor]) -> tuple[dict[str, Tensor], Tensor]:
    inputs = {"input_ids": torch.cat(list(ids))[None], "position_ids": position_ids([len(i) for i in ids])}
    return inputs, torch.cat(list(targets))[None]


def gradients(model: Any, inputs: dict[str, Tensor], targets: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    model.zero_grad()
    loss = learnt_loss(model, inputs, targets)
    loss.backward()
    return loss.detach(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("make", MAKES)
def test_loss_and_gradients_of_a_row_are_those_of_padded_windows(make: str) -> None:
    model, (ids, targets) = language_model(make), windows()
    model.config.use_cache = True  # as folders have it; a cache makes transformers overlook where windows begin
    assert why_not_packed(model) == ""
    loss, wanted = gradients(model, *padded(ids, targets))
    with packed_attention(model):
        found_loss, found = gradients(model, *row(ids, targets))
    torch.testing.assert_close(found_loss, loss, rtol=1e-5, atol=0)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=0, atol=2e-5 * max(1.0, gradient.abs().max().item()))


@pytest.mark.parametrize("make", ["llama", "mistral", "gpt2"])
def test_no_bit_of_a_window_changes_when_its_neighbours_do(make: str) -> None:
    model, (ids, targets), (others, _) = language_model(make), windows(), windows(seed=1)
    begin = sum(LENGTHS[:4])
    mine = slice(begin, begin + LENGTHS[4])
    with packed_attention(model), torch.no_grad():
        said = model(**row(ids, targets)[0]).logits[0, mine]
        changed = model(**row([*others[:4], ids[4], *others[5:]], targets)[0]).logits[0, mine]
    assert said.equal(changed)


def test_input_without_restarting_positions_is_read_as_ever() -> None:
    model, (ids, targets) = language_model("llama"), windows()
    plain = model(**padded(ids, targets)[0]).logits
    with packed_attention(model):
        assert model(**padded(ids, targets)[0]).logits.equal(plain)
    assert model.config._attn_implementation == "sdpa"
    spoiled = model(**row(ids, targets)[0], use_cache=False).logits  # transformers' own mask does the same, slower
    with packed_attention(model):
        torch.testing.assert_close(model(**row(ids, targets)[0]).logits, spoiled, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "reason"),
    [("gemma2", "eager"), ("t5", "position_ids"), ("bart", "position_ids")],
)
def test_a_model_that_cannot_read_rows_says_why(make: str, reason: str) -> None:
    assert reason in why_not_packed(language_model(make))


def test_a_model_whose_windows_see_each_other_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model = language_model("llama")
    assert why_not_packed(model) == ""
    monkeypatch.setattr(attention, "_mask", lambda *_: lambda *_, **__: None)
    assert "as it reads each alone" in why_not_packed(model)


def test_layers_that_hand_a_state_from_position_to_position_are_found_out() -> None:
    import transformers

    config = transformers.Lfm2Config(
        vocab_size=WIDTH, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, layer_types=["conv", "full_attention"], pad_token_id=0,
    )  # fmt: skip
    model = transformers.Lfm2ForCausalLM(config)
    assert why_not_packed(model) != ""


@pytest.mark.parametrize("make", ["gpt2", "llama", "bert"])
def test_dropout_drops_in_a_row_what_it_drops_in_padded_windows(make: str) -> None:
    """In states and in attention, also where several heads share their keys."""
    model, (ids, targets) = language_model(make), windows()
    for part in model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.3
        if hasattr(part, "attention_dropout"):
            part.attention_dropout = 0.3
    model.train()
    losses: list[float] = []
    with cheap_dropout(model, seed=0) as noise, packed_attention(model, noise):
        for inputs, wanted in (padded(ids, targets), row(ids, targets)):
            noise.begin(0, range(len(ids)))
            losses.append(gradients(model, inputs, wanted)[0].item())
        noise.begin(1, range(len(ids)))
        other = gradients(model, *row(ids, targets))[0].item()
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert other != pytest.approx(losses[0], rel=1e-3)
