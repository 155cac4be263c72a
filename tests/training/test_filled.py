"""Rows on a GPU have few lengths, and what fills them up changes nothing."""

import pytest
import torch

from luthier.models.packing.attention import packed_attention
from luthier.training.gradient.filled import filled, filled_length
from luthier.types import IGNORE
from tiny import TinyModels, bench


@pytest.mark.parametrize("task", ["sft", "ner"])
def test_loss_and_gradient_of_a_filled_row_are_those_of_the_row(task: str, models: TinyModels) -> None:
    ready = bench(task, models.suited(task))
    row = ready.codec.collate_row(ready.windows, range(len(ready.windows)))
    longer = filled(row, ready.codec.text.pad_id)
    found = []
    with packed_attention(ready.model):
        for batch in (row, longer):
            ready.model.zero_grad()
            loss = ready.codec.task.loss(ready.model, batch)
            loss.backward()
            found.append((loss.detach(), [p.grad.clone() for p in ready.model.parameters() if p.grad is not None]))

    assert longer.inputs.padded == filled_length(row.inputs.padded) > row.inputs.padded
    assert longer.inputs.lengths == row.inputs.lengths and longer.num_targets == row.num_targets
    assert (longer.targets[:, row.targets.shape[1] :] == IGNORE).all()
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-5, atol=0)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_lengths_are_few_and_little_is_added() -> None:
    lengths = range(512, 8192)
    assert len({filled_length(length) for length in lengths}) < 64
    assert all(length <= filled_length(length) <= max(length + 63, 1.063 * length) for length in lengths)


def test_a_long_row_or_one_of_such_a_length_stays_as_it_is() -> None:
    assert filled_length(8193) == 8193 and filled_length(20_001) == 20_001
    assert filled_length(1024) == 1024 and torch.tensor(filled_length(filled_length(1000))) == filled_length(1000)
