"""A batch is undecided and varied, and the same for the same seed."""

import numpy as np
import pytest

from luthier.choosing.batch import choose_batch, margins

pytestmark = pytest.mark.slow


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """200 sure rows and 40 undecided ones, these in four places far from each other."""
    rng = np.random.default_rng(seed)
    sure = np.tile([0.998, 0.001, 0.001], (200, 1))
    undecided = np.tile([0.4, 0.35, 0.25], (40, 1))
    places = np.eye(8)[np.repeat([0, 2, 4, 6], 10)] * 5
    features = np.concatenate([rng.normal(0, 1, (200, 8)), places + rng.normal(0, 0.05, (40, 8))])
    return np.concatenate([sure, undecided]), features


def test_the_rows_are_undecided_ones_of_different_places() -> None:
    probabilities, features = scene()
    for seed in range(5):
        chosen = np.array(choose_batch(probabilities, features, 4, seed))
        assert (chosen >= 200).all()
        assert len({(row - 200) // 10 for row in chosen.tolist()}) == 4


def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    probabilities, features = scene()
    first, again, other = (choose_batch(probabilities, features, 20, seed) for seed in (1, 1, 2))
    assert first == again and first != other and first[0] == other[0]  # the most undecided is always the first
    assert len(set(first)) == 20


def test_distances_are_those_of_the_whole_gradients() -> None:
    """The same draw with the gradients written out, as outer products."""
    rng = np.random.default_rng(3)
    probabilities, features = rng.dirichlet(np.ones(4), 60), rng.normal(size=(60, 6))
    away = probabilities.copy()
    away[np.arange(60), away.argmax(1)] -= 1
    gradients = (away[:, :, None] * features[:, None, :]).reshape(60, -1)
    draw = np.random.default_rng(9)
    taken = [int((gradients**2).sum(1).argmax())]
    while len(taken) < 8:
        nearest = np.min([(gradients**2).sum(1), *(((gradients - gradients[i]) ** 2).sum(1) for i in taken)], axis=0)
        nearest[taken] = 0
        taken.append(int(draw.choice(60, p=nearest / nearest.sum())))
    assert choose_batch(probabilities, features, 8, 9) == taken


def test_what_is_refused_is_passed_over_and_asked_only_once() -> None:
    probabilities, features = scene()
    asked: list[int] = []

    def refuse(row: int, taken) -> bool:
        asked.append(row)
        return row % 2 == 0

    chosen = choose_batch(probabilities, features, 15, 0, refuse)
    assert len(chosen) == 15 and all(row % 2 for row in chosen)
    assert len(asked) == len(set(asked))


def test_there_are_no_more_rows_than_there_are() -> None:
    probabilities, features = scene()
    assert len(choose_batch(probabilities[:5], features[:5], 50, 0)) == 5
    alike = choose_batch(probabilities[:6], np.zeros((6, 8)), 4, 0)  # nothing to tell them apart by
    assert len(set(alike)) == 4


def test_the_margin_is_the_lead_of_the_first_class() -> None:
    found = margins(np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]))
    assert found.tolist() == pytest.approx([0.2, 0.7])
