"""python -m bench.choosing.search TRAIN.csv TEST.csv [--text NAME] [--label NAME] [--shots 10] [--trials 20]
[--workers N] [--singles N] [key=value …]

Is a search worth it? Draws some rows of each class, searches on them with the default space, and tests the winner
beside the default on all rows of the test file. Then runs as many of the same trials as --singles says one by one, each
as its own `luthier train`, which is what a user without a search would do, and sets their time beside the search's.
Prints the verdict, the time of the trials, and the time of the same trials singly (of a part of them scaled up, and
said so).
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main() -> None:
    words = argparse.ArgumentParser("python -m bench.choosing.search", description=__doc__)
    words.add_argument("train", type=Path)
    words.add_argument("test", type=Path)
    words.add_argument("--text", default="text")
    words.add_argument("--label", default="label")
    words.add_argument("--shots", type=int, default=10)
    words.add_argument("--trials", type=int, default=20)
    words.add_argument("--minutes", type=float, default=120)
    words.add_argument("--workers", type=int, default=1)
    words.add_argument("--singles", type=int, default=20)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("settings", nargs="*")
    asked = words.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        few = draw(asked.train, place / "few.csv", asked.label, asked.shots, asked.seed)
        columns = [f"data.columns.text={asked.text}", f"data.columns.label={asked.label}"]
        data = [str(few), f"data.test={asked.test}", *columns, *asked.settings]
        budget = ["--trials", str(asked.trials), "--minutes", str(asked.minutes), "--workers", str(asked.workers)]
        began = time.monotonic()
        luthier("search", *data, *budget, "--out", str(place / "found"))
        whole = time.monotonic() - began
        report = json.loads((place / "found" / "search.json").read_text(encoding="utf-8"))
        singly = time_of(report, data, place, asked.singles)
    tell(report, whole, singly)


def draw(train: Path, few: Path, label: str, shots: int, seed: int) -> Path:
    """So many rows of each class."""
    with train.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_class: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in random.Random(seed).sample(rows, len(rows)):
        by_class[row[label]].append(row)
    with few.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for own in by_class.values() for row in own[:shots])
    return few


def time_of(report: dict[str, Any], data: Sequence[str], place: Path, most: int) -> list[tuple[int, float]]:
    """Seconds of trials run singly, spread over all of them, by number."""
    trials = [trial for trial in report["trials"] if trial["state"] != "failed"]
    chosen = trials[:: max(1, len(trials) // most)][:most] if most else []
    found: list[tuple[int, float]] = []
    for trial in chosen:
        keys = trial["values"] or {}
        values = [f"{key}={json.dumps(trial['settings'][key])}" for key in keys]
        began = time.monotonic()
        luthier("train", *data, *values, "--out", str(place / f"single-{trial['number']}"))
        found.append((trial["number"], time.monotonic() - began))
    return found


def luthier(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "luthier", *words, "--quiet"], check=True)


def tell(report: dict[str, Any], whole: float, singly: list[tuple[int, float]]) -> None:
    trials = report["trials"]
    print(report["verdict"]["sentence"])
    for name, seeds in report["seeds"].items():
        print(f"{name}: trial {seeds['trial']}, {report['metric']} on validation over the seeds {seeds['mean']:.4f}")
    print(f"{len(trials)} trials in {report['search_seconds']:.0f} s, {report['stopped']} stopped, {report['failed']} "
          f"failed; with other seeds, both runs and their tests {whole:.0f} s")  # fmt: skip
    if singly:
        seconds = sum(second for _, second in singly) / len(singly) * len(trials)
        scaled = "" if len(singly) == len(trials) else f", scaled up from {len(singly)} of them"
        ratio = seconds / max(report["search_seconds"], 1e-9)
        print(f"the same {len(trials)} singly: {seconds:.0f} s{scaled}: {ratio:.1f} times the search's trials")


if __name__ == "__main__":
    main()
