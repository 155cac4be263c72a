"""python -m bench.choosing.plan [--data FILE --text COLUMN --label COLUMN] [--rows 240] [NAME …]: does it come true?

Six runs of the embedded MiniLM, on the demo's tickets or on a CSV of yours, are planned (`luthier plan`) and then
really run (`luthier train`), each in a process of its own, one after the other. The table holds the peak memory and
the training's seconds that were reckoned before any step, those after the probe's few steps, and those of the run's
report.json, with the errors of the second against the third. Times are of the clock: on a machine that others use as
well they say how the load changed between plan and run. NAME: only these of the runs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from luthier.demo import TRAINING_FILE, write_demo_data
from luthier.models.find import EMBEDDED

_LONG = 8
"""Texts joined to a long one."""
RUNS: dict[str, tuple[str, tuple[str, ...]]] = {
    "full": ("plain", ("train.epochs=2",)),
    "head": ("plain", ("train.epochs=4", "tuning.method=head")),
    "last_layers": ("plain", ("train.epochs=3", "tuning.method=last_layers")),
    "lora": ("plain", ("train.epochs=2", "tuning.method=lora")),
    "regression": ("numbers", ("train.epochs=2", "--task", "regression")),
    "long texts": ("long", ("train.epochs=2", "train.max_tokens=2048")),
}
"""By name: which data, and the words."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RUNS))
    asked.add_argument("--data", type=Path)
    asked.add_argument("--text", default="text")
    asked.add_argument("--label", default="intent")
    asked.add_argument("--rows", type=int, default=240)
    words = asked.parse_args()
    if unknown := set(words.names) - set(RUNS):
        asked.error(f"no such run: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = words.data or next(p for p in write_demo_data(folder) if p.name == TRAINING_FILE)
        files = _write(folder, data, words.text, words.label, words.rows)
        print("| run | memory reckoned | planned | used | error | training reckoned | planned | took | error |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for run in words.names or RUNS:
            print(_row(run, folder, files), flush=True)


def _write(folder: Path, data: Path, text: str, label: str, rows: int) -> dict[str, Path]:
    """The same texts as they are, with a number to tell, and joined to long ones."""
    with data.open(encoding="utf-8", newline="") as file:
        read = [(row[text], row[label]) for row in csv.DictReader(file)][:rows]
    numbers = [(words, f"{len(words) / 100:.2f}") for words, _ in read]
    joined = [(" ".join(read[(i + k * 7) % len(read)][0] for k in range(_LONG)), name)
              for i, (_, name) in enumerate(read[: len(read) // 2])]  # fmt: skip
    made = {"plain": read, "numbers": numbers, "long": joined}
    for name, lines in made.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *lines])
    return {name: folder / f"{name}.csv" for name in made}


def _row(run: str, folder: Path, files: dict[str, Path]) -> str:
    data, words = RUNS[run]
    common = [str(files[data]), "--model", EMBEDDED, *words, "--json", "--quiet"]
    name = run.replace(" ", "-")
    planned = _luthier(["plan", *common], folder / f"cache-{name}")
    ran = _luthier(["train", *common, "--out", str(folder / name)], folder / f"cache-{name}")
    memory = [planned["reckoned"]["peak_memory_bytes"], planned["peak_memory_bytes"], ran["peak_memory_bytes"]]
    seconds = [planned["reckoned"]["train_seconds"], planned["train_seconds"], ran["train_seconds"]]
    cells = [f"{size / 2**20:,.0f} MiB" for size in memory] + [f"{memory[1] / memory[2] - 1:+.0%}"]
    cells += [f"{value:.1f} s" for value in seconds] + [f"{seconds[1] / seconds[2] - 1:+.0%}"]
    return "| " + " | ".join([run, *cells]) + " |"


def _luthier(words: Sequence[str], cache: Path) -> dict[str, Any]:
    """cache: where nothing lies that frozen layers have given in another run."""
    environment = {**os.environ, "LUTHIER_CACHE": str(cache)}
    command = [sys.executable, "-m", "luthier", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
