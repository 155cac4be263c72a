"""A linear head on frozen features, trained by the task's own loss: what a remedy does, in a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from luthier.codec import Codec
from luthier.task import AnyTask
from luthier.types import Batch, LabelledBatch, Window

_MOST_ROUNDS = 60


@dataclass(frozen=True)
class HeadRows:
    """features_NK: float32. targets_NS: as the task makes them."""

    features_NK: Tensor
    targets_NS: Tensor

    @classmethod
    def of(cls, codec: Codec, features_NK: np.ndarray, answers: Sequence[Any]) -> HeadRows:
        targets = [codec.task.attach(_WINDOW, answer, codec.text).targets for answer in answers]
        return cls(torch.from_numpy(features_NK.astype(np.float32)), torch.from_numpy(np.stack(targets)))

    def __len__(self) -> int:
        return len(self.features_NK)

    def take(self, rows: np.ndarray) -> HeadRows:
        chosen = torch.from_numpy(rows)
        return HeadRows(self.features_NK[chosen], self.targets_NS[chosen])


class LinearHead(nn.Module):
    """Called as a transformers model is; its logits are a linear function of the features."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(classes, features))
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, features: Tensor) -> SimpleNamespace:
        return SimpleNamespace(logits=features @ self.weight.T + self.bias)


def fit_head(task: AnyTask, rows: HeadRows, strength: float, weight: float, start: LinearHead | None) -> LinearHead:
    """The head with the least of weight · loss + ‖W‖² / (2 · strength), by L-BFGS from `start`.

    strength: inverse regularisation, as scikit-learn's C. weight: of the task's summed loss.
    """
    head = LinearHead(rows.features_NK.shape[1], len(task.class_names()))
    if start is not None:
        head.load_state_dict(start.state_dict())
    batch = LabelledBatch(_batch(rows), rows.targets_NS, len(rows))
    optimiser = torch.optim.LBFGS(
        head.parameters(), max_iter=_MOST_ROUNDS, history_size=10, tolerance_grad=1e-2, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        total = weight * task.loss(head, batch) + head.weight.square().sum() / (2 * strength)
        total.backward()
        return total

    optimiser.step(closure)
    return head


def answers_of(task: AnyTask, head: LinearHead, rows: HeadRows) -> list[Any]:
    """The task's predictions."""
    with torch.inference_mode():
        said = task.infer(head, _batch(rows))
    return [task.decode(None, [_WINDOW], [item]) for item in said]


def _batch(rows: HeadRows) -> Batch:
    return Batch({"features": rows.features_NK}, (1,) * len(rows))


_WINDOW = Window({"input_ids": np.zeros(1, np.int64)})
"""Stands for an input whose features are known."""
