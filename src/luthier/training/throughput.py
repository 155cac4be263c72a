"""How much work a run did for how long, against what the machine could do."""

from __future__ import annotations

import gc
import resource
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from luthier.tuning.parts import layer_stack


@dataclass(frozen=True)
class Throughput:
    """tokens_per_second: real ones, padding never counted. utilisation: floating-point operations that the real
    tokens need over time × measured matrix-multiplication peak; None where no peak was measured."""

    tokens_per_second: float
    examples_per_second: float
    real_to_padded: float
    utilisation: float | None

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def layer_passes(
    model: PreTrainedModel, trained: nn.Module, still: Mapping[str, float] = MappingProxyType({})
) -> list[float]:
    """For each layer, how many forward passes' worth of work a step is: 1 below the lowest layer that learns,
    2 for a frozen layer above one (its inputs need gradients), 3 where weights and inputs do. still: of parameters of
    `trained` that thaw later, from the top, the share of the steps before that; for so long their layer is one below.
    """
    _, layers = layer_stack(model)
    if _embedding_learns(model):
        lowest = 0
    else:
        learning = [i for i, layer in enumerate(layers) if any(p.requires_grad for p in layer.parameters())]
        lowest = learning[0] if learning else len(layers)
    whole = [
        any(p.requires_grad and p.ndim > 1 and not _is_low_rank(name) for name, p in layer.named_parameters())
        for layer in layers
    ]
    names = {id(p): name for name, p in trained.named_parameters()}
    shares = [max((still.get(names.get(id(p), ""), 0.0) for p in layer.parameters()), default=0.0) for layer in layers]
    full = [1 if i < lowest else 3 if whole[i] else 2 for i in range(len(layers))]
    return [share + (1 - share) * passes for share, passes in zip(shares, full, strict=True)]


def needed_flops(
    lengths: Sequence[int] | np.ndarray, times: np.ndarray, hidden: int, feed_forward: int, passes: Sequence[float]
) -> float:
    """For each window as often as `times` says. Embedding look-ups cost none, the head is not counted."""
    tokens = np.asarray(lengths, float)
    return float((layer_flops(tokens, tokens**2, hidden, feed_forward) * times).sum() * sum(passes))


def layer_flops(tokens: Any, pairs: Any, hidden: int, feed_forward: int) -> Any:
    """Of a layer's forward pass of sequences of together L tokens, whose squared lengths add up to P, hidden size d,
    feed-forward f: 2·L·(4d² + 2df) + 4·P·d."""
    return 2 * tokens * (4 * hidden**2 + 2 * hidden * feed_forward) + 4 * pairs * hidden


def peak_memory(device: str) -> int:
    """Bytes: of the process on a CPU, of torch's allocations on a GPU. Linux's ru_maxrss would not do: a process begins
    with that of the one that started it."""
    if device != "cpu":
        return int(torch.cuda.max_memory_allocated(device))
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def forget_peak_memory(device: str) -> None:
    """The peak is counted anew from here. On a CPU Linux does that; elsewhere the peak stays that of the process."""
    gc.collect()
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)
        return
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _embedding_learns(model: PreTrainedModel) -> bool:
    embedding: Any = model.get_input_embeddings()
    return embedding is not None and any(p.requires_grad for p in embedding.parameters())


def _is_low_rank(name: str) -> bool:
    return ".lora_" in name
