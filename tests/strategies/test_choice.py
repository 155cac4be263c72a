"""The recommendation: the cheapest of those that are not surely worse than the best."""

import numpy as np

from luthier.evaluation.evaluate import report_of
from luthier.evaluation.intervals import Evaluated, resample_weights
from luthier.strategies.choice import choose, front
from luthier.strategies.measured import Measured, Said

ROWS = 400


def system(name: str, right: float, seconds: float, *, latency: float = 1.0, saved: int = 100) -> Measured:
    """One that is right on the first rows, up to this share of all."""
    hits_N = (np.arange(ROWS) < right * ROWS).astype(float)
    weights_RN = np.concatenate(list(resample_weights(ROWS, 200, 0)))
    found = Evaluated({"accuracy": hits_N.mean()}, {"accuracy": weights_RN @ hits_N / ROWS})
    return Measured(
        name, name, 3, {"train_seconds": seconds}, Said(found, report_of(found, hits_N), found), latency, saved
    )


def choice(*systems: Measured) -> tuple[str, str, str]:
    found = choose(systems, "accuracy", higher_is_better=True, chooses="validation")
    return found.best, found.recommended, found.sentence


def test_the_cheapest_of_those_as_good_is_taken_and_says_why() -> None:
    best, taken, said = choice(system("full", 0.90, 100), system("lora", 0.8975, 20), system("head", 0.7, 1))
    assert (best, taken) == ("full", "lora")
    assert "not surely worse than full" in said and "5.0 times as fast" in said


def test_one_that_is_surely_better_than_all_cheaper_ones_is_taken() -> None:
    best, taken, said = choice(system("full", 0.95, 100), system("head", 0.7, 1))
    assert (best, taken) == ("full", "full") and "no cheaper one is as good" in said


def test_of_an_error_the_least_is_the_best() -> None:
    systems = (system("full", 0.1, 100), system("head", 0.6, 1))
    assert choose(systems, "accuracy", higher_is_better=False, chooses="validation").best == "full"


def test_the_front_holds_what_no_other_beats_in_both() -> None:
    systems = [system("a", 0.9, 50), system("b", 0.8, 10), system("c", 0.7, 20), system("d", 0.9, 60)]
    assert front(systems, lambda one: one.said.judged.values["accuracy"], lambda one: one.seconds) == ["b", "a"]
