"""What frozen layers gave for each window of a set: computed once, put down on disk, read by number."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from luthier.caching import Cache, NoRoom, key_of, read_facts
from luthier.types import IDS, Batch, Window

_KINDS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_STATES, _INDEX = "states.bin", "index.npy"


@dataclass(frozen=True, eq=False)
class States:
    """states_PD: of all windows, one after another as they were computed. index_N2: of each window where it begins and
    how many positions it has. given: the type in which the layer gave them. packed: whether windows share a row."""

    states_PD: Tensor
    index_N2: np.ndarray
    given: torch.dtype
    packed: bool = False

    @property
    def bytes(self) -> int:
        return self.states_PD.numel() * self.states_PD.element_size()

    def of(self, numbers: Sequence[int], device: str) -> Tensor:
        """Of the windows with these numbers [B, T, D], zeros behind the shorter ones; or [1, T, D]. A number beyond the
        windows repeats one of them."""
        index_B2 = self.index_N2[np.asarray(numbers) % len(self.index_N2)]
        if (index_B2[:, 1] == 1).all():
            found = self.states_PD[torch.from_numpy(index_B2[:, 0])]
            found = found[None] if self.packed else found[:, None]
        else:
            parts = [self.states_PD[start : start + size] for start, size in index_B2.tolist()]
            found = torch.cat(parts)[None] if self.packed else pad_sequence(parts, batch_first=True)
        return found.to(device, self.given)


@dataclass(frozen=True)
class Pass:
    """One way to send windows through a model. batches: the numbers of each, every window once. ask: sends the windows
    with these numbers, and returns the batch. facts: of what the result also depends on."""

    batches: Sequence[Sequence[int]]
    ask: Callable[[Sequence[int], Callable[[Batch], None]], Any]
    packed: bool
    precision: str


def kept_states(
    cache: Cache, key: str, windows: Sequence[Window], layer: nn.Module, way: Pass, stop: Callable[[], bool],
    done: Callable[[int], None],
) -> tuple[States, float] | None:  # fmt: skip
    """What `layer`, the last frozen one, gives for the windows, and the seconds that took: 0 where it was known.

    key: of the frozen weights and of how they run. stop: whether to give up. None where that was said.
    Errors: NoRoom, OSError.
    """
    facts = {"weights": key, "packed": way.packed, "precision": way.precision,
             "batches": [list(batch) for batch in way.batches]}  # fmt: skip
    name = key_of(facts, *(window.arrays for window in windows))
    found = _open(cache, name)
    if found is not None:
        return found, 0.0
    began = time.perf_counter()
    if not _fill(cache, name, windows, layer, way, stop, done):
        return None
    found = _open(cache, name)
    if found is None:
        raise NoRoom  # another process has thrown it out already
    return found, time.perf_counter() - began


def computed(layer: nn.Module, way: Pass) -> States:
    """The same in memory, for a few windows."""
    parts: list[Tensor] = []
    places: dict[int, tuple[int, int]] = {}
    at, given = 0, torch.float32
    for numbers, rows in _given(layer, way):
        given = rows[0].dtype
        for number, row in zip(numbers, rows, strict=True):
            places[number] = (at, len(row))
            at += len(row)
            parts.append(row)
    return States(torch.cat(parts).float(), np.array([places[i] for i in sorted(places)]), given, way.packed)


def _fill(
    cache: Cache, name: str, windows: Sequence[Window], layer: nn.Module, way: Pass, stop: Callable[[], bool],
    done: Callable[[int], None],
) -> bool:  # fmt: skip
    kind = "bfloat16" if way.precision == "bf16" else "float32"
    given = _given(layer, way)
    numbers, rows = next(given)
    first = rows[0]
    one = len(first) == 1 and len(windows[numbers[0]]) > 1
    positions = len(windows) if one else sum(map(len, windows))
    needed = positions * first.shape[-1] * (2 if kind == "bfloat16" else 4) + 16 * len(windows)
    facts = {"kind": kind, "given": str(first.dtype).removeprefix("torch."), "width": first.shape[-1],
             "packed": way.packed}  # fmt: skip
    index_N2 = np.zeros((len(windows), 2), np.int64)
    at = 0
    with _giving_up() as gave_up, cache.adding(name, needed, facts) as folder:
        with (folder / _STATES).open("wb") as file:
            while True:
                for number, row in zip(numbers, rows, strict=True):
                    index_N2[number] = at, len(row)
                    at += len(row)
                flat = torch.cat(list(rows)).to("cpu", _KINDS[kind]).contiguous()
                file.write(flat.view(torch.uint8).numpy().data)
                done(len(numbers))
                if stop():
                    raise _GivenUp
                following = next(given, None)
                if following is None:
                    break
                numbers, rows = following
        np.save(folder / _INDEX, index_N2, allow_pickle=False)
    return not gave_up


class _GivenUp(Exception):  # noqa: N818
    pass


@contextmanager
def _giving_up() -> Iterator[list[bool]]:
    """The value is not empty where the block gave up."""
    said: list[bool] = []
    try:
        yield said
    except _GivenUp:
        said.append(True)


def _open(cache: Cache, name: str) -> States | None:
    path = cache.find(name)
    if path is None:
        return None
    try:
        facts = read_facts(path)
        index_N2 = np.load(path / _INDEX, allow_pickle=False)
        kind, width = _KINDS[facts["kind"]], facts["width"]
        positions = int(index_N2[:, 1].sum())
        flat = torch.from_file(str(path / _STATES), shared=False, size=positions * width, dtype=kind)
        return States(flat.view(positions, width), index_N2, getattr(torch, facts["given"]), facts["packed"])
    except (OSError, ValueError, KeyError, RuntimeError):
        return None  # thrown out by another process between two lines


class _Enough(Exception):  # noqa: N818
    """What was wanted of the model is there; what lies above need not run."""


def _given(layer: nn.Module, way: Pass) -> Iterator[tuple[Sequence[int], list[Tensor]]]:
    """Batch by batch the numbers of its windows, and of each what the layer gave, [T, D]. Errors: ValueError for a
    model whose layers do not give a state for each token."""
    given: list[Tensor] = []
    sent: list[Batch] = []

    def take(_: nn.Module, __: Any, said: Any) -> None:
        given.append(said[0] if isinstance(said, tuple) else said)
        raise _Enough

    for numbers in way.batches:
        hook = layer.register_forward_hook(take)
        try:
            with torch.no_grad():
                way.ask(numbers, sent.append)
        except _Enough:
            pass
        finally:
            hook.remove()
        yield numbers, _rows(given.pop(), sent.pop())


def _rows(states: Tensor, batch: Batch) -> list[Tensor]:
    """Of each window [T, D]; [1, D] where the layer works at one position only."""
    lengths, ids = batch.lengths, next(v for name, v in batch.tensors.items() if name.endswith(IDS))
    if states.ndim == 3 and states.shape[:2] == (1, sum(lengths)) and len(lengths) > 1:
        return list(states[0].split(list(lengths)))
    if states.ndim != 3 or len(states) != len(lengths) or states.shape[1] not in (1, ids.shape[1]):
        raise ValueError(states.shape)
    if states.shape[1] == 1:
        return list(states)
    return [row[:length] for row, length in zip(states, lengths, strict=True)]
