"""What a training holds in memory, part by part, and when most of it is there at once.

Nothing here knows a tuning method, a task or an optimiser by name: weights and what moves are asked of the tuned model,
the moments of the optimiser itself, activations of autograd (kept.py).
"""

from __future__ import annotations

import gc
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from luthier.models.find import ModelFolder
from luthier.planning.reckoning.course import Course
from luthier.planning.reckoning.kept import Kept
from luthier.runtime import give_back
from luthier.training.gradient.narrow import spared_bytes
from luthier.training.optimise import OPTIMISERS, trainable
from luthier.types import LabelledWindow

_STAND_IN = 1024
"""Numbers of a parameter on which the optimiser shows what it keeps."""
_CUT_UP = 0.15
"""Of what a step has in hand, what glibc's allocator holds besides when a run has gone on for a while: a MiniLM's runs
held 0.07 of it after 24 steps, and 0.31 after 48, more than a probe of four steps saw."""
_OBJECT = 700
"""Bytes of Python's own objects about a window, measured: its mapping, its arrays' heads, itself."""
PARTS = (
    "runtime", "data", "weights", "looking", "gradients", "moments", "activations", "logits", "allocator", "copies",
    "testing",
)  # fmt: skip


@dataclass(frozen=True)
class Memory:
    """parts: bytes by what PARTS names. on_gpu: the runtime, the data, what looking keeps and the copies are then in
    the host's memory and do not count."""

    parts: Mapping[str, float]
    on_gpu: bool = False

    @property
    def at_once(self) -> Mapping[str, float]:
        """By what is being done how much is there at once."""
        get = self.parts.__getitem__
        here = 0.0 if self.on_gpu else get("runtime") + get("data")
        always = here + get("weights")
        copies = 0.0 if self.on_gpu else get("copies")
        return {
            "looking": always + (0.0 if self.on_gpu else get("looking")),
            "step": always + get("gradients") + get("moments") + get("activations") + get("logits") + get("allocator"),
            "saving": always + get("moments") + copies,
            "testing": always + get("testing"),
        }

    @property
    def peak(self) -> float:
        return max(self.at_once.values())

    @property
    def fullest(self) -> str:
        """What is being done when most is there."""
        found = self.at_once
        return max(found, key=found.__getitem__)


@dataclass(frozen=True)
class Through:
    """What a forward pass has in hand that keeps nothing: a layer's states and scores, in fp32. states: bytes a token
    of the states of all layers, which the look at the data asks for."""

    token: float
    pair: float
    states: float

    @staticmethod
    def made(folder: ModelFolder) -> Through:
        size = 4.0 * folder.hidden_size
        return Through(6 * size + 8.0 * folder.feed_forward, 12.0 * folder.heads, size * (folder.layers + 1))

    def of(self, tokens: Any, pairs: Any) -> Any:
        return self.token * tokens + self.pair * pairs


def reckon(
    model: nn.Module, weights: float, optimiser: str, course: Course, kept: Kept, *, windows: Sequence[LabelledWindow],
    looking: float, through: Through, asked_at_once: tuple[float, float], on_gpu: bool,
) -> Memory:  # fmt: skip
    """model: tuned, and as it learns. weights: its bytes before that. looking: bytes of states that are kept of what
    the untuned model sees. asked_at_once: tokens and squared lengths of the largest batch that is only asked."""
    spared = spared_bytes(model)
    learnt = bytes_of(trainable(model).values())
    moments = learnt / 4 * state_bytes(optimiser)
    data = token_bytes(windows)
    most_S = course.most(kept.of(course.tokens, course.pairs))
    fullest = int(most_S.argmax())
    tokens = float(course.tokens[course.step == fullest].max())
    logits = kept.logits * tokens
    in_hand = float(np.max(through.of(course.tokens, course.pairs)))
    activations = max(float(most_S[fullest]) + 2 * kept.passing * tokens, in_hand)
    asking = through.of(*asked_at_once)
    # where a step has several micro-batches the gradient of the first is there while the second goes forwards;
    # else gradients come while activations go, and only what comes last finds all of the others there
    gradients = learnt if course.micro_batches.max() > 1 else max(0.0, learnt - activations / 2)
    return Memory(
        {
            "runtime": 0.0 if on_gpu else max(0.0, resident() - weights + spared - data),
            "data": data,
            "weights": weights - spared,
            "looking": spared + looking + asking + through.states * asked_at_once[0],
            "gradients": gradients,
            "moments": moments,
            "activations": activations - logits,
            "logits": logits,
            "allocator": 0.0 if on_gpu else cut_up(gradients, activations),
            "copies": learnt + moments,
            "testing": spared + weights + asking,
        },
        on_gpu,
    )


def cut_up(gradients: float, activations: float) -> float:
    """Bytes that lie between blocks in use after many steps of different shapes, on a CPU."""
    return _CUT_UP * (gradients + activations)


def bytes_of(tensors: Iterable[Tensor]) -> float:
    """Each storage once, however many names it has; 4-bit weights as they are packed."""
    return float(sum({id(t): t.numel() * t.element_size() for t in tensors}.values()))


def weights_of(folder: Path) -> float:
    """Bytes that the weights in a model folder take in fp32, read off the heads of its files; 0 where it has none."""
    from safetensors import safe_open

    numbers = 0
    for path in folder.glob("*.safetensors"):
        with safe_open(str(path), framework="np") as file:
            numbers += sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    return 4.0 * numbers


def state_bytes(name: str) -> float:
    """Bytes an optimiser keeps for each number that learns: it takes a step on a stand-in and is asked."""
    stand_in = nn.Parameter(torch.zeros(_STAND_IN))
    optimiser = OPTIMISERS[name]([{"params": [stand_in], "lr": 0.0}])
    stand_in.grad = torch.zeros(_STAND_IN)
    optimiser.step()
    held = [value for value in optimiser.state[stand_in].values() if isinstance(value, Tensor) and value.ndim]
    return sum(value.numel() * value.element_size() for value in held) / _STAND_IN


def token_bytes(windows: Sequence[LabelledWindow]) -> float:
    """Of tokenised rows in memory."""
    arrays = (array for w in windows for array in (*w.window.arrays.values(), w.targets, w.window.spans))
    return float(_OBJECT * len(windows) + sum(array.nbytes for array in arrays if array is not None))


def resident() -> float:
    """Bytes of this process in memory now, after what nobody holds any more was let go."""
    gc.collect()
    give_back()
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) * 1024
    except (OSError, StopIteration):
        import resource

        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def free_memory(device: str) -> float:
    """Bytes that a new process could have on the machine now: of the GPU, else of the machine within the limit of its
    control group."""
    if device != "cpu":
        return float(torch.cuda.mem_get_info(device)[0])
    free = float("inf")
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        free = next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
        most = Path("/sys/fs/cgroup/memory.max").read_text(encoding="utf-8").strip()
        used = float(Path("/sys/fs/cgroup/memory.current").read_text(encoding="utf-8"))
        return free if most == "max" else min(free, float(most) - used)
    except (OSError, StopIteration, ValueError):
        return free
