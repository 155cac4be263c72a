"""What the commands of this folder share: their words, a run with Luthier's defaults, and one of the Trainer's."""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def words_for(task_name: str, doc: str | None) -> argparse.ArgumentParser:
    """What all commands take that hold Luthier's run of two files against another's."""
    parser = argparse.ArgumentParser(f"python -m bench.understanding.{task_name}", description=doc)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("settings", nargs="*", help="of all of Luthier's runs, such as train.batch_size=16")
    parser.add_argument("--no-trainer", action="store_true", help="only Luthier's runs")
    parser.add_argument("--out", type=Path, help="keep the runs here; finished ones are not run again")
    parser.add_argument("--seed", type=int, default=42)
    return parser


def luthier_run(settings: Sequence[str], seed: int, out: Path) -> dict[str, Any]:
    """The report of a run of the embedded model with these settings; of the one that is there where it is finished."""
    if not (out / "report.json").is_file():
        from luthier.models.find import EMBEDDED

        # the default hangs on the machine: with a GPU it would be a larger one
        model = [] if any(s.startswith(("model=", "distil.layers=")) for s in settings) else [f"model={EMBEDDED}"]
        command = [sys.executable, "-m", "luthier", "train", *model, *settings, "--seed", str(seed)]
        subprocess.run([*command, "--out", str(out), "--json"], check=True, stdout=subprocess.DEVNULL)
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def part(path: Path, folder: Path, rows: int, seed: int) -> Path:
    """A file with the first rows of an order that the seed draws."""
    folder.mkdir(parents=True, exist_ok=True)
    with path.open(encoding="utf-8", newline="") as file:
        header, *lines = list(csv.reader(file))
    drawn = np.random.default_rng(seed).permutation(len(lines))[:rows]
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *(lines[i] for i in sorted(drawn))])
    return folder / "train.csv"


def settings_of(words: argparse.Namespace, *own: str) -> list[str]:
    """words: of a command that also takes --validation and --epochs. own: what the task needs."""
    settings = [f"data.train={words.train}", f"data.test={words.test}", *own]
    settings += [f"data.validation={words.validation}"] if words.validation else []
    settings += [f"train.epochs={words.epochs}"] if words.epochs else []
    return [*settings, *words.settings]


def trainer_run(
    model: Any, data: Callable[[], Any], collator: Any, batch: int, epochs: int, seed: int, **more: Any
) -> tuple[Any, float]:
    """The Trainer after its training, as its examples run it, and its seconds, those of making the data included."""
    import torch
    from transformers import Trainer, TrainingArguments

    with tempfile.TemporaryDirectory() as place:
        how = TrainingArguments(
            place, per_device_train_batch_size=batch, per_device_eval_batch_size=64, num_train_epochs=epochs,
            seed=seed, report_to="none", save_strategy="no", logging_steps=10**6, disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(), **more,
        )  # fmt: skip
        begin = time.perf_counter()
        trainer = Trainer(model, how, train_dataset=data(), data_collator=collator)
        trainer.train()
        return trainer, time.perf_counter() - begin
