"""What is on disk while training is whole or absent, and nothing damaged is ever taken for whole."""

import json
import os
import random
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from luthier.errors import CheckpointError, Problem, StoppedError
from luthier.training.checkpoint import (
    Progress,
    TrainState,
    checkpoint_steps,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)

FACTS = {"run_id": "abc", "config": {"train.seed": 1}}


def state(step: int, best: int = 0) -> TrainState:
    weights = {"layer.weight": torch.full((3, 2), float(step)), "layer.bias": torch.zeros(3)}
    return TrainState(
        Progress(step=step, best_step=best), weights, {"layer.weight/exp_avg": torch.full((3, 2), step / 2)}
    )


def save(folder: Path, *steps: int, keep: int = 9, best: int = 0) -> None:
    for step in steps:
        save_checkpoint(folder, state(step, best), FACTS, keep)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    save(tmp_path, 3)
    again, facts = load_checkpoint(tmp_path / "checkpoint-3")
    assert again.progress == state(3).progress
    assert again.weights["layer.weight"].equal(state(3).weights["layer.weight"])
    assert again.moments["layer.weight/exp_avg"].equal(torch.full((3, 2), 1.5))
    assert facts == {**FACTS, "step": 3}


def test_the_newest_goes_by_number_not_by_spelling_or_time(tmp_path: Path) -> None:
    save(tmp_path, 10, 9)
    hour_ago, in_ten_years = time.time() - 3600, time.time() + 315e6
    os.utime(tmp_path / "checkpoint-10", (0, 0))
    os.utime(tmp_path / "checkpoint-9", (hour_ago, in_ten_years))
    found = newest_checkpoint(tmp_path, [])
    assert found is not None and found[0].progress.step == 10


def test_rotation_keeps_the_newest_and_the_best(tmp_path: Path) -> None:
    save(tmp_path, 1, 2)
    save(tmp_path, 3, 4, 5, keep=2, best=2)
    assert checkpoint_steps(tmp_path) == [2, 5]
    save(tmp_path, 6, keep=3, best=2)
    assert checkpoint_steps(tmp_path) == [2, 5, 6]
    save(tmp_path, 7, keep=1, best=7)
    assert checkpoint_steps(tmp_path) == [7]


def test_saving_the_same_step_again_leaves_it_and_replaces_a_damaged_one(tmp_path: Path) -> None:
    save(tmp_path, 4)
    before = (tmp_path / "checkpoint-4" / "manifest.json").stat().st_mtime_ns
    save(tmp_path, 4)
    assert (tmp_path / "checkpoint-4" / "manifest.json").stat().st_mtime_ns == before
    (tmp_path / "checkpoint-4" / "weights.safetensors").write_bytes(b"cut")
    save(tmp_path, 4)
    assert load_checkpoint(tmp_path / "checkpoint-4")[0].progress.step == 4


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    bad = TrainState(Progress(step=1), {"w": torch.tensor([1.0, float("nan")])}, {})
    with pytest.raises(StoppedError, match="w holds numbers that are not finite"):
        save_checkpoint(tmp_path, bad, FACTS, keep=2)
    assert list(tmp_path.iterdir()) == []


def test_it_holds_json_and_safetensors_only(tmp_path: Path) -> None:
    save(tmp_path, 1)
    assert {path.suffix for path in (tmp_path / "checkpoint-1").iterdir()} == {".json", ".safetensors"}


def test_none_is_none_and_all_damaged_is_refused_naming_each(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "nothing", []) is None
    save(tmp_path, 1, 2)
    for step in (1, 2):
        (tmp_path / f"checkpoint-{step}" / "state.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CheckpointError) as caught:
        newest_checkpoint(tmp_path, [])
    assert len(caught.value.problems) == 2


def swap(folder: Path, name: str) -> None:
    """The file of another step's checkpoint, in itself whole."""
    (folder / name).write_bytes((folder.parent / "checkpoint-1" / name).read_bytes())


def poison(folder: Path, name: str) -> None:
    if name.endswith(".safetensors"):
        tensors = load_file(folder / name)
        save_file({key: tensor * 2 for key, tensor in tensors.items()}, folder / name)
    else:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        content["step"] = 7
        (folder / name).write_text(json.dumps(content), encoding="utf-8")


def cut(share: float):
    return lambda folder, name: (folder / name).write_bytes(
        (folder / name).read_bytes()[: int(share * (folder / name).stat().st_size)]
    )


DAMAGE = {
    "missing": lambda folder, name: (folder / name).unlink(),
    "empty": lambda folder, name: (folder / name).write_bytes(b""),
    "cut at the start": cut(0.1),
    "cut in the middle": cut(0.5),
    "cut at the end": cut(0.99),
    "zeroed": lambda folder, name: (folder / name).write_bytes(bytes((folder / name).stat().st_size)),
    "longer": lambda folder, name: (folder / name).write_bytes((folder / name).read_bytes() + b"\0"),
    "of another step": swap,
    "written anew": poison,
    "renamed": lambda folder, name: (folder / name).rename(folder / f"{name}.bak"),
    "a folder": lambda folder, name: ((folder / name).unlink(), (folder / name).mkdir()),
}


@pytest.mark.parametrize("name", ["weights.safetensors", "moments.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_checkpoint_is_passed_over_and_named(kind: str, name: str, tmp_path: Path) -> None:
    save(tmp_path, 1, 2)
    DAMAGE[kind](tmp_path / "checkpoint-2", name)
    rejected: list[Problem] = []
    found = newest_checkpoint(tmp_path, rejected)
    assert found is not None and found[0].progress.step == 1
    assert [str(problem.place) for problem in rejected] == [str(tmp_path / "checkpoint-2")]
    assert (tmp_path / "checkpoint-2").exists()


def test_random_flips_of_bits_are_all_noticed(tmp_path: Path) -> None:
    save(tmp_path, 2)
    folder = tmp_path / "checkpoint-2"
    files = sorted(path for path in folder.iterdir())
    draw = random.Random(0)
    for _ in range(300):
        path = draw.choice(files)
        whole = path.read_bytes()
        damaged = bytearray(whole)
        damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError):
            load_checkpoint(folder)
        path.write_bytes(whole)
    assert load_checkpoint(folder)[0].progress.step == 2
