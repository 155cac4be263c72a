from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from luthier.types import IGNORE
from luthier.writing import likelihood
from luthier.writing.likelihood import learnt_loss, token_nlls
from writing.models import CONFIGS, WIDTH, language_model


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


def test_each_position_counts_by_its_weight_and_part_of_a_target_is_spread() -> None:
    model = language_model("gemma2").train()
    inputs, targets = batch(model)
    weights = torch.rand(targets.shape)
    loss = learnt_loss(model, inputs, targets, weights, label_smoothing=0.2)
    expected = plain_loss(model, inputs, targets, weights, smoothing=0.2)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert_alike(gradients(model, loss), gradients(model, expected))


@pytest.mark.parametrize("name", ["granite", "mbart"])
def test_each_row_has_its_own_sum(name: str) -> None:
    model = language_model(name)
    inputs, targets = batch(model)
    weights = torch.rand(targets.shape)
    nll_B = token_nlls(model, inputs, targets, weights)
    log_p = model(**inputs).logits.log_softmax(-1).gather(-1, targets.clamp_min(0)[..., None])[..., 0]
    assert torch.allclose(nll_B, -(log_p * (targets != IGNORE) * weights).sum(1), rtol=1e-5)
    assert not nll_B.requires_grad


def test_rows_without_targets_cost_nothing_and_have_gradients_of_zero() -> None:
    model = language_model("llama").train()
    inputs, targets = batch(model)
    nothing = torch.full_like(targets, IGNORE)
    loss = learnt_loss(model, inputs, nothing)
    assert loss.item() == 0
    assert all(not gradient.any() for gradient in gradients(model, loss).values())
    targets[0] = IGNORE
    assert token_nlls(model, inputs, targets)[0] == 0 < token_nlls(model, inputs, targets)[1]


