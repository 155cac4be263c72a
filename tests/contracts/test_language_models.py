"""The invariants of training a language model: a step, and a run, do not depend on how the work was cut, laid out,
shared or interrupted. The model has dropout (LoRA's), so that its noise is under the same rule."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch

from luthier import catalog
from luthier.models.packing.attention import packed_attention
from luthier.runtime import Runtime
from luthier.training.dropout import cheap_dropout
from luthier.training.loop import train_steps
from luthier.training.optimise import build_optimiser, copy_weights
from luthier.types import LabelledBatch, Step
from tiny import Bench, TinyModels, bench
from workflow.helpers import ENVIRONMENT, QUICK, Done, digest, luthier

pytestmark = pytest.mark.slow

Way = Callable[[Bench], Sequence[LabelledBatch]]


def cut(size: int, *, packed: bool) -> Way:
    """The samples in micro-batches of `size` windows, padded or in a row each."""

    def batches(ready: Bench) -> list[LabelledBatch]:
        collate = ready.codec.collate_row if packed else ready.codec.collate_labelled
        windows, numbers = ready.windows, range(len(ready.windows))
        return [collate(windows[k : k + size], numbers[k : k + size]) for k in range(0, len(windows), size)]

    return batches


WAYS = {
    "in one row": cut(99, packed=True),
    "in rows of two": cut(2, packed=True),
    "in rows of five": cut(5, packed=True),
    "padded, by two": cut(2, packed=False),
    "one by one": cut(1, packed=False),
}
PAIRS = [*((way, "full") for way in WAYS), ("in rows of two", "lora"), ("padded, by two", "lora")]


def trained(models: TinyModels, method: str, way: Way) -> tuple[list[Step], dict[str, torch.Tensor]]:
    """Two steps by SGD, which rounding does not lead astray."""
    ready = bench("sft", models.causal, max_length=64)
    torch.manual_seed(0)
    tuned = catalog.tuning_method(method)(ready.model)
    with ExitStack() as stack:
        noise = stack.enter_context(cheap_dropout(tuned.model, 0))
        stack.enter_context(packed_attention(tuned.model, noise))
        steps = train_steps(
            tuned.model, ready.codec.task.objective(), [way(ready)] * 2,
            build_optimiser(tuned.model, tuned.groups, "sgd", 0.01), lambda _: 1e-2, Runtime(), seed=0, noise=noise,
        )  # fmt: skip
        return list(steps), copy_weights(tuned.model)


@pytest.fixture(scope="module")
def wanted(models: TinyModels) -> dict[str, tuple[list[Step], dict[str, torch.Tensor]]]:
    return {method: trained(models, method, cut(99, packed=False)) for method in ("full", "lora")}


@pytest.mark.parametrize(("way", "method"), PAIRS)
def test_a_step_is_the_same_however_its_windows_are_cut_and_laid(
    way: str, method: str, models: TinyModels, wanted: dict[str, tuple[list[Step], dict[str, torch.Tensor]]]
) -> None:  # fmt: skip
    steps, weights = wanted[method]
    others, found = trained(models, method, WAYS[way])
    for one, other in zip(steps, others, strict=True):
        assert other.loss == pytest.approx(one.loss, abs=1e-5)
        assert other.grad_norm == pytest.approx(one.grad_norm, rel=1e-3)
        assert (other.num_targets, other.num_tokens) == (one.num_targets, one.num_tokens)
    assert others[0].padded_tokens == others[0].num_tokens or not way.startswith("in ")
    for name, weight in weights.items():
        torch.testing.assert_close(found[name], weight, rtol=0, atol=1e-5)


def test_the_samples_would_show_a_mean_of_means(models: TinyModels) -> None:
    ready = bench("sft", models.causal, max_length=64)
    with torch.no_grad():
        parts = [(ready.codec.task.loss(ready.model, b).item(), b.num_targets) for b in cut(2, packed=False)(ready)]
    whole = sum(loss for loss, _ in parts) / sum(count for _, count in parts)
    assert (
        abs(sum(loss / count for loss, count in parts) / len(parts) - whole) > 1e-4
    )  # ten times what the test above lets pass


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Path:
    from tiny import ticket_rows, write_jsonl

    folder = tmp_path_factory.mktemp("invariants")
    rows = [
        {"prompt": text, "completion": f"{label} " * (1 + i % 4)} for i, (text, label) in enumerate(ticket_rows(60))
    ]
    write_jsonl(folder / "rows.jsonl", rows)
    return folder


def words(place: Path, models: TinyModels, out: str, *more: str) -> list[str]:
    return [
        "train", str(place / "rows.jsonl"), "--task", "sft", "--model", str(models.causal), *QUICK, "train.epochs=2",
        "train.keep=99", "train.max_tokens=200", "tuning=lora", "task.samples=0", "--out", str(place / out), *more,
    ]  # fmt: skip


def losses(run: Path) -> list[float]:
    entries = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [entry["loss"] for entry in entries if "loss" in entry]


@pytest.fixture(scope="module")
def run(place: Path, models: TinyModels) -> Path:
    """In rows, which is the default."""
    done = luthier(*words(place, models, "run"))
    assert done.returncode == 0, done.stderr
    assert "packing: true" in (place / "run" / "config.yaml").read_text(encoding="utf-8")
    return place / "run"


@pytest.mark.slow
def test_a_run_in_rows_has_the_losses_of_a_padded_one(place: Path, models: TinyModels, run: Path) -> None:
    done: Done = luthier(*words(place, models, "padded", "train.packing=false"))
    assert done.returncode == 0, done.stderr
    assert losses(place / "padded") == pytest.approx(losses(run), rel=1e-3)


@pytest.mark.slow
def test_a_run_that_goes_on_from_any_checkpoint_ends_with_the_same_bits(
    place: Path, models: TinyModels, run: Path
) -> None:
    again = place / "again"
    shutil.copytree(run, again)
    shutil.rmtree(again / "model")
    (again / "report.json").unlink()
    checkpoints = sorted((again / "checkpoints").iterdir(), key=lambda path: int(path.name.rpartition("-")[2]))
    for later in checkpoints[1:]:
        shutil.rmtree(later)
    done = luthier(*words(place, models, "again", "--resume"))
    assert done.returncode == 0, done.stderr
    assert digest(again) == digest(run)


@pytest.mark.slow
def test_two_processes_train_what_one_does(place: Path, models: TinyModels, run: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "luthier"]
    command = [*launch, *words(place, models, "by-2")]
    subprocess.run(command, env={**os.environ, **ENVIRONMENT}, check=True, capture_output=True)
    assert losses(place / "by-2") == pytest.approx(losses(run), rel=1e-3)
