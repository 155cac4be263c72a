"""Few rows: what stands together in a step, what is made less, and for whom it is."""

import numpy as np
import pytest
import torch

from luthier.beginnings import few_shot_hint
from luthier.errors import ConfigError
from luthier.models.own.contrast import supervised_contrast
from luthier.runtime import Runtime
from luthier.tasks.multilabel import MultiLabel
from luthier.training.gradient.objective import backward
from luthier.training.gradient.passes import Pass
from luthier.training.order import paired_steps, plan_steps
from luthier.tuning.methods import few_shot
from tiny import TinyModels, bench


def test_each_step_pairs_what_wants_the_same_and_a_pass_shows_all_once() -> None:
    alike_N = np.array([0, 1, 2] * 7 + [0])
    steps = paired_steps(alike_N, 9, 7, seed=3, epoch=0)
    assert len(steps) == 7
    for step in steps:
        assert len(set(step.tolist())) == len(step)
        assert all((alike_N[step] == number).sum() > 1 for number in np.unique(alike_N[step]))
    assert sorted(np.concatenate(steps[:3]).tolist()) == list(range(22))
    again = paired_steps(alike_N, 9, 7, seed=3, epoch=0)
    assert all(np.array_equal(a, b) for a, b in zip(steps, again, strict=True))
    assert not np.array_equal(steps[0], paired_steps(alike_N, 9, 7, seed=3, epoch=1)[0])


def test_a_plan_that_goes_on_is_the_rest_of_the_plan() -> None:
    how = {"batch_size": 8, "max_tokens": 64, "epochs": 2, "seed": 1, "alike": [0, 1] * 8, "paired": 3}
    whole = list(plan_steps([4] * 16, **how))
    assert len(whole) == 6 and list(plan_steps([4] * 16, start=4, **how)) == whole[4:]


def test_the_loss_is_what_its_formula_says() -> None:
    torch.manual_seed(0)
    unit_MD = torch.nn.functional.normalize(torch.randn(5, 4), dim=1)
    classes = [0, 0, 1, 1, 2]
    terms = []
    for i in range(4):  # the last is like no other
        logits = {j: float(unit_MD[i] @ unit_MD[j]) / 0.3 for j in range(5) if j != i}
        (other,) = (j for j in logits if classes[j] == classes[i])
        terms.append(np.log(sum(map(np.exp, logits.values()))) - logits[other])
    alike_MM = np.equal.outer(classes, classes).astype(np.float32)
    assert float(supervised_contrast(unit_MD, alike_MM, 0.3)) == pytest.approx(np.mean(terms), rel=1e-5)


def test_rows_of_several_labels_are_alike_by_the_share_that_they_have_in_common() -> None:
    targets = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]], np.float32)
    alike = MultiLabel(labels=("a", "b", "c")).alike(targets)
    assert alike[0, 1] == 0.5 and alike[0, 2] == 0 and alike[3, 4] == 1 and alike[2, 3] == 0


def test_it_is_named_where_there_are_few_rows_of_each_class() -> None:
    assert "8 training rows a class" in few_shot_hint([8, 8, 8], "full")
    assert not few_shot_hint([8, 80], "full") and not few_shot_hint([8, 8], "head") and not few_shot_hint([], "full")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_the_gradient_does_not_depend_on_how_a_step_is_cut(kind: str, models: TinyModels) -> None:
    found = []
    for size in (99, 3):
        ready = bench("classification", getattr(models, kind))
        tuned = few_shot(ready.model)
        batches = ready.batches(size)
        how = Pass(tuned.model, Runtime(), lambda numbers: None, 1 / len(ready.examples))
        loss = backward(tuned.objective_for(ready.codec.task), batches, how)
        gradient = torch.cat([p.grad.flatten() for p in tuned.model.parameters() if p.grad is not None])
        found.append((float(loss), gradient))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5) and found[0][1].norm() > 0
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-3, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["regression", "ner", "fusion"])
def test_a_task_without_classes_of_a_whole_text_is_refused(name: str, models: TinyModels) -> None:
    ready = bench(name, models.encoder)
    with pytest.raises(ConfigError, match=r"no classes|one answer to a whole text"):
        few_shot(ready.model).objective_for(ready.codec.task)


@pytest.mark.slow
def test_options_out_of_range_are_refused(models: TinyModels) -> None:
    model = bench("classification", models.encoder).model
    with pytest.raises(ConfigError, match=r"tuning\.steps"):
        few_shot(model, steps=0)
    with pytest.raises(ConfigError, match=r"tuning\.temperature"):
        few_shot(model, temperature=-1.0)
