"""python -m bench.choosing.scratch TRAIN TEST [--sizes 250 1500 6000] [--seeds 2] [--label NAME] [--picture FILE] …

Is fine-tuning better than training from nothing? The embedded model is tuned, and the same network with random weights
trained, on parts of TRAIN of several sizes, the smaller within the larger, each with the settings that Luthier chooses
for it; counted words (TF-IDF with logistic regression) learn from the same rows. All are judged on TEST. Prints a table
of the main score over the seeds, which also draw the part; with --picture the curve, as SVG.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.understanding.runs import luthier_run, part

WAYS = {"tuned": "full", "from nothing": "scratch"}
COUNTED = "counted words"
Found = Mapping[tuple[str, int], Sequence[float]]
"""Main scores by system and rows."""


def main() -> None:
    words = _parser().parse_intermixed_args()
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    metric = ""
    with tempfile.TemporaryDirectory() as place:
        for seed in range(words.seeds):
            for size in words.sizes:
                folder = (words.out or Path(place)) / f"{size}-{seed}"
                train = part(words.train, folder, size, seed)
                own = [f"data.train={train}", f"data.test={words.test}", f"data.columns.label={words.label}"]
                own += ["data.bad_rows=skip", *words.settings]
                for way, method in WAYS.items():
                    report = luthier_run([*own, f"tuning.method={method}"], seed, folder / method)
                    metric = report["scores"][0]["name"]
                    found[way, size].append(report["scores"][0]["value"])
                    print(f"{size} rows, seed {seed}, {way}: {report['scores'][0]['value']:.4f}", flush=True)
                    if method == "full":
                        found[COUNTED, size].append(report["baselines"]["tfidf"][0]["value"])
    print(table(found, words.sizes, metric))
    if words.picture:
        words.picture.write_bytes(picture(found, words.sizes, metric))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.choosing.scratch", description=__doc__)
    parser.add_argument("train", type=Path, help="a CSV file with the columns text and a label")
    parser.add_argument("test", type=Path)
    parser.add_argument("settings", nargs="*", help="of all runs, such as train.batch_size=16")
    parser.add_argument("--label", default="label")
    parser.add_argument("--sizes", type=int, nargs="+", default=[250, 1500, 6000])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--out", type=Path, help="keep the runs here; finished ones are not run again")
    return parser


def table(found: Found, sizes: Sequence[int], metric: str) -> str:
    """The mean over the seeds, and the lowest and highest of them."""
    lines = [f"`python -m bench.choosing.scratch {' '.join(sys.argv[1:])}`: {metric}", ""]
    lines += ["| rows | " + " | ".join([*WAYS, COUNTED]) + " |", "| ---: |" + " ---: |" * (len(WAYS) + 1)]
    for size in sizes:
        cells = [found[system, size] for system in (*WAYS, COUNTED)]
        told = [f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})" for values in cells]
        lines.append(f"| {size:,} | " + " | ".join(told) + " |")
    return "\n".join(lines)


def picture(found: Found, sizes: Sequence[int], metric: str) -> bytes:
    from luthier.report.figures import BLUE, GREY, ORANGE, drawing, svg_bytes

    looks: dict[str, Any] = {"tuned": (BLUE, "o-"), "from nothing": (ORANGE, "s--"), COUNTED: (GREY, "^:")}
    with drawing(5.6, 3.2) as figure:
        axes = figure.add_subplot()
        for system, (colour, style) in looks.items():
            values = [found[system, size] for size in sizes]
            means = [float(np.mean(each)) for each in values]
            axes.plot(sizes, means, style, color=colour, label=system)
            axes.fill_between(sizes, [min(each) for each in values], [max(each) for each in values],
                              color=colour, alpha=0.15, linewidth=0)  # fmt: skip
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("training rows")
        axes.set_ylabel(metric)
        axes.legend(frameon=False, loc="lower right")
        return svg_bytes(figure)


if __name__ == "__main__":
    main()
