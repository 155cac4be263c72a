"""Which windows form a step depends on lengths, seed and epoch, and on nothing else."""

import numpy as np
import pytest

from luthier.batching import cut
from luthier.training.order import epoch_steps, plan_steps, steps_per_epoch

LENGTHS = [int(n) for n in np.random.default_rng(0).integers(3, 60, size=103)]


def plan(**options: int) -> list[list[list[int]]]:
    return list(plan_steps(LENGTHS, **{"batch_size": 8, "max_tokens": 128, "epochs": 3, "seed": 5, **options}))


def members(micro_batches: list[list[int]]) -> set[int]:
    return {i for batch in micro_batches for i in batch}


def test_an_epoch_has_every_window_once() -> None:
    steps = epoch_steps(LENGTHS, 8, seed=1, epoch=0)
    assert sorted(i for step in steps for i in step) == list(range(103))
    assert len(steps) == steps_per_epoch(103, 8) == 13


def test_epochs_differ_and_repeat_by_seed() -> None:
    first, again, other = (epoch_steps(LENGTHS, 8, 1, epoch) for epoch in (0, 0, 1))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not all(len(a) == len(b) and (a == b).all() for a, b in zip(first, other, strict=True))


def test_micro_batches_keep_to_the_budget() -> None:
    parts = cut(range(103), LENGTHS, max_tokens=128)
    assert members(parts) == set(range(103))
    assert all(len(part) * max(LENGTHS[i] for i in part) <= 128 for part in parts)


def test_a_window_over_the_budget_goes_alone() -> None:
    assert cut([0, 1], [4, 300], max_tokens=128) == [[0], [1]]


@pytest.mark.parametrize("world", [2, 3])
def test_members_of_a_step_do_not_depend_on_the_number_of_processes(world: int) -> None:
    alone = [members(step) for step in plan()]
    shares = [plan(rank=rank, world=world) for rank in range(world)]
    assert alone == [set().union(*map(members, share)) for share in zip(*shares, strict=True)]


def test_rows_keep_to_the_budget_by_the_sum_of_their_lengths() -> None:
    rows = [batch for step in plan(packed=True) for batch in step]
    padded = [batch for step in plan() for batch in step]
    assert sorted(i for row in rows for i in row) == sorted(i for batch in padded for i in batch)
    assert all(sum(LENGTHS[i] for i in row) <= 128 for row in rows)
    assert any(len(row) * max(LENGTHS[i] for i in row) > 128 for row in rows)
    assert len(rows) < len(padded)
    assert [members(step) for step in plan(packed=True)] == [members(step) for step in plan()]
    assert cut([0, 1], [500, 3], 128, packed=True) == [[1], [0]]


def test_members_of_a_step_do_not_depend_on_the_memory() -> None:
    assert [members(step) for step in plan()] == [members(step) for step in plan(max_tokens=64)]


@pytest.mark.parametrize("start", [0, 1, 13, 20, 39])
def test_a_late_start_is_the_rest_of_the_whole(start: int) -> None:
    assert plan(start=start) == plan()[start:]


def test_little_padding_is_left() -> None:
    lengths = [int(n) for n in np.random.default_rng(1).lognormal(3.5, 0.8, size=2000) + 3]
    steps = plan_steps(lengths, batch_size=16, max_tokens=4096, epochs=1, seed=0)
    parts = [part for step in steps for part in step]
    padded = sum(len(part) * max(lengths[i] for i in part) for part in parts)
    assert sum(lengths) / padded > 0.9  # 0.3 in the order of the file
