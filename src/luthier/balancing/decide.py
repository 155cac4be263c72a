"""After training: where the decisions lie, chosen on validation rows and made part of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from luthier.codec import Codec
from luthier.models.head import logits_layer, unwrapped


@dataclass(frozen=True)
class Moved:
    """shifts_C: what was added to each class's logit. folded: into the head's bias, so that plain transformers
    decides alike; else the Codec does it. codec: what reads the model from now on. note: what the task itself placed,
    in words. apart: whether that lies in the Codec alone."""

    shifts_C: np.ndarray
    folded: bool
    codec: Codec
    note: str = ""
    apart: bool = False


def move_decisions(
    model: nn.Module, codec: Codec, predictions: Sequence[Any], answers: Sequence[Any], counts: Sequence[int],
    *, seed: int, moves: bool = True,
) -> Moved:  # fmt: skip
    """Shifts the logits of the trained model as the validation rows ask for; after that the task places what decisions
    of its own it has. predictions: what the model says of these rows as it is now, calibrated or not. counts: training
    rows of each class. moves: False where only the latter is asked for."""
    shifts_C = codec.task.best_shifts(predictions, answers, counts, seed) if moves else np.zeros(len(counts))
    placed = codec.task.placed(codec.task.shifted(predictions, shifts_C) if moves else predictions, answers)
    if placed.shifts_C is not None:
        shifts_C = shifts_C + placed.shifts_C
    codec = replace(codec, task=placed.task)
    moved = shift_logits(model, codec, shifts_C) if shifts_C.any() else Moved(shifts_C, True, codec)
    return replace(moved, note=placed.note, apart=placed.apart)


def shift_logits(model: nn.Module, codec: Codec, shifts_C: np.ndarray) -> Moved:
    """In place where the head has a bias; else the Codec that comes back does it."""
    layer = logits_layer(unwrapped(model))
    if layer is None or layer.bias is None:
        return Moved(shifts_C, False, replace(codec, task=codec.task.with_shifts(shifts_C)))
    with torch.no_grad():
        layer.bias.add_(torch.from_numpy(shifts_C).to(layer.bias))
    return Moved(shifts_C, True, codec)
