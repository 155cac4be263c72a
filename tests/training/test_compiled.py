"""Compiled layers learn as plain ones do. Here torch's tracing is tried, the kernels themselves need a GPU."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from torch import Tensor

from luthier.models.packing.attention import packed_attention, position_ids
from luthier.runtime import Runtime
from luthier.training.gradient.compiled import compiled_layers, why_not_compiled
from luthier.tuning.methods import full, lora
from writing.models import WIDTH, language_model

TRACED = "aot_eager"
"""Of torch's backends the one that traces and differentiates as all do, and then runs what it traced as it is."""
ROWS: Sequence[Sequence[int]] = ((5, 3, 9), (17, 2, 2, 30), (21,))


def silent(message: str) -> None:
    """Nobody listens."""


def given(lengths: Sequence[int], *, packed: bool) -> dict[str, Tensor]:
    if packed:
        ids = torch.arange(1, sum(lengths) + 1)[None] % WIDTH
        return {"input_ids": ids, "position_ids": position_ids(lengths)}
    ids = torch.arange(1, len(lengths) * max(lengths) + 1).view(len(lengths), -1) % WIDTH
    return {"input_ids": ids, "attention_mask": (torch.arange(ids.shape[1]) < torch.tensor(lengths)[:, None]).long()}


def learnt(model: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
    model.train()
    model.zero_grad()
    loss = model(**inputs).logits.float().logsumexp(-1).mean()
    loss.backward()
    return loss.detach(), [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.slow
@pytest.mark.parametrize(("make", "method", "packed"), [("llama", lora, True), ("bert", full, False)])
def test_loss_and_gradients_are_those_of_the_plain_layers(make: str, method: Any, packed: bool) -> None:
    options = {"dropout": 0.0, "target_modules": ["q_proj"]} if method is lora else {}
    model = method(language_model(make), **options).model
    with ExitStack() as stack:
        if packed:
            stack.enter_context(packed_attention(model, longest=30))
        plain = [learnt(model, given(lengths, packed=packed)) for lengths in ROWS]
        assert stack.enter_context(compiled_layers(model, Runtime(), silent, packing=packed, backend=TRACED))
        compiled = [learnt(model, given(lengths, packed=packed)) for lengths in ROWS]
    for (loss, wanted), (found_loss, found) in zip(plain, compiled, strict=True):
        torch.testing.assert_close(found_loss, loss)
        for one, other in zip(wanted, found, strict=True):
            torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_rows_of_any_length_share_what_was_compiled_at_the_beginning() -> None:
    from torch._dynamo.testing import CompileCounter

    model, counter = full(language_model("bert")).model, CompileCounter()
    with compiled_layers(model, Runtime(), silent, packing=False, backend=counter):
        assert counter.frame_count == 1
        for lengths in ((4, 9), (7, 7, 20), (3, 1, 1, 1, 2)):
            learnt(model, given(lengths, packed=False))
    assert counter.frame_count == 1


@pytest.mark.slow
def test_an_evaluation_runs_the_layers_as_they_are_and_nothing_stays_behind() -> None:
    from torch._dynamo.testing import CompileCounter

    model, counter = full(language_model("bert")).model, CompileCounter()
    with compiled_layers(model, Runtime(), silent, packing=False, backend=counter):
        traced = counter.op_count
        with torch.inference_mode():
            model.eval()(**given((4, 9), packed=False))
        assert counter.op_count == traced
    assert not any("forward" in vars(part) for part in model.modules())
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.slow
def test_a_layer_that_cannot_be_compiled_runs_as_it_is_and_says_why() -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("no kernel for this processor")

    model, said = full(language_model("bert")).model, []
    with compiled_layers(model, Runtime(), said.append, packing=False, backend=broken) as compiled:
        assert not compiled
        learnt(model, given((4, 9), packed=False))
    (message,) = said
    assert "run as they are" in message and "no kernel for this processor" in message


def test_what_cannot_gain_from_it_is_told_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.training.gradient import compiled

    monkeypatch.setattr(compiled, "find_spec", lambda name: object())
    monkeypatch.setattr(compiled.shutil, "which", lambda name: "/usr/bin/cc")
    assert why_not_compiled({}, "cuda:0", checkpointing=False) == ""
    assert "GPU" in why_not_compiled({}, "cpu", checkpointing=False)
    assert "experts" in why_not_compiled({"num_experts": 8}, "cuda:0", checkpointing=False)
    assert "one stack" in why_not_compiled({"is_encoder_decoder": True}, "cuda:0", checkpointing=False)
    assert "once more" in why_not_compiled({}, "cuda:0", checkpointing=True)
    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
    assert "C compiler" in why_not_compiled({}, "cuda:0", checkpointing=False)


def test_a_model_without_a_stack_of_layers_is_told_so() -> None:
    import transformers

    config = transformers.AlbertConfig(
        vocab_size=WIDTH, embedding_size=8, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=16,
    )  # fmt: skip
    said: list[str] = []
    model = transformers.AlbertModel(config)
    with compiled_layers(model, Runtime(), said.append, packing=False, backend=TRACED) as compiled:
        assert not compiled
    assert said == ["AlbertModel has no stack of separate layers: nothing is compiled"]
