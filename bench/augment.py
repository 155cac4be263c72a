"""python -m bench.augment DATA.csv [key=value …] [--label NAME] [--methods none dropout swap] [--seeds N]

Does text augmentation help real trainings? Each method trains with each training seed on the same split; prints the
mean test score, the mean difference to `none` of the same seed with its range over the seeds, and what the cheap trial
before training had said.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    words = argparse.ArgumentParser("python -m bench.augment", description=__doc__)
    words.add_argument("data", type=Path)
    words.add_argument("settings", nargs="*")
    words.add_argument("--label", default="label")
    words.add_argument("--methods", nargs="+", default=["none", "dropout", "swap"])
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--out", type=Path, help="keep the runs here; a finished one is not run again")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = asked.out or Path(folder)
        reports = {
            method: [_train(asked, method, seed, place) for seed in range(1, asked.seeds + 1)]
            for method in asked.methods
        }
    plain = np.array([_scores(report) for report in reports[asked.methods[0]]])
    names = [score["name"] for score in reports[asked.methods[0]][0]["scores"][:2]]
    print(f"| method | {' | '.join(f'{name} | than {asked.methods[0]} (range)' for name in names)} | trial before |")
    print("| --- " + "| ---: | ---: " * len(names) + "| --- |")
    for method, found in reports.items():
        scores = np.array([_scores(report) for report in found])
        cells = [method]
        for k in range(len(names)):
            gains = scores[:, k] - plain[:, k]
            cells += [f"{scores[:, k].mean():.3f}", f"{gains.mean():+.3f} ({gains.min():+.3f} – {gains.max():+.3f})"]
        print(f"| {' | '.join([*cells, _trials(found)])} |")


def _train(asked: argparse.Namespace, method: str, seed: int, place: Path) -> dict[str, Any]:
    run = place / f"{method}-{seed}"
    if not (run / "report.json").is_file():
        words = [*asked.settings, f"augment={method}", f"train.seed={seed}", "--label", asked.label]
        command = [sys.executable, "-m", "luthier", "train", str(asked.data), *words, "--out", str(run)]
        command += ["--overwrite", "--quiet"]
        subprocess.run(command, check=True)
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


def _scores(report: dict[str, Any]) -> list[float]:
    return [score["value"] for score in report["scores"][:2]]


def _trials(reports: list[dict[str, Any]]) -> str:
    trials = [report["augment"]["trial"] for report in reports if report["augment"]]
    return "; ".join(f"{t['difference']:+.3f} [{t['low']:+.3f}, {t['high']:+.3f}]" for t in trials) or "–"


if __name__ == "__main__":
    main()
