"""How fast a candidate is on this machine, and how long the usual tuning of it would take."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from luthier.batching import cut
from luthier.errors import ModelError
from luthier.evaluation.baselines import Examples
from luthier.language import t
from luthier.ready import Ready
from luthier.runtime import Runtime
from luthier.types import LabelledBatch

_ROWS = 512
_TIMED_SECONDS = 1.5
_MOST_WAITED = 20.0
"""On a machine that is busy with other things."""
_STEP = 3
"""Forward passes that a training step costs: the backward pass takes two (Kaplan et al. 2020, section 2.1)."""
_MEMORY_SHARE = 0.8


@dataclass(frozen=True)
class Pace:
    """tokens_per_second: real ones, of forward passes with the loss, as if nothing else ran here. tokens_a_row: of
    training, as long as training lets a row be, answers and documents included."""

    tokens_per_second: float
    tokens_a_row: float

    def seconds(self, rows: int) -> float:
        """Of a forward pass over so many rows."""
        return rows * self.tokens_a_row / self.tokens_per_second

    def tuning(self, rows: int, checked: int, epochs: int) -> float:
        """Seconds of tuning all weights. rows: of training. checked: judged after each epoch."""
        return epochs * (_STEP * self.seconds(rows) + self.seconds(checked))


def pace(ready: Ready, examples: Examples, runtime: Runtime) -> Pace | None:
    """Of batches as training has them, drawn at random. None where the model can learn from no row."""
    codec = ready.codec
    taught, _ = codec.task.taught(examples[:_ROWS], codec.text)
    windows = codec.encode_labelled(taught)
    if not windows:
        return None
    windows = [codec.task.seen_at(window, codec.text, (0, 0, number)) for number, window in enumerate(windows)]
    cuts = cut(range(len(windows)), [len(window) for window in windows], ready.training.max_tokens)
    batches = [codec.collate_labelled([windows[i] for i in numbers], numbers) for numbers in cuts]
    order = np.random.default_rng(0).permutation(len(batches)).tolist()
    _forward(ready, batches[order[0]], runtime)  # the first pass makes plans and buffers
    now = _clock(runtime)
    tokens, rounds, began, patience = 0, 0, now(), time.monotonic() + _MOST_WAITED
    while rounds < 2 or (now() - began < _TIMED_SECONDS and time.monotonic() < patience):
        batch = batches[order[rounds % len(order)]]
        _forward(ready, batch, runtime)
        tokens, rounds = tokens + _tokens(batch), rounds + 1
    seconds = max(now() - began, 1e-9)
    return Pace(tokens / seconds, sum(map(_tokens, batches)) / len(taught))


def _clock(runtime: Runtime) -> Callable[[], float]:
    """Seconds. On a CPU those that its threads had for this process: what else runs on the machine comes and goes, and
    would rank the models by the minute in which they were measured."""
    if runtime.device != "cpu":
        return time.perf_counter
    threads = torch.get_num_threads()
    return lambda: time.process_time() / threads


def _tokens(batch: LabelledBatch) -> int:
    """Real ones, of everything that the model reads."""
    return sum(int(mask.sum()) for name, mask in batch.inputs.tensors.items() if name.endswith("attention_mask"))


def check_memory(name: str, numbers: int, runtime: Runtime) -> None:
    """numbers: how many weights, which are held in fp32. Errors: ModelError where there is no room for them."""
    size = 4 * numbers
    here = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    most = torch.cuda.mem_get_info()[0] if runtime.device != "cpu" else here
    if size > _MEMORY_SHARE * most:
        what = t("its weights take {size:.1f} GiB, the machine has {most:.1f}", size=size / 2**30, most=most / 2**30)
        raise ModelError.at(name, what, t("measure it on a larger machine"), code="too-large")


def _forward(ready: Ready, batch: LabelledBatch, runtime: Runtime) -> None:
    model: Any = ready.loaded.model.eval()
    with torch.inference_mode(), runtime.autocast():
        ready.codec.task.loss(model, batch.to(runtime.device))
    if runtime.device != "cpu":
        torch.cuda.synchronize()
