"""python -m bench.production.faithful RUN FILE [--rows 100] [--how gradient integrated occlusion] [--seed 42]

Do the words that `luthier explain` names carry the answer? On rows of FILE (columns text and label, or whatever the run
was trained on) the words are taken out in the order in which each way names them, and put back into the empty text; the
mean probability of the answer is held against that in random order, with the paired 95 % interval. Beside it the mean
completeness error and the processor seconds that an explanation takes by itself.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from luthier.config.schema import DataSettings
from luthier.errors import Problem
from luthier.explaining.faithful import Faithfulness, faithfulness
from luthier.explaining.why import METHODS, explain
from luthier.inference.artifact import Predictor, load_artifact
from luthier.preparing.again import read_inputs

_TIMED = 20
"""Inputs whose explanation is timed."""


def main() -> None:
    words = _parser().parse_args()
    predictor = load_artifact(words.run, "cpu")
    rows = [
        one for one in read_inputs(str(words.file), predictor.codec, DataSettings()) if not isinstance(one, Problem)
    ]
    drawn = np.random.default_rng(words.seed).permutation(len(rows))[: words.rows]
    inputs = [rows[i] for i in drawn]
    print(f"{len(inputs)} rows of {words.file.name}, {predictor.name}")
    print(
        "| way | deletion | at random | better by | insertion | at random | better by | completeness error | s a text |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for how in words.how:
        seconds = _seconds(predictor, inputs[:_TIMED], how)
        print(_row(how, faithfulness(predictor, inputs, how, seed=words.seed), seconds), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.production.faithful", description=__doc__)
    parser.add_argument("run", type=Path, help="a run's folder, or a model folder")
    parser.add_argument("file", type=Path, help="rows such as the run was trained on")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--how", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seed", type=int, default=42)
    return parser


def _seconds(predictor: Predictor, inputs: Sequence[Any], how: str) -> float:
    """Of the processor, for one explanation."""
    begin = time.process_time()
    explain(predictor, inputs, how)
    return (time.process_time() - begin) / len(inputs)


def _row(how: str, found: Faithfulness, seconds: float) -> str:
    cells = [how]
    for name, curves in found.curves.items():
        gain = found.gains[name]
        cells += [f"{np.mean(curves[order]):.3f}" for order in ("named", "random")]
        cells.append(f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]")
    cells += ["–" if found.error is None else f"{found.error:.4f}", f"{seconds:.2f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
