"""What every remedy against imbalance promises. A new function in balancing/remedies.py is tested here without a line
more."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import luthier
from luthier import catalog
from luthier.balancing.remedy import Remedy
from luthier.runtime import Runtime
from luthier.tasks.classification import Classification
from luthier.training.loop import train_steps
from luthier.training.optimise import build_optimiser, copy_weights
from luthier.tuning.methods import full
from tiny import Bench, TinyModels, bench, ticket_rows, write_csv

pytestmark = pytest.mark.parametrize("name", catalog.remedy_names())

QUICK = {"train": {"epochs": 2, "batch_size": 8, "learning_rate": 3e-3, "precision": "fp32"}}


def remedied(name: str, models: TinyModels) -> Bench:
    ready = bench("classification", models.encoder)
    remedy = catalog.remedy(name)((40, 5, 1))
    return Bench(type(ready.codec)(ready.codec.task.remedied(remedy), ready.codec.text), ready.model, ready.examples)


def test_the_loss_is_a_sum_that_padding_does_not_change(name: str, models: TinyModels) -> None:
    ready = remedied(name, models)
    ready.model.eval()
    with torch.no_grad():
        together = sum(ready.codec.task.loss(ready.model, batch) for batch in ready.batches(99))
        alone = sum(ready.codec.task.loss(ready.model, batch) for batch in ready.batches(1))
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-4)


def test_one_batch_equals_several_accumulated_ones(name: str, models: TinyModels) -> None:
    weights = []
    for size in (99, 2):
        ready = remedied(name, models)
        loop = train_steps(
            ready.model, ready.codec.task.loss, [ready.batches(size)] * 2,
            build_optimiser(ready.model, full(ready.model).groups, "adamw", 0.01), lambda _: 1e-3, Runtime(), seed=0,
        )  # fmt: skip
        assert all(step.applied for step in loop)
        weights.append(copy_weights(ready.model))
    for key, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][key], rtol=0, atol=1e-5)


def test_equal_classes_are_treated_alike(name: str) -> None:
    remedy = catalog.remedy(name)((20, 20, 20))
    for values in (remedy.rates, remedy.weights):
        assert values in ((), pytest.approx((1, 1, 1)))
    assert len(set(remedy.margins)) <= 1


def test_rare_classes_never_come_off_worse(name: str) -> None:
    remedy = catalog.remedy(name)((100, 10, 1))
    for values in (remedy.rates, remedy.weights):
        assert list(values) == sorted(values)
    assert list(remedy.margins) == sorted(remedy.margins, reverse=True)


def test_what_it_is_stays_with_the_task_on_disk(name: str) -> None:
    task = Classification(labels=("a", "b", "c")).remedied(catalog.remedy(name)((100, 10, 1)))
    assert Classification.from_state(json.loads(json.dumps(task.state()))) == task


@pytest.mark.slow
def test_a_run_goes_through_and_tells_what_it_did(name: str, models: TinyModels, tmp_path: Path) -> None:
    rows = [row for row in ticket_rows(150) if row[1] != "refund"] + [r for r in ticket_rows(150) if r[1] == "refund"][
        :10
    ]
    data = write_csv(tmp_path / "a.csv", ["text", "label"], rows)
    run = luthier.train(data, model=str(models.encoder), balance=name, out=str(tmp_path / "run"), **QUICK)
    told = run.report["balance"]
    assert told["method"] == name and set(told) >= set(catalog.remedy_options(name))
    assert told["comparison"] is None and set(told["rows"]) == {"billing", "delivery", "refund"}
    card = (run.folder / "model" / "README.md").read_text(encoding="utf-8")
    assert (f"balance={name}" in card) == (catalog.remedy(name)((2, 1)) != Remedy())
    steps = [entry for entry in run.report["history"] if "loss" in entry]
    shown = [round(n * told["rates"].get(label, 1)) for label, n in told["rows"].items()]
    assert len(steps) == run.report["steps"]["planned"] == 2 * -(-sum(shown) // 8)
    assert np.isfinite([entry["loss"] for entry in steps]).all()
