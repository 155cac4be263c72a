"""Answers are compared as the official scripts of SQuAD and CMRC 2018 compare them: values by hand from their rules."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.metrics.answers import agreement, answer_scores

SQUAD = [
    # said, right answers, F1, exact match
    ("The Normans", ["Normans"], 1.0, 1.0),  # the article goes
    ("in the 10th century.", ["10th century"], 2 * (2 / 3) * 1 / (2 / 3 + 1), 0.0),  # in 10th century: 2 of 3 words
    ("Jean-Luc Picard", ["Jean Luc Picard"], 2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3), 0.0),  # jeanluc is one word
    ("$1,000", ["1000"], 1.0, 1.0),  # ASCII punctuation goes, and leaves no space
    ("Denver Broncos", ["Broncos", "Denver Broncos", "The Broncos of Denver"], 1.0, 1.0),  # the best counts
    ("Carolina", ["Denver", "the Broncos"], 0.0, 0.0),
    ("a cat and a cat", ["cat cat dog"], 2 * (2 / 3) * (2 / 3) / (4 / 3), 0.0),  # cat and cat: words are a multiset
    ("", [], 1.0, 1.0),  # nothing is right where nothing answers
    ("Paris", [], 0.0, 0.0),
    ("", ["Paris"], 0.0, 0.0),
    ("the", ["the"], 1.0, 1.0),  # nothing is left of the right answer: no answer is right, and nothing is left of this
    ("“Naïve”  ÉTÉ", ["“naïve” été"], 1.0, 1.0),  # case and space go, other than ASCII signs stay
]
CMRC = [
    ("北京大学", ["北京大学"], 1.0, 1.0),
    ("《北京大学》。", ["北京大学"], 1.0, 1.0),  # signs go
    ("在北京", ["北京市"], 2 * (2 / 3) * (2 / 3) / (4 / 3), 0.0),  # 北京: 2 of 3 and 2 of 3
    ("北大京", ["北京大"], 2 * (1 / 3) * (1 / 3) / (2 / 3), 0.0),  # the longest common run, not what is common
    ("NBA球队", ["nba球员"], 2 * (2 / 3) * (2 / 3) / (4 / 3), 0.0),  # nba is one piece
    ("1,234.5元", ["1,234.5元"], 1.0, 1.0),
    ("上海", ["北京", "上海"], 1.0, 1.0),
    ("上海", ["北京"], 0.0, 0.0),
    ("周一 ", ["周一"], 1.0, 1.0),
    ("3月5日", ["5月3日"], 2 * (1 / 4) * (1 / 4) / (1 / 2), 0.0),
    ("", [], 1.0, 1.0),
]


@pytest.mark.parametrize(("said", "right", "f1", "exact"), SQUAD)
def test_words_are_compared_as_by_squad(said: str, right: list[str], f1: float, exact: float) -> None:
    assert agreement(said, right, by_character=False) == pytest.approx((f1, exact))


@pytest.mark.parametrize(("said", "right", "f1", "exact"), CMRC)
def test_characters_are_compared_as_by_cmrc(said: str, right: list[str], f1: float, exact: float) -> None:
    assert agreement(said, right, by_character=True) == pytest.approx((f1, exact))


def test_scores_are_weighted_means_and_those_of_each_kind_stand_where_both_are() -> None:
    f1, exact, loss = np.array([1.0, 0.5, 0.0]), np.array([1.0, 0.0, 0.0]), np.array([1.0, np.nan, 3.0])
    weights = np.array([[1.0, 1.0, 1.0], [0.0, 2.0, 1.0], [2.0, 1.0, 0.0]])
    scores = answer_scores(f1, exact, loss, np.array([True, True, False]), weights)
    assert list(scores) == ["f1", "exact_match", "has_answer_f1", "no_answer_f1", "loss"]
    assert scores["f1"].tolist() == pytest.approx([0.5, 1 / 3, 2.5 / 3])
    assert scores["has_answer_f1"].tolist() == pytest.approx([0.75, 0.5, 2.5 / 3])
    assert scores["no_answer_f1"][:2].tolist() == [0.0, 0.0] and np.isnan(scores["no_answer_f1"][2])
    assert scores["loss"].tolist() == pytest.approx([2.0, 3.0, 1.0])
    assert "no_answer_f1" not in answer_scores(f1, exact, loss, np.array([True] * 3), weights)