class Recorded(torch.utils._python_dispatch.TorchDispatchMode):
    """The largest tensor that is made, in numbers."""

    largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(result):
            if isinstance(tensor, Tensor):
                self.largest = max(self.largest, tensor.untyped_storage().nbytes() // tensor.element_size())
        return result


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_no_tensor_holds_the_vocabulary_at_every_position(name: str) -> None:
    model = language_model(name).train()
    model.resize_token_embeddings(2000)
    ids = torch.randint(3, WIDTH, (2, 40))
    inputs = {"input_ids": ids, **({"decoder_input_ids": ids} if name == "t5" else {})}
    learnt_loss(model, inputs, ids)  # tried once
    with Recorded() as ours:
        learnt_loss(model, inputs, ids).backward()
    with Recorded() as plain:
        plain_loss(model, inputs, ids).backward()
    assert ours.largest == model.get_output_embeddings().weight.numel()  # of which there is one anyway
    assert plain.largest == 2000 * ids.numel() > 2 * ours.largest


@pytest.mark.parametrize("what", ["head", "body", "frozen embeddings", "all"])
def test_frozen_parts_stay_without_gradients(what: str) -> None:
    model = language_model("llama").train()
    frozen = {"head": "lm_head", "body": "model", "frozen embeddings": "model.embed_tokens", "all": ""}[what]
    model.get_submodule(frozen).requires_grad_(False)
    inputs, targets = batch(model)
    loss, expected = learnt_loss(model, inputs, targets), plain_loss(model, inputs, targets)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    if what == "all":
        assert not loss.requires_grad
        return
    assert_alike(gradients(model, loss), gradients(model, expected))


def with_lora(model: Any, dropout: float = 0.0, **more: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    targets = ["lm_head", "q_proj"]
    wrapped = get_peft_model(model, LoraConfig(r=2, lora_alpha=8, target_modules=targets, lora_dropout=dropout, **more))
    for name, p in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(p, std=0.3)
    return wrapped.train()


@pytest.mark.parametrize("how", ["lora", "dora", "saved", "checkpointed"])
def test_wrapped_by_peft_the_gradients_are_the_same(how: str) -> None:
    model = language_model("gemma2" if how == "lora" else "llama")
    if how == "saved":
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(model, LoraConfig(target_modules=["q_proj"], modules_to_save=["lm_head"])).train()
    else:
        model = with_lora(model, use_dora=how == "dora")
    if how == "checkpointed":
        model.enable_input_require_grads()
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    inputs, targets = batch(model)
    loss, expected = learnt_loss(model, inputs, targets), plain_loss(model, inputs, targets)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    found = gradients(model, loss)
    assert any("lm_head" in name for name in found)
    assert_alike(found, gradients(model, expected))
    assert likelihood._TRIED[model.get_output_embeddings()]


def test_dropout_within_the_output_layer_drops_what_it_would_have_dropped() -> None:
    from luthier.training.dropout import cheap_dropout

    model = with_lora(language_model("llama"), dropout=0.5)
    inputs, targets = batch(model)
    with cheap_dropout(model, 0) as noise:
        noise.begin(3, [7, 8])
        loss = learnt_loss(model, inputs, targets)
        found = gradients(model, loss)
        assert loss.item() == pytest.approx(plain_loss(model, inputs, targets).item(), rel=1e-5)
        assert_alike(found, gradients(model, plain_loss(model, inputs, targets)))
        noise.begin(4, [7, 8])
        assert learnt_loss(model, inputs, targets).item() != pytest.approx(loss.item(), rel=1e-3)
    model.zero_grad()
    torch.manual_seed(0)
    again = [learnt_loss(model, inputs, targets).item() for _ in range(2)]
    assert again[0] != again[1]  # torch's own dropout


@pytest.mark.parametrize("name", ["llama-tied", "t5", "gemma2"])
def test_in_bfloat16_the_gradients_are_as_near_as_bfloat16_is(name: str) -> None:
    model = language_model(name).train()
    inputs, targets = batch(model)
    exact = gradients(model, plain_loss(model, inputs, targets))
    with torch.autocast("cpu", torch.bfloat16):
        loss = learnt_loss(model, inputs, targets)
    found = gradients(model, loss)
    with torch.autocast("cpu", torch.bfloat16):
        plain = plain_loss(model, inputs, targets)
    expected = gradients(model, plain)
    assert loss.dtype == torch.float32 and likelihood._TRIED[model.get_output_embeddings()]
    assert loss.item() == pytest.approx(plain.item(), rel=1e-2)
    for key, gradient in exact.items():
        ours, theirs = (found[key] - gradient).norm(), (expected[key] - gradient).norm()
        assert ours <= 1.5 * theirs + 1e-3 * gradient.norm(), key


class Odd(torch.nn.Module):
    """Llama whose logits depend on more than what the output layer gives at a position."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.inner, self.kind = language_model("llama"), kind

    @property
    def config(self) -> Any:
        return self.inner.config

    def get_output_embeddings(self) -> Any:
        return self.inner.lm_head

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        out = self.inner(input_ids=input_ids, attention_mask=attention_mask)
        if self.kind == "running mean":
            count = torch.arange(1, out.logits.shape[1] + 1)[:, None]
            out.logits = out.logits.cumsum(1) / count
        elif self.kind == "copied":
            out.logits = out.logits + torch.nn.functional.one_hot(input_ids, WIDTH)[:, : out.logits.shape[1]]
        elif self.kind == "another layer":
            out.logits = self.inner.model(input_ids, attention_mask).last_hidden_state @ self.inner.lm_head.weight.T
        return out


@pytest.mark.parametrize("kind", ["running mean", "copied", "another layer"])
def test_a_model_of_another_make_is_asked_for_its_own_logits(kind: str) -> None:
    model = Odd(kind).train()
    inputs, targets = batch(model)
    loss, expected = learnt_loss(model, inputs, targets), plain_loss(model, inputs, targets)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert_alike(gradients(model, loss), gradients(model, expected))
    assert not likelihood._TRIED[model.get_output_embeddings()]
    assert torch.allclose(token_nlls(model, inputs, targets).sum(), expected)


def test_a_bias_behind_the_output_layer_learns() -> None:
    class Biased(Odd):
        def __init__(self) -> None:
            super().__init__("biased")
            self.bias = torch.nn.Parameter(torch.randn(WIDTH))

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
            out = self.inner(input_ids=input_ids, attention_mask=attention_mask)
            out.logits = 3 * torch.tanh(out.logits + self.bias * 2) + self.bias
            return out

    model = Biased().train()
    inputs, targets = batch(model)
    loss, expected = learnt_loss(model, inputs, targets), plain_loss(model, inputs, targets)
    assert_alike(gradients(model, loss), gradients(model, expected))
    assert likelihood._TRIED[model.get_output_embeddings()]


@pytest.mark.parametrize("kind", ["PromptTuningConfig", "PrefixTuningConfig"])
def test_learnt_states_before_a_text_are_no_positions_of_it(kind: str) -> None:
    import peft

    base = language_model("llama")
    config = getattr(peft, kind)(task_type="CAUSAL_LM", num_virtual_tokens=3)
    model = peft.get_peft_model(base, config).train()
    inputs, targets = batch(base)
    loss = learnt_loss(model, inputs, targets)
    logits = model(**inputs).logits[:, -targets.shape[1] :]
    expected = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum", ignore_index=IGNORE)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert_alike(gradients(model, loss), gradients(model, expected))
