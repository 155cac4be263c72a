"""Rows that training has seen flatter a score, and it is said by how much."""

import random

from luthier.evaluation.leak import given_leak, leak_worth, seen_before
from luthier.formats.labelled import Labelled
from luthier.tasks.classification import Classification
from luthier.types import Example


def noise(count: int, seed: int, times: int = 1) -> list[Example[str, str]]:
    """Texts whose labels cannot be learnt, only known by heart."""
    draw = random.Random(seed)
    texts = [" ".join(f"w{draw.randrange(5000)}" for _ in range(8)) for _ in range(count)]
    return [Example(text, draw.choice("ab")) for text in texts] * times


def test_a_split_that_tears_copies_apart_flatters_what_learns_by_heart() -> None:
    leak = leak_worth(Classification(), [*noise(200, 0, times=3), *noise(200, 1)], seed=0, share=0.25)
    assert leak is not None and leak.score == "accuracy" and leak.would
    assert leak.rows == 200 and 120 < leak.exact < 180 and leak.near == 0
    assert leak.everywhere > leak.unseen + 0.15
    assert leak.untaught is not None and abs(leak.untaught - 0.5) < 0.15  # nothing to know by heart is left
    assert f"{leak.exact} of 200 test rows" in str(leak) and leak.as_json()["sentence"] == str(leak)


def test_without_copies_there_is_no_leak() -> None:
    assert leak_worth(Classification(), noise(60, 0), seed=0, share=0.25) is None


def test_rows_seen_before_are_counted_once_exact_or_near() -> None:
    train = [Example("the driver left my parcel at the porch", "a"), Example("where is my money", "b")]
    judged = [
        Example("the driver left my parcel at the porch", "a"),
        Example("the driver left my letter at the porch", "a"),
        Example("the driver left my letter at the porch", "b"),
        Example("nothing like it was seen before", "a"),
    ]
    exact, near = seen_before(Labelled(), train, judged)
    assert exact.tolist() == [True, False, False, False]
    assert near.tolist() == [False, True, False, False]


def test_a_runs_own_predictions_are_scored_without_the_rows_it_has_seen() -> None:
    task = Classification(labels=("a", "b"))
    train, new = noise(30, 0), noise(10, 1)
    judged = [*train[:10], *new]
    wrong = ["b" if example.answer == "a" else "a" for example in new]
    said = [task.constant([answer]) for answer in [*(example.answer for example in train[:10]), *wrong]]
    leak = given_leak(task, train, judged, said, seed=0)
    assert leak is not None and (leak.rows, leak.exact) == (20, 10)
    assert (leak.everywhere, leak.unseen) == (0.5, 0.0)
    assert given_leak(task, train, new, said[10:], seed=0) is None
