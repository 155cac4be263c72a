"""Where the work runs: the device, its precision, and this process's place among the others."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn

KINDS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""In which matrices are multiplied, by the name of a precision."""
_BUCKET = 16 * 2**20
"""Gradients are summed over processes in buckets of this many numbers: few calls, little extra memory."""


@dataclass(frozen=True)
class Runtime:
    """device: a torch device name. rank: this process, from 0. world: how many there are.

    precision: of the matrix multiplications, fp32, bf16 or fp16. The weights that are trained stay fp32.
    """

    device: str = "cpu"
    rank: int = 0
    world: int = 1
    precision: str = "fp32"

    @property
    def is_first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def autocast(self) -> AbstractContextManager[Any]:
        """Matrix multiplications inside the block run in the runtime's precision."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, dtype=KINDS[self.precision])

    def sum(self, values: Sequence[float]) -> list[float]:
        """Each value added up over all processes."""
        if self.world == 1:
            return list(values)
        totals = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(totals)
        return totals.tolist()

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Adds up gradients over all processes, in place. A sum, not DDP's mean: the loss was already
        divided by the global number of targets. A process without windows in this step adds zeros."""
        if self.world == 1:
            return
        for bucket in _buckets(parameters):
            gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in bucket]
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            distributed.all_reduce(flat)
            pieces = flat.split([p.numel() for p in bucket])
            for p, piece in zip(bucket, pieces, strict=True):
                p.grad = piece.view_as(p)

    def gather(self, value: Any) -> list[Any]:
        """Every process's value, in the order of the ranks, on every process."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        distributed.all_gather_object(values, value)
        return values

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any process: a signal may reach only one of them."""
        return self.sum([float(flag)])[0] > 0

    def wait(self) -> None:
        """Until every process has come here."""
        if self.world > 1:
            distributed.barrier()


@contextmanager
def open_runtime(precision: str = "auto", threads: int | None = None) -> Iterator[Runtime]:
    """The runtime of this process; joins the others where torchrun started several, and leaves them at the end.

    precision: "auto" takes bf16 where the hardware's flags say that it multiplies in bf16, else fp32.
    threads: of torch on the CPU; None leaves torch's own choice.
    """
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
    if device != "cpu":
        torch.cuda.set_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    joined = world > 1 and not distributed.is_initialized()
    if joined:
        backend = "nccl" if device != "cpu" else "gloo"
        distributed.init_process_group(backend, timeout=timedelta(minutes=60))
    try:
        yield Runtime(device, rank, world, best_precision(device) if precision == "auto" else precision)
    finally:
        if joined:
            distributed.destroy_process_group()


def best_precision(device: str) -> str:
    """bf16 where the device multiplies in it natively, judged by its flags and never by a timing."""
    return "bf16" if has_bf16(device) else "fp32"


def has_bf16(device: str) -> bool:
    if device != "cpu":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return _cpu_says("_is_avx512_bf16_supported") or _cpu_says("_is_amx_tile_supported")


def cpu_name() -> str:
    """The processor as the operating system names it."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        import platform

        return platform.processor()


def device_name(device: str) -> str:
    if device == "cpu":
        return f"{cpu_name() or 'CPU'}, {torch.get_num_threads()} threads"
    return torch.cuda.get_device_name(device)


@cache
def matmul_peak(device: str, precision: str) -> float:
    """Floating-point operations a second of a large square matrix multiplication, measured once a process: the ceiling
    that utilisation is counted against. The best of a third of a second, because a busy neighbour may take a part."""
    import time

    kind = KINDS[precision]
    size = 1024 if device == "cpu" else 8192
    a = torch.randn(size, size, device=device).to(kind)
    b = torch.randn(size, size, device=device).to(kind)
    best = float("inf")
    end = time.perf_counter() + 0.3
    while (begin := time.perf_counter()) < end:
        product: Tensor = a @ b
        if device != "cpu":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - begin)
        del product
    return 2 * size**3 / best


def give_back() -> None:
    """Gives to the system what this process has freed but keeps. glibc keeps blocks of up to 32 MiB, cut up between
    what lives on; where a longer batch then finds no room in one piece, the process grows by what it already has."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def seed_step(seed: int, step: int, rank: int = 0) -> None:
    """Random numbers are a function of (seed, step, process): a resume needs no saved generator."""
    mixed = (seed * 1_000_003 + step * 10_007 + rank) % 2**63
    if torch.cuda.is_available():
        torch.manual_seed(mixed)
    else:  # the same generator; torch.manual_seed takes a millisecond to remember it for GPUs that are not there
        torch.default_generator.manual_seed(mixed)


def _cpu_says(name: str) -> bool:
    probe = getattr(torch.cpu, name, None)
    return bool(probe and probe())


def _buckets(parameters: Iterable[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    bucket: list[nn.Parameter] = []
    size = 0
    for p in parameters:
        bucket.append(p)
        size += p.numel()
        if size >= _BUCKET:
            yield bucket
            bucket, size = [], 0
    if bucket:
        yield bucket
