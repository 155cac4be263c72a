"""Scores of sets of labels are scikit-learn's; labels that the model does not know are missed."""

import numpy as np
import pytest
from sklearn import metrics

from luthier.metrics.label_sets import SetOutcome, label_set_scores, per_label


def outcome(rows: int = 60, classes: int = 4, seed: int = 0) -> SetOutcome:
    rng = np.random.default_rng(seed)
    holds = rng.random((rows, classes)) < np.linspace(0.1, 0.6, classes)
    said = np.clip(np.round(holds * 0.3 + rng.random((rows, classes)) * 0.7, 1), 0.01, 0.99)  # with ties
    return SetOutcome(said, holds, np.zeros(rows))


def scores(given: SetOutcome, weights: np.ndarray | None = None) -> dict[str, float]:
    weights_RN = np.ones((1, len(given.holds_NC))) if weights is None else weights[None].astype(float)
    return {name: float(value[0]) for name, value in label_set_scores(given, weights_RN).items()}


def test_they_are_the_usual_ones() -> None:
    given = outcome()
    said, holds, found = given.said_NC, given.holds_NC, scores(given)
    assert next(iter(found)) == "micro_f1"
    assert found["micro_f1"] == pytest.approx(metrics.f1_score(holds, said, average="micro"))
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(holds, said, average="macro"))
    assert found["samples_f1"] == pytest.approx(metrics.f1_score(holds, said, average="samples", zero_division=1.0))
    assert found["subset_accuracy"] == pytest.approx(metrics.accuracy_score(holds, said))
    assert found["micro_precision"] == pytest.approx(metrics.precision_score(holds, said, average="micro"))
    assert found["map"] == pytest.approx(metrics.average_precision_score(holds, given.probabilities_NC))
    each = [metrics.log_loss(holds[:, c], given.probabilities_NC[:, c]) for c in range(4)]
    assert found["loss"] == pytest.approx(np.mean(each))
    table = per_label(given)
    assert [row["f1"] for row in table] == pytest.approx(metrics.f1_score(holds, said, average=None).tolist())
    assert [row["support"] for row in table] == holds.sum(0).tolist()


def test_a_weight_is_a_repeat() -> None:
    given, times = outcome(), np.random.default_rng(1).integers(0, 4, 60)
    repeated = SetOutcome(*(np.repeat(part, times, axis=0) for part in vars(given).values() if len(part) == 60))
    assert scores(given, times) == pytest.approx(scores(repeated))


def test_a_row_without_labels_is_right_where_none_is_said() -> None:
    nothing = SetOutcome(np.array([[0.1, 0.2], [0.9, 0.2]]), np.array([[False, False], [True, False]]), np.zeros(2))
    assert scores(nothing)["samples_f1"] == scores(nothing)["subset_accuracy"] == scores(nothing)["micro_f1"] == 1.0
    wrong = SetOutcome(np.array([[0.8, 0.2], [0.9, 0.2]]), nothing.holds_NC, np.zeros(2))
    assert scores(wrong)["samples_f1"] == scores(wrong)["subset_accuracy"] == 0.5


def test_unknown_labels_are_missed() -> None:
    given = outcome()
    strange = SetOutcome(given.probabilities_NC, given.holds_NC, np.ones(60))
    for name in ("micro_f1", "macro_f1", "samples_f1", "micro_recall"):
        assert scores(strange)[name] < scores(given)[name]
    assert scores(strange)["subset_accuracy"] == 0.0


def test_many_labels_are_ranked_once_and_not_for_every_resample() -> None:
    given = outcome(classes=12)
    assert np.isfinite(scores(given)["map"])
    assert np.isnan(label_set_scores(given, np.ones((3, 60)))["map"]).all()
