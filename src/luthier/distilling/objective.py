"""What a student's step makes less: how far it is from its teacher, and from the answers where they are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from luthier.models.pooling import masked_mean
from luthier.tuning.parts import Group, Tuned, layer_stack
from luthier.types import LabelledBatch
from luthier.whole_text import AnyWholeText

SPACE = "teacher_space"
"""The part of a student in training that takes its states to the teacher's width."""


@dataclass(frozen=True)
class Lessons:
    """logits: [N, C] what the teacher says of each row, in the student's units. states: [N, L, D], the mean over a
    row's tokens of each of its states that is matched; None where none is. row_of: [W] of each training window its
    row. labelled: windows below this number have an answer of their own."""

    logits_NC: np.ndarray
    states_NLD: np.ndarray | None
    row_of: np.ndarray
    labelled: int


def matched(student_layers: int, teacher_layers: int) -> list[tuple[int, int]]:
    """Which of the student's hidden states is held against which of the teacher's, counted from the embeddings, 0:
    after the same share of the layers (the uniform map of TinyBERT, Jiao et al. 2020). The last states are left out:
    what they hold the logits tell."""
    return [(i, round(i * teacher_layers / student_layers)) for i in range(1, student_layers)]


@dataclass(frozen=True)
class Imitation:
    """alpha · T² · KL(teacher ‖ student) + (1 - alpha) · the task's own loss (Hinton et al. 2015), the SUM over the
    batch's targets; rows without an answer have the first term alone. With states, alpha times how far these point
    from the teacher's is added: 1 - cosine, the mean over the matched ones (Sun et al. 2019, with means over the tokens
    instead of the first one, so that the two tokenizers may differ)."""

    task: AnyWholeText
    lessons: Lessons
    temperature: float
    alpha: float

    def __call__(self, model: Any, batch: LabelledBatch) -> Tensor:
        windows = np.array(batch.numbers) % len(self.lessons.row_of)
        rows = self.lessons.row_of[windows]
        hidden = self.lessons.states_NLD is not None
        said = model(**batch.inputs.tensors, **({"output_hidden_states": True} if hidden else {}))
        logits_BC = said.logits.float()
        taught_BC = _tensor(self.lessons.logits_NC[rows], logits_BC)
        total = self.alpha * self.task.imitation(logits_BC, taught_BC, self.temperature)
        if hidden:
            apart_B = self._apart(model, said.hidden_states, batch, rows)
            total = total + self.alpha * apart_B.sum() * (batch.num_targets / max(1, len(rows)))
        known = torch.from_numpy(np.flatnonzero(windows < self.lessons.labelled)).to(logits_BC.device)
        if self.alpha < 1 and len(known):
            own = replace(batch, targets=batch.targets[known], num_targets=0)
            answered = SimpleNamespace(logits=logits_BC[known])
            total = total + (1 - self.alpha) * self.task.loss(lambda **_: answered, own)
        return total

    def _apart(self, model: Any, states: Any, batch: LabelledBatch, rows: np.ndarray) -> Tensor:
        """[B]."""
        assert self.lessons.states_NLD is not None
        taught_BLD = _tensor(self.lessons.states_NLD[rows], states[0])
        space = getattr(model, SPACE, None)
        apart: list[Tensor] = []
        for number in range(taught_BLD.shape[1]):
            own_BD = masked_mean(states[number + 1].float(), batch.inputs.tensors["attention_mask"])
            own_BD = own_BD if space is None else space[number](own_BD).float()
            apart.append(1 - cosine_similarity(own_BD, taught_BLD[:, number], dim=1))
        return torch.stack(apart).mean(0)


def imitating(tuned: Tuned, objective: Imitation, widths: tuple[int, int], seed: int) -> Tuned:
    """The tuning method with the student's objective. widths: of the student's and the teacher's states; where they
    differ a layer for each matched state learns along, and is left behind when the model is saved."""
    tuned = replace(tuned, objective=lambda task: objective)
    states = objective.lessons.states_NLD
    if states is None or widths[0] == widths[1]:
        return tuned
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(seed)
        made = [nn.Linear(*widths, bias=False) for _ in range(states.shape[1])]
    model, merge = tuned.model, tuned.merge
    setattr(model, SPACE, nn.ModuleList(made).to(next(model.parameters()).device))
    names = frozenset(f"{SPACE}.{number}.weight" for number in range(len(made)))

    def without(ask: Any = None) -> Any:
        delattr(model, SPACE)
        return merge(ask)

    return replace(tuned, groups=(*tuned.groups, Group(names)), merge=without)


def depth(model: Any) -> int:
    """Layers of a model."""
    return len(layer_stack(model)[1])


def _tensor(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32)).to(like.device)
