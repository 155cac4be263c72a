"""Scores of entities are seqeval's."""

import numpy as np
import pytest
from seqeval.metrics import classification_report, f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from luthier.metrics.entities import entity_counts, entity_scores, per_type


def sentences(count: int, seed: int) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    tags = np.array(["O", "O", "O", "B-A", "I-A", "B-B", "I-B", "B-C", "I-C"])
    return [rng.choice(tags, int(rng.integers(1, 15))).tolist() for _ in range(count)]


def spans(rows: list[list[str]]) -> list[list[tuple[int, int, str]]]:
    return [[(start, end, label) for label, start, end in get_entities(row)] for row in rows]


@pytest.fixture
def two() -> tuple[list[list[str]], list[list[str]]]:
    right = sentences(120, 0)
    rng = np.random.default_rng(1)
    said = [[tag if rng.random() < 0.8 else "B-B" for tag in row] for row in right]
    return right, said


def test_f1_precision_and_recall_are_those_of_seqeval(two: tuple[list[list[str]], list[list[str]]]) -> None:
    right, said = two
    ours = entity_scores(entity_counts(spans(said), spans(right)), np.ones((1, len(right))))
    theirs = {"entity_f1": f1_score, "precision": precision_score, "recall": recall_score}
    for name, score in theirs.items():
        assert ours[name][0] == pytest.approx(score(right, said))


def test_the_table_by_type_is_that_of_seqeval(two: tuple[list[list[str]], list[list[str]]]) -> None:
    right, said = two
    theirs = classification_report(right, said, output_dict=True)
    for label, ours in zip("ABC", per_type(spans(said), spans(right), "ABC"), strict=True):
        expected = theirs[label]
        assert ours == pytest.approx({k.replace("f1-score", "f1"): v for k, v in expected.items()})


def test_a_row_that_counts_twice_counts_as_two_rows(two: tuple[list[list[str]], list[list[str]]]) -> None:
    right, said = two
    counts = entity_counts(spans(said), spans(right))
    weights = np.ones((1, len(right)))
    weights[0, :7] = 2
    twice = entity_counts(spans(said + said[:7]), spans(right + right[:7]))
    once = entity_scores(counts, weights)
    assert once["entity_f1"][0] == pytest.approx(entity_scores(twice, np.ones((1, len(twice))))["entity_f1"][0])


def test_without_any_entity_scores_are_nought() -> None:
    scores = entity_scores(entity_counts([[]], [[]]), np.ones((1, 1)))
    assert {name: value.tolist() for name, value in scores.items()} == {
        "entity_f1": [0.0], "precision": [0.0], "recall": [0.0],
    }  # fmt: skip
