"""Whether to answer is decided where it was best on other questions."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.answering.cheap import likest_sentences, sentences
from luthier.answering.kinds import question_kind
from luthier.answering.threshold import best_threshold
from luthier.evaluation.baselines import word_counter
from luthier.formats.questions import Question


def made(seed: int, rows: int, gap: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log odds about `gap` where there is an answer, about -gap + 4 where there is none: 2 is best and 0 is not."""
    rng = np.random.default_rng(seed)
    has = rng.random(rows) < 0.5
    odds = np.where(has, gap, -gap) + 2 + rng.normal(0, 1, rows)
    return odds, np.where(has, 0.8, 0.0), np.where(has, 0.0, 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_the_threshold_lies_between_what_has_an_answer_and_what_has_none(seed: int) -> None:
    found = best_threshold(*made(seed, 1000, 3.0))
    assert 1 < found < 3


def test_few_rows_that_say_little_leave_the_threshold_near_even_odds() -> None:
    found = [best_threshold(*made(seed, 12, 0.0)) for seed in range(20)]
    free = [abs(made(seed, 12, 0.0)[0]).max() for seed in range(20)]
    assert np.mean(np.abs(found)) < np.mean(free) / 2


def test_where_every_question_has_an_answer_none_is_silenced() -> None:
    odds = np.linspace(-3, 3, 50)
    assert best_threshold(odds, np.full(50, 0.7), np.zeros(50)) <= -3


def test_sentences_cover_the_text_in_any_script() -> None:
    text = 'It rained. "Did it?" Yes, 3.5 mm!\n他走了。她没走？是的'
    said = [text[start:end] for start, end in sentences(text)]
    assert said == ["It rained.", '"Did it?"', "Yes, 3.5 mm!", "他走了。", "她没走？", "是的"]
    assert sentences("   ") == [(0, 3)]


def test_the_likest_sentence_shares_rare_words_with_the_question() -> None:
    context = "The ferry is old. The baker sells bread at noon. The ferry is blue."
    question = Question("When does the baker sell his bread?", context)
    ((start, end),) = likest_sentences([question], [context, "The ferry and the pier"], word_counter)
    assert context[start:end] == "The baker sells bread at noon."


@pytest.mark.parametrize(
    ("question", "kind"),
    [("In which year?", "which"), ("How many goats?", "how many"), ("谁修好了？", "谁"), ("Name a showman.", "other")],
)
def test_a_question_is_of_the_kind_of_its_question_word(question: str, kind: str) -> None:
    assert question_kind(question) == kind
