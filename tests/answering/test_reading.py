"""The best answer is found by exact search, over all windows, and its score is a probability."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from luthier.answering.reading import Part, Reading, read_windows
from luthier.formats.questions import Answer
from luthier.types import Window

CONTEXT = "a b c d e f g h i j k l m n o p"


def window(first: int, tokens: int) -> Window:
    """Of so many letters of the context, behind a first token and two of the question."""
    spans = [(2 * i, 2 * i + 1) for i in range(first, first + tokens)]
    return Window({"input_ids": np.zeros(tokens + 4, np.int32)}, np.array([(0, 0)] * 3 + spans + [(0, 0)], np.int64))


def reading(windows: list[Window], most: int, none: float = -np.inf, seed: int = 0) -> Reading:
    rng = np.random.default_rng(seed)
    parts, mass = read_windows(
        CONTEXT, windows, [rng.normal(0, 3, (len(w), 2)).astype(np.float32) for w in windows], most
    )
    made = Reading(CONTEXT, parts, most, None, mass, none, False, "")
    return Reading(CONTEXT, parts, most, made.best(1)[0], mass, none, False, "")


def by_hand(parts: list[Part], most: int) -> dict[tuple[int, int], float]:
    odds: dict[tuple[int, int], float] = {}
    for part in parts:
        tokens = len(part.spans_P2)
        for s, e in product(range(tokens), range(tokens)):
            if s <= e < s + most:
                value = float(part.logits[s + 1, 0] + part.logits[e + 1, 1] - part.logits[0].sum())
                key = int(part.spans_P2[s, 0]), int(part.spans_P2[e, 1])
                odds[key] = max(value, odds.get(key, -np.inf))
    return odds


@pytest.mark.parametrize("most", [1, 3, 99])
@pytest.mark.parametrize("seed", range(5))
def test_no_pair_of_a_start_and_an_end_is_better_than_the_best(most: int, seed: int) -> None:
    made = reading([window(0, 7), window(5, 8)], most, seed=seed)
    expected = sorted(by_hand(list(made.parts), most).items(), key=lambda item: -item[1])
    found = made.best(10_000)
    assert [(answer.start, answer.end) for answer in found] == [span for span, _ in expected]
    assert [answer.odds for answer in found] == pytest.approx([odds for _, odds in expected], abs=1e-4)
    assert made.best(4) == found[:4]


def test_probabilities_of_all_answers_and_of_none_are_one() -> None:
    for none in (-np.inf, 0.0, 5.0):
        ranked = reading([window(0, 9)], 4, none).ranked(1000)
        assert sum(probability for _, probability in ranked) == pytest.approx(1, abs=1e-4)
        assert ((0, 0) in {answer[:2] for answer, _ in ranked}) == np.isfinite(none)
        assert [p for _, p in ranked] == sorted((p for _, p in ranked), reverse=True)


def test_an_answer_no_likelier_than_none_is_not_given() -> None:
    made = reading([window(0, 9)], 4)
    assert made.found is not None and made.said == CONTEXT[made.found.start : made.found.end]
    for none, said in ((made.found.odds + 0.1, ""), (made.found.odds - 0.1, made.said)):
        assert reading([window(0, 9)], 4, none).said == said


def test_a_context_without_tokens_has_no_answer() -> None:
    parts, mass = read_windows(CONTEXT, [window(0, 0)], [np.zeros((4, 2), np.float32)], 5)
    empty = Reading(CONTEXT, parts, 5, None, mass, -np.inf, False, "")
    assert empty.said == "" and [(tuple(a[:2]), p) for a, p in empty.ranked(3)] == [((0, 0), 1.0)]


def test_the_loss_is_the_cross_entropy_of_start_and_end_over_context_and_first_token() -> None:
    made = reading([window(0, 7)], 5)
    (part,) = made.parts
    shares = np.exp(part.logits) / np.exp(part.logits).sum(0)
    right = (Answer("c d", 4),)
    assert made.loss(right) == pytest.approx(-(np.log(shares[3, 0]) + np.log(shares[4, 1])) / 2, rel=1e-5)
    assert made.loss(()) == pytest.approx(-np.log(shares[0]).mean(), rel=1e-5)


def test_a_reading_moves_to_another_wording_of_its_context() -> None:
    made = reading([window(0, 7)], 3)
    there = made.moved("a  b  c  d e f g h i j k l m n o p!")
    assert there.said == made.said.replace("a b", "a  b").replace("b c", "b  c").replace("c d", "c  d")
    assert there.context[slice(*there.parts[0].spans_P2[3])] == "d"
