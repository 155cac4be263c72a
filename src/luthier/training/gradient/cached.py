"""The gradient of a loss that holds all windows of a step against each other, within the memory of one micro-batch.

Cut into micro-batches, in-batch negatives would be fewer, and the loss another. So all rows are embedded without a
graph first, the loss and its gradient are taken on the embeddings, and each part goes through the model once more to
hand that gradient on (GradCache, Gao et al. 2021). What is computed is the loss of the whole step, over all processes.
Dropout must be the same both times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from luthier.objective import Joint, Part
from luthier.training.gradient.passes import Pass
from luthier.types import LabelledBatch


def backward_jointly(joint: Joint, batches: Sequence[LabelledBatch], how: Pass) -> Tensor:
    """Adds the gradient of a joint loss, times how.factor. Returns the loss as `backward` does."""
    runtime = how.runtime
    parts = [part for batch in batches for part in joint.parts(batch.to(runtime.device))]
    if len(batches) == 1 and runtime.world == 1:  # it fits: one pass will do
        rows_MD = torch.cat([_embed(joint, part, how) for part in parts])
        loss = joint.loss(rows_MD, [part.facts for part in parts])
        (loss * how.factor).backward()
        return loss.detach().double()
    states = []
    rows: list[Tensor] = []
    for part in parts:
        states.append(_random_state(runtime.device))
        with torch.no_grad():
            rows.append(_embed(joint, part, how))
    loss, gradients = _on_rows(joint, rows, [part.facts for part in parts], how)
    after = _random_state(runtime.device)
    for part, state, gradient in zip(parts, states, gradients, strict=True):
        _set_random_state(runtime.device, state)
        _embed(joint, part, how).backward(gradient)
    _set_random_state(runtime.device, after)
    return loss.double()


def _embed(joint: Joint, part: Part, how: Pass) -> Tensor:
    how.begin(part.numbers)
    with how.runtime.autocast():
        return joint.embed(how.model, part)


def _on_rows(joint: Joint, rows: Sequence[Tensor], facts: Sequence[Any], how: Pass) -> tuple[Tensor, Sequence[Tensor]]:
    """The step's loss, on the first process alone, and its gradient by each of this process's embeddings. Every
    process works out the same loss from all rows, and takes the gradient by its own."""
    runtime = how.runtime
    leaves = [part.requires_grad_() for part in rows]
    everyone = runtime.gather(([part.detach().cpu().numpy() for part in rows], list(facts)))
    whole: list[Tensor] = []
    all_facts: list[Any] = []
    for rank, (theirs, known) in enumerate(everyone):
        mine = rank == runtime.rank
        whole += leaves if mine else [torch.from_numpy(part).to(runtime.device) for part in theirs]
        all_facts += known
    loss = joint.loss(torch.cat(whole), all_facts)
    if leaves:
        (loss * how.factor).backward()
    gradients = [part.grad if part.grad is not None else torch.zeros_like(part) for part in leaves]
    return loss.detach() if runtime.is_first else torch.zeros_like(loss), gradients


def _random_state(device: str) -> tuple[Tensor, Tensor | None]:
    """For dropout that draws from torch's own generators."""
    return torch.get_rng_state(), None if device == "cpu" else torch.cuda.get_rng_state(device)


def _set_random_state(device: str, state: tuple[Tensor, Tensor | None]) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)
