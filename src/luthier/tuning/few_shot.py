"""Contrastive tuning on few rows: texts that want the same come close, all others go away; a linear head comes after.

The idea is SetFit's (Tunstall et al. 2022), which enumerates pairs of texts and tunes on one after another: their
number grows with the square of the rows. Here each step embeds some texts once each and holds all of them against all
others (the supervised contrastive loss of Khosla et al. 2020): of M texts that are M² / 2 pairs for M passes through
the model. What is tuned is the very vector that the layer of the logits is given, so that the head fitted to it
afterwards makes an ordinary classifier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import PreTrainedModel

from luthier.errors import ModelError
from luthier.language import t
from luthier.models.head import logits_layer
from luthier.models.own.contrast import supervised_contrast
from luthier.objective import Joint, Part
from luthier.types import Batch, LabelledBatch
from luthier.whole_text import as_whole_text

_TOGETHER = 32
"""Texts of like length that pass the model together: padding costs more than a further pass."""


def contrastive(model: PreTrainedModel, temperature: float) -> Callable[[Any], Joint]:
    """From a task to what a step makes less. Errors: ModelError for a model without a layer that makes logits; of the
    function itself ConfigError for a task whose answers are no classes of a whole text."""
    layer = logits_layer(model)
    if layer is None:
        what, fix = t("has no linear layer that makes the logits"), t("tuning.method=full")
        raise ModelError.at(str(model.name_or_path), what, fix, code="no-head")

    def objective(task: Any) -> Joint:
        whole = as_whole_text(task, "tuning.method", t("tuning.method=full"))
        whole.alike(np.zeros((0, 1), np.float32))  # refuses a task without classes

        def loss(rows_MD: Tensor, facts: Sequence[np.ndarray]) -> Tensor:
            """Times the number of targets, by which the step divides."""
            targets_MS = np.concatenate(facts)
            alike_MM = whole.alike(targets_MS)
            return supervised_contrast(normalize(rows_MD, dim=1), alike_MM, temperature) * targets_MS.size

        return Joint(_parts, embed, loss)

    def embed(model: Any, part: Part) -> Tensor:
        with _given_to(layer) as given:
            model(**part.inputs.tensors)
        told = given[-1].float()
        if told.ndim == 2:
            return told
        last_B = torch.tensor(part.inputs.lengths, device=told.device) - 1  # where a decoder answers
        return told[torch.arange(len(last_B), device=told.device), last_B]

    return objective


@contextmanager
def _given_to(layer: nn.Module) -> Iterator[list[Tensor]]:
    given: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, asked: given.append(asked[0]))
    try:
        yield given
    finally:
        hook.remove()


def _parts(batch: LabelledBatch) -> list[Part]:
    """Texts of like length, each part padded to its own longest one."""
    lengths, targets_BS = np.array(batch.inputs.lengths), batch.targets.cpu().numpy()
    numbers = batch.numbers or tuple(range(len(lengths)))
    order = np.argsort(lengths, kind="stable")
    parts: list[Part] = []
    for chosen in np.array_split(order, -(-len(order) // _TOGETHER)):
        rows, longest = torch.from_numpy(chosen), int(lengths[chosen].max())
        tensors = {
            name: tensor[rows.to(tensor.device), :longest].contiguous() for name, tensor in batch.inputs.tensors.items()
        }
        inputs = Batch(tensors, tuple(lengths[chosen].tolist()))
        parts.append(Part(inputs, tuple(numbers[i] for i in chosen), targets_BS[chosen]))
    return parts
