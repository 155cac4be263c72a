"""Faults in the middle of a run: the disk, the numerics, several processes."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import luthier
from luthier.errors import StoppedError
from luthier.tasks.classification import Classification
from luthier.training.checkpoint import newest_checkpoint
from tiny import TinyModels, write_tiny_models
from workflow.helpers import QUICK, command, digest
from workflow.helpers import process as run_luthier

SETTINGS = {"train": {"epochs": 3, "batch_size": 8, "learning_rate": 3e-3, "precision": "fp32", "save_every": 2}}


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_disk_that_takes_no_more_stops_the_run_with_exit_3_and_a_resume_goes_on(
    share: float, models: TinyModels, tickets: Path, tmp_path: Path
) -> None:
    words = ["train", str(tickets), *QUICK, f"model={models.encoder}", "--quiet"]
    assert run_luthier(*words, "--out", tmp_path / "whole").returncode == 0
    largest = max(p.stat().st_size for p in (tmp_path / "whole" / "checkpoints").rglob("moments.safetensors"))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(20_000, int(share * largest)),) * 2)

    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "LUTHIER_LANG": "en"}
    done = subprocess.run(
        command(*words, "--out", tmp_path / "run"), env=environment, preexec_fn=limit, capture_output=True, text=True
    )
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr and "--resume" in done.stderr and str(tmp_path / "run") in done.stderr
    assert not list((tmp_path / "run").rglob(".tmp-*"))
    again = run_luthier(*words, "--out", tmp_path / "run", "--resume")
    assert again.returncode == 0, again.stderr
    assert digest(tmp_path / "run") == digest(tmp_path / "whole")


def poison(monkeypatch: pytest.MonkeyPatch, steps: range) -> None:
    """The loss of these steps is not a number."""
    plain = Classification.loss
    calls = iter(range(-3, 10_000))  # the plan shows it three batches before the first step

    def loss(self, model, batch):
        value = plain(self, model, batch)
        return value * float("nan") if next(calls) in steps else value

    monkeypatch.setattr(Classification, "loss", loss)


@pytest.mark.slow
def test_three_poisoned_steps_are_left_out_and_the_run_goes_on(
    models: TinyModels, tickets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, range(3, 6))
    run = luthier.train(tickets, model=str(models.encoder), out=str(tmp_path / "run"), **SETTINGS)
    losses = [e["loss"] for e in run.report["history"] if "loss" in e]
    assert sum(loss != loss for loss in losses) == 3
    assert all(bool(torch.isfinite(w).all()) for w in load_file(run.folder / "model" / "model.safetensors").values())


@pytest.mark.slow
def test_a_fourth_one_in_a_row_stops_the_run_and_what_is_on_disk_is_finite(
    models: TinyModels, tickets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as poisoned:
        poison(poisoned, range(7, 99))
        with pytest.raises(StoppedError, match="4 steps in a row are not finite") as caught:
            luthier.train(tickets, model=str(models.encoder), out=str(tmp_path / "run"), **SETTINGS)
    assert caught.value.exit_code == 3
    assert "train.learning_rate" in str(caught.value)
    found = newest_checkpoint(tmp_path / "run" / "checkpoints", [])
    assert found is not None
    assert all(bool(torch.isfinite(w).all()) for w in found[0].weights.values())
    resumed = luthier.train(out=str(tmp_path / "run"), resume=True)
    straight = luthier.train(tickets, model=str(models.encoder), out=str(tmp_path / "other"), **SETTINGS)
    assert digest(resumed.folder) == digest(straight.folder)


def losses(run: Path) -> list[float]:
    entries = map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [entry["loss"] for entry in entries if "loss" in entry]


@pytest.mark.slow
def test_two_processes_follow_the_loss_curve_of_one(tickets: Path, tmp_path: Path) -> None:
    model = write_tiny_models(tmp_path / "models").dropout_encoder
    words = ["train", str(tickets), *QUICK, f"model={model}", "--quiet"]
    assert run_luthier(*words, "--out", tmp_path / "one").returncode == 0
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    done = subprocess.run(
        [*launch, "-m", "luthier", *words, "--out", str(tmp_path / "two")],
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    alone, together = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert together == pytest.approx(alone, abs=1e-4)
    report = json.loads((tmp_path / "two" / "report.json").read_text(encoding="utf-8"))
    assert report["processes"] == 2


@pytest.mark.slow
def test_a_run_may_go_on_with_another_number_of_processes(tickets: Path, tmp_path: Path) -> None:
    model = write_tiny_models(tmp_path / "models").dropout_encoder
    words = ["train", str(tickets), *QUICK, f"model={model}", "--out", str(tmp_path / "run")]
    assert run_luthier(*words, "--quiet").returncode == 0
    for name in ("report.json", "model/codec.json"):
        (tmp_path / "run" / name).unlink()
    steps = sorted((tmp_path / "run" / "checkpoints").iterdir(), key=lambda p: int(p.name.split("-")[1]))
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    done = subprocess.run(
        [*launch, "-m", "luthier", *words, "--resume"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "LUTHIER_LANG": "en"},
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "processes was '1', is '2': the result may differ in its last bits" in done.stdout
    assert f"going on after step {steps[-1].name.split('-')[1]}" in done.stdout
