"""Attention over short windows gives what torch's kernel gives, no less exact."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from luthier.models.packing import short
from luthier.models.packing.attention import packed_attention, position_ids
from writing.models import language_model


def states(heads: int, keys: int, length: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(3, heads, length, 16), (3, keys, length, 16), (3, keys, length, 16)]
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("sees", ["all", "before", "few"])
@pytest.mark.parametrize("keys", [1, 4])
def test_it_is_torchs_attention_to_rounding(sees: str, keys: int) -> None:
    seen = torch.ones(9, 9, dtype=torch.bool)
    seen = seen.tril() if sees != "all" else seen
    seen = seen.triu(-3) if sees == "few" else seen
    hidden = None if sees == "all" else torch.zeros(9, 9).masked_fill(~seen, -torch.inf)
    exact = states(4, keys, 9)
    wanted = scaled_dot_product_attention(*exact, attn_mask=seen, scale=0.2, enable_gqa=True)
    mine = states(4, keys, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert short.fits(mine[0], 9)
        found = short.attend(*mine, hidden, 0.2)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), wanted, rtol=0.02, atol=0.02)
    wanted.square().sum().backward()
    found.float().square().sum().backward()
    for right, said in zip(exact, mine, strict=True):
        assert right.grad is not None and said.grad is not None and said.grad.dtype == torch.float32
        torch.testing.assert_close(said.grad, right.grad, rtol=0.05, atol=0.1)


def test_it_is_for_bf16_and_short_windows_alone() -> None:
    query = torch.zeros(1, 1, 1, 16)
    assert not short.fits(query, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not short.fits(query, short.LONGEST + 1)
    assert short.fits(query.bfloat16(), 9)


def test_a_row_in_bf16_is_read_by_it_and_is_as_near_to_fp32_as_by_torchs_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, lengths = language_model("llama"), (5, 9, 9, 30)
    ids = torch.randint(1, 60, (1, sum(lengths)), generator=torch.Generator().manual_seed(0))
    row = {"input_ids": ids, "position_ids": position_ids(lengths)}
    calls: list[int] = []
    attend = short.attend
    monkeypatch.setattr(short, "attend", lambda *given: calls.append(1) or attend(*given))
    with torch.no_grad(), packed_attention(model):
        exact = model(**row).logits
        assert not calls
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = model(**row).logits.float()
            assert len(calls) == 3 * 2  # runs of equally long windows, layers
            monkeypatch.setattr(short, "fits", lambda *_: False)
            usual = model(**row).logits.float()
    assert (found - exact).abs().mean() < 1.2 * (usual - exact).abs().mean()
