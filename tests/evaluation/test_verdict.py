"""The verdict is one plain sentence, and says so where nothing was gained."""

import pytest

from luthier.evaluation.intervals import Difference
from luthier.evaluation.verdict import best_baseline, doubted, judge
from luthier.types import Report, Score


def report(value: float, name: str = "macro_f1") -> Report:
    return Report((Score(name, value, 100, value - 0.05, value + 0.05),))


@pytest.mark.parametrize(
    ("difference", "worth_it", "says", "ends"),
    [
        (Difference(0.10, 0.05, 0.15), "yes", "Worth it: macro_f1 0.900 against 0.800", "to +0.150)."),
        (Difference(0.10, -0.01, 0.21), "unclear", "No improvement shown", "more test rows would tell."),
        (Difference(0.0, -0.01, 0.01), "no", "No improvement shown", "The cheaper baseline does as well."),
        (Difference(-0.10, -0.15, -0.05), "no", "No improvement shown", "The cheaper baseline is better."),
    ],
)
def test_worth_it_only_where_the_whole_interval_lies_above_nothing(
    difference: Difference, worth_it: str, says: str, ends: str
) -> None:
    verdict = judge(report(0.9), report(0.8), "tfidf", "macro_f1", difference)
    assert verdict.worth_it == worth_it
    assert verdict.sentence.startswith(says) and verdict.sentence.endswith(ends)
    assert "counted words (TF-IDF)" in verdict.sentence and "100 test rows" in verdict.sentence
    assert set(verdict.as_json()) == {"worth_it", "sentence", "baseline", "metric", "difference", "low", "high"}


def test_the_strongest_baseline_is_the_one_to_beat() -> None:
    three = {"majority": report(0.3), "tfidf": report(0.8), "embeddings": report(0.7)}
    assert best_baseline(report(0.9), three) == ("tfidf", "macro_f1")
    rmse = {
        name: Report((Score("rmse", value, 9, higher_is_better=False),)) for name, value in (("a", 2.0), ("b", 1.0))
    }
    assert best_baseline(rmse["a"], rmse) == ("b", "rmse")


def test_what_no_baseline_can_say_is_not_what_they_are_compared_by() -> None:
    tuned = Report((Score("loss", 1.0, 9, higher_is_better=False), Score("rouge_l", 0.4, 9)))
    copied = Report((Score("rouge_l", 0.6, 9),))
    assert best_baseline(tuned, {"nearest": copied}) == ("nearest", "rouge_l")
    untuned = Report((Score("loss", 2.0, 9, higher_is_better=False), Score("rouge_l", 0.1, 9)))
    assert best_baseline(tuned, {"nearest": copied, "untuned": untuned}) == ("untuned", "loss")


def test_a_baseline_that_is_surely_ahead_by_another_score_puts_the_verdict_in_doubt() -> None:
    tuned = Report((Score("loss", 1.0, 9, higher_is_better=False), Score("rouge_l", 0.4, 9)))
    copied = Report((Score("rouge_l", 0.6, 9),))
    yes = judge(report(0.9), report(0.8), "untuned", "macro_f1", Difference(0.1, 0.05, 0.15))
    sure = doubted(yes, tuned, copied, "nearest", "rouge_l", Difference(-0.2, -0.3, -0.1))
    assert sure.worth_it == "unclear" and "rouge_l" in sure.sentence and "0.600 against 0.400" in sure.sentence
    chance = doubted(yes, tuned, copied, "nearest", "rouge_l", Difference(-0.2, -0.5, 0.1))
    assert chance.worth_it == "yes" and "0.600 against 0.400" in chance.sentence
    assert doubted(yes, tuned, copied, "nearest", "rouge_l", Difference(0.2, 0.1, 0.3)) == yes
