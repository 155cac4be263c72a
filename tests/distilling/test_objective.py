"""What a student makes less."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from luthier.balancing.loss import divergence
from luthier.distilling.objective import Imitation, Lessons, matched
from luthier.distilling.shorten import kept_layers
from luthier.tasks.classification import Classification
from luthier.tasks.multilabel import MultiLabel
from luthier.tasks.regression import Regression
from luthier.types import Batch, LabelledBatch

SAID = torch.tensor([[1.0, 0.0, -1.0], [0.5, 0.2, 0.0], [0.0, 2.0, 1.0]])
TAUGHT = torch.tensor([[2.0, 0.0, 0.0], [0.5, 0.2, 0.0], [0.0, 0.0, 3.0]])


def test_the_divergence_is_what_its_formula_says() -> None:
    t = 2.0
    said, taught = ((part.double().numpy() / t) for part in (SAID, TAUGHT))
    p, q = (np.exp(part) / np.exp(part).sum(1, keepdims=True) for part in (taught, said))
    expected = t * t * (p * np.log(p / q)).sum()
    assert float(divergence(SAID, TAUGHT, t)) == pytest.approx(expected, rel=1e-5)
    assert float(divergence(TAUGHT, TAUGHT, t)) == pytest.approx(0, abs=1e-6)


def test_each_of_several_labels_is_a_distribution_of_its_own() -> None:
    p, q = TAUGHT.double().sigmoid(), SAID.double().sigmoid()
    expected = (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).sum()
    found = MultiLabel(labels=("a", "b", "c")).imitation(SAID, TAUGHT, 1.0)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_numbers_are_taught_in_the_students_units() -> None:
    teacher, student = Regression(mean=10.0, spread=2.0), Regression(mean=8.0, spread=4.0)
    assert student.taught_logits(teacher, np.array([[1.0]])).tolist() == [[1.0]]


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_rows_without_an_answer_learn_from_the_teacher_alone(alpha: float) -> None:
    task = Classification(labels=("a", "b", "c"), label_smoothing=0.0)
    lessons = Lessons(TAUGHT.numpy(), None, np.array([0, 1, 2]), labelled=2)
    batch = LabelledBatch(Batch({}, (1, 1, 1)), torch.tensor([[0], [1], [2]]), 3, numbers=(0, 1, 2))

    def model(**_: object) -> SimpleNamespace:
        return SimpleNamespace(logits=SAID)

    own = torch.nn.functional.cross_entropy(SAID[:2], torch.tensor([0, 1]), reduction="sum")
    expected = alpha * divergence(SAID, TAUGHT, 2.0) + (1 - alpha) * own
    assert float(Imitation(task, lessons, 2.0, alpha)(model, batch)) == pytest.approx(float(expected), rel=1e-5)


def test_a_student_has_the_first_the_last_and_what_lies_evenly_between() -> None:
    assert kept_layers(12, 6) == [0, 2, 4, 7, 9, 11] and kept_layers(6, 1) == [5]
    assert matched(3, 6) == [(1, 2), (2, 4)] and matched(1, 6) == []
