"""What an epoch shows is a function of seed and epoch; classes come in the numbers that were asked for."""

import numpy as np
import pytest

from luthier.balancing.sampling import Sampling
from luthier.training.order import plan_steps, steps_per_epoch

CLASSES = np.array([0] * 50 + [1] * 7 + [2] * 2)
LENGTHS = np.random.default_rng(0).integers(3, 30, len(CLASSES))
OVER = Sampling(CLASSES, (1.0, 3.5, 12.5))
UNDER = Sampling(CLASSES, (0.1, 0.5, 1.0))


def classes_of(drawn: np.ndarray) -> list[int]:
    return np.bincount(CLASSES[drawn % len(CLASSES)], minlength=3).tolist()


@pytest.mark.parametrize(("sampling", "counts"), [(OVER, [50, 24, 25]), (UNDER, [5, 4, 2])])
def test_every_epoch_has_each_class_as_often_as_its_rate_says(sampling: Sampling, counts: list[int]) -> None:
    for epoch in range(4):
        drawn = sampling.epoch(7, epoch)
        assert classes_of(drawn) == counts
        assert len(drawn) == len(sampling) == sum(counts)


@pytest.mark.parametrize("sampling", [OVER, UNDER])
def test_an_epoch_repeats_by_seed_and_epochs_differ(sampling: Sampling) -> None:
    assert sampling.epoch(7, 3).tolist() == sampling.epoch(7, 3).tolist()
    assert sorted(sampling.epoch(7, 3)) != sorted(sampling.epoch(7, 4))
    assert sorted(sampling.epoch(7, 3)) != sorted(sampling.epoch(8, 3))


def test_every_repeat_has_a_number_of_its_own_and_no_row_comes_twice_more_than_another() -> None:
    drawn = OVER.epoch(7, 0)
    assert len(set(drawn.tolist())) == len(drawn)
    times = np.bincount(drawn % len(CLASSES), minlength=len(CLASSES))
    for c in range(3):
        assert np.ptp(times[c == CLASSES]) <= 1
    assert drawn.max() < OVER.most_repeats * len(CLASSES)


def test_what_an_epoch_leaves_out_the_next_ones_show() -> None:
    seen = np.concatenate([UNDER.epoch(7, epoch) for epoch in range(10)])
    assert sorted(seen[CLASSES[seen] == 0]) == sorted(range(50))  # 10 epochs of 5: each of the 50 once


def test_rates_of_1_are_every_row_once() -> None:
    assert sorted(Sampling(CLASSES, (1.0, 1.0, 1.0)).epoch(7, 2)) == list(range(len(CLASSES)))


def plan(**options: int) -> list[list[list[int]]]:
    how = {"batch_size": 8, "max_tokens": 100, "epochs": 3, "seed": 5, **options}
    return list(plan_steps(LENGTHS, sampling=OVER, **how))


def test_a_plan_goes_through_the_drawn_rows_epoch_by_epoch() -> None:
    steps, each = plan(), steps_per_epoch(len(OVER), 8)
    assert len(steps) == 3 * each == 3 * 13
    for epoch in range(3):
        members = [i for step in steps[epoch * each : (epoch + 1) * each] for part in step for i in part]
        assert sorted(members) == sorted(OVER.epoch(5, epoch).tolist())
    for part in (part for step in steps for part in step):
        assert len(part) * max(LENGTHS[i % len(CLASSES)] for i in part) <= 100


@pytest.mark.parametrize("start", [1, 13, 20, 38])
def test_a_late_start_is_the_rest_of_the_whole(start: int) -> None:
    assert plan(start=start) == plan()[start:]


def test_members_of_a_step_do_not_depend_on_the_number_of_processes() -> None:
    shares = [plan(rank=rank, world=2) for rank in range(2)]
    for alone, *parts in zip(plan(), *shares, strict=True):
        assert sorted(i for b in alone for i in b) == sorted(i for part in parts for b in part for i in b)
