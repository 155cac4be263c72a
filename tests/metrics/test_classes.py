"""Our scores are scikit-learn's, for one weighting and for many at once."""

import numpy as np
import pytest
from sklearn import metrics as reference

from luthier.metrics.classes import Outcome, classification_scores, confusion, per_class
from luthier.metrics.sureness import reliability

ONE = np.ones((1, 200))


def outcome(classes: int, seed: int = 0, n: int = 200, unknown: int = 0) -> Outcome:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), n)
    answers = rng.integers(0, classes, n)
    answers[:unknown] = -1
    return Outcome(probabilities, answers)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_plain_scores_are_those_of_scikit_learn(classes: int) -> None:
    found = outcome(classes)
    ours = {name: values[0] for name, values in classification_scores(found, ONE).items()}
    y, p = found.answers_N, found.predicted_N
    macro = reference.precision_recall_fscore_support(y, p, average="macro", zero_division=0)
    weighted = reference.precision_recall_fscore_support(y, p, average="weighted", zero_division=0)
    expected = {
        "accuracy": reference.accuracy_score(y, p),
        "macro_precision": macro[0], "macro_recall": macro[1], "macro_f1": macro[2],
        "weighted_precision": weighted[0], "weighted_recall": weighted[1], "weighted_f1": weighted[2],
        "mcc": reference.matthews_corrcoef(y, p),
        "loss": reference.log_loss(y, found.probabilities_NC, labels=range(classes)),
        "auc": reference.roc_auc_score(y, found.probabilities_NC[:, 1])
        if classes == 2
        else reference.roc_auc_score(y, found.probabilities_NC, multi_class="ovr", average="macro"),
    }  # fmt: skip
    for name, value in expected.items():
        assert ours[name] == pytest.approx(value, abs=1e-12), name


def test_macro_scores_go_over_the_classes_that_occur() -> None:
    probabilities = np.eye(5)[[0, 1, 1, 2]]
    found = Outcome(probabilities, np.array([0, 1, 0, 0]))
    expected = reference.f1_score(found.answers_N, found.predicted_N, average="macro")
    assert classification_scores(found, np.ones((1, 4)))["macro_f1"][0] == pytest.approx(expected)


def test_many_weightings_at_once_are_each_what_repeated_rows_would_give() -> None:
    found = outcome(4)
    weights = np.random.default_rng(1).integers(0, 4, (6, 200)).astype(float)
    together = classification_scores(found, weights)
    for r, row in enumerate(weights):
        rows = np.repeat(np.arange(200), row.astype(int))
        alone = classification_scores(
            Outcome(found.probabilities_NC[rows], found.answers_N[rows]), np.ones((1, len(rows)))
        )
        for name, values in together.items():
            assert values[r] == pytest.approx(alone[name][0], abs=1e-9), name


def test_tied_scores_count_half_in_the_area_under_the_curve() -> None:
    found = Outcome(np.full((4, 2), 0.5), np.array([0, 1, 1, 0]))
    assert classification_scores(found, np.ones((1, 4)))["auc"][0] == 0.5


def test_the_area_of_many_classes_is_worked_out_once_but_not_for_every_resample() -> None:
    found = outcome(12)
    assert not np.isnan(classification_scores(found, ONE)["auc"][0])
    assert np.isnan(classification_scores(found, np.ones((2, 200)))["auc"]).all()


def test_a_label_that_the_model_does_not_know_counts_as_wrong() -> None:
    found = outcome(3, unknown=50)
    scores = classification_scores(found, ONE)
    right = (found.predicted_N == found.answers_N).sum()
    assert scores["accuracy"][0] == pytest.approx(right / 200)
    assert np.isfinite(scores["loss"][0])
    assert confusion(found).sum() == 150


def test_calibration_error_is_zero_where_confidence_is_the_share_that_is_right() -> None:
    probabilities = np.tile([0.75, 0.25], (4, 1))
    assert classification_scores(Outcome(probabilities, np.array([0, 0, 0, 1])), np.ones((1, 4)))["ece"][0] == 0


def test_calibration_error_is_the_gap_where_it_is_not() -> None:
    probabilities = np.tile([0.9, 0.1], (10, 1))
    found = Outcome(probabilities, np.array([0] * 5 + [1] * 5))
    assert classification_scores(found, np.ones((1, 10)))["ece"][0] == pytest.approx(0.4)
    assert reliability(found.sureness) == [(pytest.approx(0.9), 0.5, 10)]


def test_each_class_has_its_own_row() -> None:
    found = outcome(3)
    precision, recall, f1, support = reference.precision_recall_fscore_support(found.answers_N, found.predicted_N)
    for c, row in enumerate(per_class(found)):
        assert row == {
            "precision": pytest.approx(precision[c]), "recall": pytest.approx(recall[c]),
            "f1": pytest.approx(f1[c]), "support": support[c],
        }  # fmt: skip


def test_the_confusion_matrix_is_scikit_learns() -> None:
    found = outcome(4)
    assert (confusion(found) == reference.confusion_matrix(found.answers_N, found.predicted_N)).all()
