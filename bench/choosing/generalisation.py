"""python -m bench.choosing.generalisation TRAIN.csv VALIDATION.csv TEST.csv OTHER.csv [--rows N] [--tuning NAME]

How does a run do on data that it was not made for? The embedded model is tuned to TRAIN, then judged on TEST and on
OTHER, all with the columns text and label: the shift between each of them and training, how far the sureness can be
trusted before and after calibration, how right the surest answers are, and what typing errors, case, width and other
wordings cost. Prints Markdown.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path
from typing import Any

import luthier
from luthier.report.elsewhere.page import perturbed_rows, slice_rows

_HELD = 0.4
"""Rows of each other file, for each training row."""


def main() -> None:
    words = argparse.ArgumentParser("python -m bench.choosing.generalisation", description=__doc__)
    words.add_argument("files", type=Path, nargs=4, metavar="CSV")
    words.add_argument("--rows", type=int, default=1000)
    words.add_argument("--tuning", default="full")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as place:
        counts = [asked.rows, *[round(_HELD * asked.rows)] * 3]
        parts = [_beginning(file, Path(place), n) for file, n in zip(asked.files, counts, strict=True)]
        data = {"train": str(parts[0]), "validation": str(parts[1]), "test": str(parts[2])}
        run = luthier.train(data=data, tuning=asked.tuning, out=f"{place}/run")
        size = (run.folder / "training.safetensors").stat().st_size
        print(f"{counts[0]} training rows, {run.report['calibration']['reason']}; kept of training: {size:,} bytes\n")
        _calibration(run.report["calibration"])
        for part in parts[2:]:
            _tell(part.stem, luthier.evaluate(run.folder, part, robustness=True).as_json())


def _beginning(file: Path, place: Path, rows: int) -> Path:
    """So many rows of a file, spread over it, as a file of their own."""
    with file.open(encoding="utf-8", newline="") as source:
        found = list(csv.DictReader(source))
    step = max(1, len(found) // rows)
    path = place / file.name
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, ["text", "label"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(found[::step][:rows])
    return path


def _calibration(found: dict[str, Any]) -> None:
    for name in ("ece_before", "ece"):
        if name in found:
            score = found[name]
            print(f"- {name} {score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]", flush=True)


def _tell(name: str, found: dict[str, Any]) -> None:
    score = next(score for score in found["scores"] if score["name"] == "accuracy")
    print(f"\n## {name}: accuracy {score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}], {score['n']} rows\n")
    print(found["shift"]["sentence"])
    print({key: round(value, 3) for key, value in found["shift"]["domain"].items()})
    print(*(f"- {measure['sentence']} (p {measure['chance']:.2g})" for measure in found["shift"]["measures"]), sep="\n")
    area = found["selective"]["aurc"]
    print(f"- ECE {found['calibration']['ece']['value']:.3f}, AURC {area['value']:.3f} "
          f"[{area['low']:.3f}, {area['high']:.3f}]: {found['selective']['sentence']}")  # fmt: skip
    for title, rows in (
        ("written otherwise", perturbed_rows(found["robustness"])),
        ("part", slice_rows(found["slices"])),
    ):
        print(f"\n| {title} | rows | … |\n| --- | --- | --- |")
        print(*(f"| {' | '.join(row)} |" for row in rows), sep="\n", flush=True)


if __name__ == "__main__":
    main()
