"""What a forward pass keeps for its way back: autograd itself is asked.

Formulas for activations (Korthikanti et al. 2022) are each for one make of model, one kernel and one way to draw
dropout. Here a few of the data's own windows go through the model as training has it, every tensor that autograd saves
is counted (torch.autograd.graph.saved_tensors_hooks), and three passes of different shapes give the three numbers of

    bytes = fixed + a token · tokens + a pair · Σ length²

which hold for any micro-batch: layers keep so much a token, attention with dropout so much a pair of tokens, and casts
of weights to a lower precision what they keep whatever the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor, nn

from luthier.codec import Codec
from luthier.objective import Joint
from luthier.planning.reckoning.course import batches_of
from luthier.runtime import Runtime
from luthier.training.dropout import Noise
from luthier.training.how import Training
from luthier.tuning.parts import Tuned
from luthier.types import LabelledBatch, LabelledWindow

PASSES = 3
_MOST_TOKENS = 512
"""Of the largest trial pass: enough to tell the numbers apart, a fraction of what a step takes."""


@dataclass(frozen=True)
class Kept:
    """fixed, token, pair: bytes, as above. logits: bytes a token of what the output layer made, part of `token`.
    passing: bytes a token of the largest tensor: what backward has in hand beside what was kept."""

    fixed: float
    token: float
    pair: float
    logits: float
    passing: float

    def of(self, tokens: Any, pairs: Any) -> Any:
        """Bytes kept by micro-batches of so many tokens with padding, and squared lengths."""
        return self.fixed + self.token * tokens + self.pair * pairs


@dataclass
class _Count:
    """outputs: numbers a token of the output layer. skipped: storages of weights, which are there anyway."""

    skipped: frozenset[int]
    outputs: int
    storages: dict[int, int] = field(default_factory=dict)
    logits: int = 0
    largest: int = 0

    def pack(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        place, size = storage.data_ptr(), storage.nbytes()
        if place not in self.skipped and place not in self.storages:
            self.storages[place] = size
            self.largest = max(self.largest, size)
            if self.outputs and tensor.ndim and tensor.shape[-1] == self.outputs:
                self.logits += size
        return tensor


def count_kept(
    tuned: Tuned, codec: Codec, windows: Sequence[LabelledWindow], how: Training, runtime: Runtime, noise: Noise
) -> Kept:
    """tuned: as training has it, `as_it_learns`. windows: of training; a few of them are shown, none is learnt."""
    order = sorted(range(len(windows)), key=lambda i: len(windows[i]))
    fitting = [i for i in order if len(windows[i]) <= _MOST_TOKENS // 2] or order[:1]
    short, long = fitting[len(fitting) // 10], fitting[-1]
    shapes = [[long], [long, long], [short] * max(2, min(8, _MOST_TOKENS // max(1, len(windows[short]))))]
    with torch.random.fork_rng(devices=[]):
        counted = [_counted(tuned, codec, windows, shape, how, runtime, noise) for shape in shapes]
    bytes_S = np.array([sum(count.storages.values()) for count, _ in counted], float)
    facts_S3 = np.array([(1.0, *facts) for _, facts in counted])
    scale_3 = np.maximum(facts_S3.max(0), 1.0)
    (fixed, token, pair), _ = nnls(facts_S3 / scale_3, bytes_S)
    largest, (tokens, _) = max(counted, key=lambda one: one[1][0])
    return Kept(fixed, token / scale_3[1], pair / scale_3[2], largest.logits / tokens, largest.largest / tokens)


def _counted(
    tuned: Tuned, codec: Codec, windows: Sequence[LabelledWindow], numbers: Sequence[int], how: Training,
    runtime: Runtime, noise: Noise,
) -> tuple[_Count, tuple[float, float]]:  # fmt: skip
    """What was kept, and the tokens with padding and their squares."""
    model = tuned.model
    (batch,) = batches_of(codec, windows, [numbers], how)
    count = _Count(
        frozenset(t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())),
        outputs_of(model),
    )  # fmt: skip
    was_training = model.training
    model.train()
    noise.begin(0, batch.numbers)
    with torch.autograd.graph.saved_tensors_hooks(count.pack, lambda tensor: tensor), runtime.autocast():
        held = list(_forward(model, tuned.objective_for(codec.task), batch.to(runtime.device), noise))
    del held
    model.train(was_training)
    lengths = [len(windows[i]) for i in numbers]
    tokens = float(sum(lengths) if how.packing else len(lengths) * max(lengths))
    return count, (tokens, float(sum(n**2 for n in lengths) if how.packing else len(lengths) * max(lengths) ** 2))


def _forward(model: nn.Module, objective: Any, batch: LabelledBatch, noise: Noise) -> Iterator[Any]:
    """As a step goes forwards: the results, which hold what was kept."""
    if not isinstance(objective, Joint):
        yield objective(model, batch)
        return
    for part in objective.parts(batch):
        noise.begin(0, part.numbers)
        yield objective.embed(model, part)


def outputs_of(model: Any) -> int:
    """Numbers that a language model says of each token; 0 for a model that has no such layer."""
    layer = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    return int(getattr(layer, "out_features", 0) or 0)
