"""A loss over the whole step is the same loss, with the same gradient, whatever the step is cut into."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from luthier.objective import Joint, Part
from luthier.runtime import Runtime
from luthier.training.dropout import cheap_dropout
from luthier.training.gradient.objective import backward
from luthier.training.gradient.passes import Pass
from luthier.types import Batch, LabelledBatch
from tiny import Bench, TinyModels, bench


def gradients(ready: Bench, size: int) -> tuple[float, dict[str, Tensor]]:
    """Loss and gradients of one training step on all samples, with dropout."""
    ready.model.train()
    with cheap_dropout(ready.model, 0) as noise:
        how = Pass(ready.model, Runtime(), lambda numbers: noise.begin(3, numbers), 0.5)
        loss = backward(ready.codec.task.objective(), ready.batches(size), how).item()
    named = ready.model.named_parameters()
    return loss, {name: p.grad.clone() for name, p in named if p.grad is not None}


@pytest.mark.parametrize("options", [{}, {"symmetric": True, "dimensions": [16, 4]}], ids=["plain", "all"])
@pytest.mark.parametrize("size", [1, 3])
def test_in_batch_negatives_are_those_of_the_whole_step(size: int, options: dict[str, Any], models: TinyModels) -> None:
    whole = gradients(bench("retrieval", models.dropout_encoder, **options), 99)
    cut = gradients(bench("retrieval", models.dropout_encoder, **options), size)
    assert cut[0] == pytest.approx(whole[0], rel=1e-5)
    assert cut[1].keys() == whole[1].keys()
    for name, gradient in whole[1].items():
        torch.testing.assert_close(cut[1][name], gradient, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_negatives_are_gathered_from_all_processes(models: TinyModels) -> None:
    """Both processes' gradients, from half of the batches each, add up to those of one process with all."""
    ready = bench("retrieval", models.dropout_encoder)
    whole_loss, whole = gradients(bench("retrieval", models.dropout_encoder), 99)
    batches = ready.batches(3)
    halves = [batches[:2], batches[2:]]
    seen: list[Any] = []
    losses, summed = [], {}
    for rank in (0, 1):  # what each would send, then what each does with the other's
        seen.append(sent(ready, halves[rank]))
    for rank in (0, 1):
        ready.model.zero_grad()
        ready.model.train()
        runtime = TwoProcesses(rank=rank, world=2)
        object.__setattr__(runtime, "sent", seen)
        with cheap_dropout(ready.model, 0) as noise:
            how = Pass(ready.model, runtime, lambda numbers, noise=noise: noise.begin(3, numbers), 0.5)
            losses.append(backward(ready.codec.task.objective(), halves[rank], how).item())
        for name, p in ready.model.named_parameters():
            if p.grad is not None:
                summed[name] = summed.get(name, 0) + p.grad.clone()
    assert sum(losses) == pytest.approx(whole_loss, rel=1e-5) and losses[1] == 0
    for name, gradient in whole.items():
        torch.testing.assert_close(summed[name], gradient, rtol=1e-3, atol=1e-5)


class TwoProcesses(Runtime):
    """One of two, with what both send known beforehand."""

    def gather(self, value: Any) -> list[Any]:
        for mine, known in zip(value[0], vars(self)["sent"][self.rank][0], strict=True):
            np.testing.assert_allclose(mine, known, atol=1e-6)
        return vars(self)["sent"]


def sent(ready: Bench, batches: list[LabelledBatch]) -> Any:
    joint = ready.codec.task.objective()
    assert isinstance(joint, Joint)
    ready.model.train()
    with cheap_dropout(ready.model, 0) as noise, torch.no_grad():
        rows, facts = [], []
        for part in [part for batch in batches for part in joint.parts(batch)]:
            noise.begin(3, part.numbers)
            rows.append(joint.embed(ready.model, part).numpy())
            facts.append(part.facts)
    return rows, facts


def test_both_passes_drop_the_same_where_dropout_draws_from_torch() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5)).train()
    made: list[Tensor] = []

    def embed(model: Any, part: Part) -> Tensor:
        made.append(model(part.inputs.tensors["x"]))
        return made[-1]

    joint = Joint(lambda b: [Part(b.inputs, b.numbers, None)], embed, lambda rows, facts: rows.square().sum())
    batch = LabelledBatch(Batch({"x": torch.ones(3, 4)}, (1, 1, 1)), torch.zeros(3, 1), 3, (0, 1, 2))
    backward(joint, [batch, replace(batch, numbers=(3, 4, 5))], Pass(model, Runtime(), lambda numbers: None, 1.0))
    assert made[0].equal(made[2]) and made[1].equal(made[3]) and not made[0].equal(made[1])
