"""Which model is advised: the best, or the cheapest of those that are not surely worse; and when none is worth it."""

from typing import Any
from unittest import mock

import numpy as np

from luthier.candidates.advise import advise, ranked
from luthier.candidates.facts import Facts
from luthier.candidates.measure import Measured
from luthier.candidates.tokens import TextFit
from luthier.candidates.untuned import Known
from luthier.evaluation.intervals import Evaluated, bootstrap

_ROWS = 400


def right(share: float, first: int = 0) -> Evaluated:
    """The accuracy of answers of which so many are right, the wrong ones standing together from the row `first` on."""
    right_N = np.ones(_ROWS)
    right_N[first : first + round(_ROWS * (1 - share))] = 0
    return bootstrap(lambda w: {"accuracy": w @ right_N / w.sum(1)}, _ROWS, seed=0, resamples=300)


def model(name: str, score: Evaluated | None, seconds: float, **facts: Any) -> Measured:
    fit = TextFit(0.25, facts.pop("unknown", 0.0), facts.pop("cut", 0.0))
    known = Known(_ROWS, score, "" if score else "nobody can tell")
    card, pretrained = Facts("mit", ("en",), "bert", 512, 1, 1), facts.pop("pretrained", True)
    return Measured(name, card, 1, pretrained, fit, 1000.0, seconds, known, mock.sentinel.task)


def test_the_best_is_taken_where_it_is_surely_better() -> None:
    advice = advise([model("weak", right(0.6), 1), model("strong", right(0.9), 100)], right(0.7))
    assert advice.name == "strong" and advice.worth_it == "yes"
    assert "nothing cheaper" in advice.sentence and "TF-IDF" in advice.sentence


def test_of_those_that_are_not_surely_worse_the_cheapest_is_taken() -> None:
    near = [model("large", right(0.9), 100), model("small", right(0.89, 100), 10), model("bad", right(0.5), 1)]
    advice = advise(near, right(0.7))
    assert advice.name == "small"
    assert "10.0 times as long" in advice.sentence and "large" in advice.sentence


def test_none_is_worth_it_where_counted_words_do_as_well() -> None:
    assert advise([model("m", right(0.7), 1)], right(0.9)).worth_it == "no"
    same = advise([model("m", right(0.81, 100), 1)], right(0.8))
    assert same.worth_it == "unclear" and same.sentence.startswith("Not worth a pretrained model")


def test_a_model_that_nobody_trained_is_never_advised_but_casts_a_doubt() -> None:
    trained, random = model("trained", right(0.8), 10), model("random", right(0.8, 100), 1, pretrained=False)
    advice = advise([random, trained], right(0.5))
    assert advice.name == "trained" and "random, which is at random, is not surely worse" in advice.sentence
    weak = model("random", right(0.5), 1, pretrained=False)
    alone = advise([weak, trained], right(0.5)).sentence
    assert "at random" not in alone and "trained is the only pretrained model" in alone


def test_without_a_score_tokens_and_time_decide_and_that_is_said() -> None:
    models = [model("cuts", None, 1, cut=0.2), model("slow", None, 9), model("fast", None, 2),
              model("odd", None, 1, unknown=0.1)]  # fmt: skip
    assert [one.name for one in ranked(models)] == ["fast", "slow", "odd", "cuts"]
    advice = advise(models, None)
    assert advice.name == "fast" and advice.worth_it == "unknown"
    assert "No cheap score" in advice.sentence and "nobody can tell" in advice.sentence
