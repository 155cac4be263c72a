"""The comparison finds the remedy that planted data need, and none where none is needed."""

from types import SimpleNamespace

import numpy as np
import pytest

from luthier import catalog
from luthier.balancing.compare import Comparison, Plan, compare_remedies
from luthier.balancing.heads import HeadRows, answers_of, fit_head
from luthier.seen import Scaling
from luthier.types import Example

pytestmark = pytest.mark.slow


LABELS = ("common", "middle", "rare")


def planted(counts: tuple[int, ...], distance: float, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Clouds in four directions, `distance` from each other."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(range(3), counts)
    features = rng.normal(size=(len(classes), 6))
    features[:, :3] += distance * np.eye(3)[classes]
    return features, [LABELS[c] for c in classes]


def compare(counts: tuple[int, ...], distance: float, validation: int = 100) -> Comparison:
    features, answers = planted(counts, distance)
    task = catalog.task("classification")(label_smoothing=0.0).learn([Example("", label) for label in answers])
    codec = SimpleNamespace(task=task, text=None)
    return compare_remedies(codec, features, answers, Plan(counts, 4, 0, validation))


@pytest.fixture(scope="module")
def unequal() -> Comparison:
    return compare((400, 50, 25), 1.3)


def test_every_remedy_is_judged_on_the_same_rows(unequal: Comparison) -> None:
    assert {candidate.name for candidate in unequal.candidates} == set(catalog.remedy_names())
    for candidate in unequal.candidates:
        assert [score.name for score in candidate.scores] == ["macro_f1", "accuracy"]
        assert candidate.scores[0].n == unequal.rows == 475
        assert candidate.low <= candidate.difference <= candidate.high
    (none,) = (c for c in unequal.candidates if c.name == "none")
    assert (none.difference, none.low, none.high, none.ahead) == (0, 0, 0, 0)


def test_classes_that_run_into_each_other_need_a_remedy(unequal: Comparison) -> None:
    best = unequal.candidates[0]
    assert best.ahead >= 0.9 and unequal.chosen == best.name != "none"
    assert "the best of all" in unequal.reason


def test_classes_that_lie_apart_need_none() -> None:
    apart = compare((300, 60, 30), 12.0)
    assert apart.chosen == "none" and "no remedy is better" in apart.reason


def test_a_lead_that_may_be_chance_is_not_followed() -> None:
    few = compare((24, 12, 8), 1.5)
    best = few.candidates[0]
    assert best.difference > 0 and best.ahead < 0.9
    assert few.chosen == "none" and "no remedy is surely better" in few.reason


def test_without_rows_to_move_decisions_on_no_remedy_moves_them() -> None:
    names = {candidate.name for candidate in compare((60, 20, 10), 1.5, validation=0).candidates}
    assert names == set(catalog.remedy_names()) - {"threshold"}


def test_the_same_data_give_the_same_comparison() -> None:
    assert compare((40, 20, 10), 1.6) == compare((40, 20, 10), 1.6)


def test_a_validation_row_of_an_unknown_class_is_left_out() -> None:
    features, answers = planted((40, 20, 10), 1.5)
    task = catalog.task("classification")(label_smoothing=0.0).learn([Example("", label) for label in answers])
    codec = SimpleNamespace(task=task, text=None)
    found = compare_remedies(codec, features, [*answers[:-1], "new"], Plan((40, 20, 9), 4, 0, 10))
    assert found.rows == 69


def test_a_class_with_one_row_is_no_obstacle() -> None:
    assert compare((60, 20, 1), 1.5).rows == 81


def test_the_head_is_the_one_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    features, answers = planted((60, 30, 20), 1.0)
    features = Scaling.of(features)(features)
    task = catalog.task("classification")(label_smoothing=0.0).learn([Example("", label) for label in answers])
    rows = HeadRows.of(SimpleNamespace(task=task, text=None), features, answers)
    said = np.stack(answers_of(task, fit_head(task, rows, 0.1, 1.0, None), rows))
    theirs = LogisticRegression(C=0.1, tol=1e-8).fit(features, answers).predict_proba(features)
    np.testing.assert_allclose(said, theirs, atol=2e-3)
