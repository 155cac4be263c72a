"""Means of the weights: what they are, that they are what is judged and kept, and that a resume gives the same bits."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from luthier.training.averaging import EMA, SWA, Averaging, Rule, mean
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import QUICK, luthier


def walked(kind: str, values: list[float]) -> list[float]:
    """A weight that takes these values, and after each its mean."""
    model = nn.Linear(1, 1, bias=False)
    averaging = Averaging(model, Rule(kind, len(values)))
    found: list[float] = []
    for step, value in enumerate(values, 1):
        with torch.no_grad():
            model.weight.fill_(value)
        averaging.add(step)
        with averaging.in_place(step):
            found.append(model.weight.item())
        assert model.weight.item() == value
    return found


def test_an_exponential_mean_of_one_value_is_that_value_from_the_first_step_on() -> None:
    assert walked(EMA, [3.0] * 40) == pytest.approx([3.0] * 40, rel=1e-5)


def test_an_exponential_mean_reaches_back_over_a_tenth_of_the_steps() -> None:
    values = [0.0] * 50 + [1.0] * 50
    found = walked(EMA, values)
    decay = 1 - 1 / 10
    assert found[49] == 0.0 and found[59] == pytest.approx(1 - decay**10, rel=1e-2) and found[99] > 0.99


def test_a_plain_mean_is_of_the_last_quarter_and_before_that_the_weights_themselves() -> None:
    values = [float(i) for i in range(1, 41)]
    found = walked(SWA, values)
    assert found[:30] == values[:30]
    assert found[30:] == pytest.approx([sum(values[30 : i + 1]) / (i - 29) for i in range(30, 40)], rel=1e-5)


def test_a_mean_is_divided_by_the_weight_of_its_sums() -> None:
    rule = Rule(EMA, 100)
    assert mean({"w": torch.ones(2) * rule.weight(7)}, rule, 7)["w"].tolist() == pytest.approx([1.0, 1.0])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("averaging")
    write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(60))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", [EMA, SWA])
def test_the_mean_is_what_is_judged_saved_and_resumed(kind: str, place: Path, models: TinyModels) -> None:
    words = ["train", place / "tickets.csv", *QUICK, f"model={models.dropout_encoder}", "train.keep=9", "--quiet"]
    assert luthier(*words, "--out", place / f"{kind}-plain").returncode == 0
    run = place / kind
    assert luthier(*words, f"train.averaging={kind}", "--out", run).returncode == 0
    weights = (run / "model" / "model.safetensors").read_bytes()
    assert weights != (place / f"{kind}-plain" / "model" / "model.safetensors").read_bytes()
    steps = [p.read_bytes() for p in sorted((place / f"{kind}-plain" / "checkpoints").glob("*/weights.safetensors"))]
    assert steps == [p.read_bytes() for p in sorted((run / "checkpoints").glob("*/weights.safetensors"))]  # same way
    for name in ("report.json", "report.html", "predictions.csv"):
        (run / name).unlink()
    shutil.rmtree(run / "model")
    for path in sorted((run / "checkpoints").iterdir(), key=lambda path: int(path.name.split("-")[1]))[2:]:
        shutil.rmtree(path)
    assert luthier(*words, f"train.averaging={kind}", "--out", run, "--resume").returncode == 0
    assert (run / "model" / "model.safetensors").read_bytes() == weights
