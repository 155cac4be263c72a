"""python -m bench.curve DATA.csv --text NAME --label NAME [--rows 400 800 …] [--tries N]

How good are the forecasts of `luthier curve`? From parts of a large file it forecasts what doubling the rows would
bring, and the truth is measured: the same cheap model (frozen features of the embedded model, a linear head) learns
from random parts of that size and of twice that size, and is judged on rows that nobody learnt from. Prints for each
size the true gain, the forecasts' mean and mean error, how many of the 95 % intervals hold the truth, and how often it
was said that nothing can be told.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.frozen import Data, read_data
from luthier.choosing.curve import measure
from luthier.choosing.features import Vectors
from luthier.choosing.forecast import Forecast
from luthier.evaluation.evaluate import evaluate
from luthier.evaluation.linear import Rows, best_linear

_JUDGED = 2000
_CHECKED = 0.125
"""Validation rows for each training row, as in a default split."""
_TRUTHS = 10


@dataclass(frozen=True)
class _Row:
    rows: int
    truth: float
    forecasts: list[Forecast]

    def __str__(self) -> str:
        gains = np.array([f.outlooks[0].gain for f in self.forecasts])
        held = [f.outlooks[0].gain_low <= self.truth <= f.outlooks[0].gain_high for f in self.forecasts]
        widths = [f.outlooks[0].gain_high - f.outlooks[0].gain_low for f in self.forecasts]
        told = [not f.trouble for f in self.forecasts]
        cells = (
            f"{self.rows:,} to {2 * self.rows:,}", f"{self.truth:+.3f}", f"{gains.mean():+.3f}",
            f"{np.abs(gains - self.truth).mean():.3f}", f"{sum(held)} of {len(held)}", f"{np.mean(widths):.3f}",
            f"{sum(told)} of {len(told)}",
        )  # fmt: skip
        return f"| {' | '.join(cells)} |"


def main() -> None:
    words = argparse.ArgumentParser("python -m bench.curve", description=__doc__)
    words.add_argument("data", type=Path)
    words.add_argument("--text", default="text")
    words.add_argument("--label", default="label")
    words.add_argument("--rows", type=int, nargs="+", default=[200, 400, 800, 1600])
    words.add_argument("--tries", type=int, default=10)
    asked = words.parse_args()
    data = read_data(asked.data, asked.text, asked.label)
    print("| rows | true gain | forecast, mean | mean error | interval holds | its width | told |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for rows in asked.rows:
        forecasts = [_forecast(data, rows, seed) for seed in range(asked.tries)]
        print(_Row(rows, _truth(data, rows), forecasts), flush=True)


def _forecast(data: Data, rows: int, seed: int) -> Forecast:
    chosen = np.random.default_rng(seed).permutation(len(data.examples) - _JUDGED)[: round(rows * (1 + _CHECKED))]
    examples = [data.examples[i] for i in chosen]
    task = data.task.learn(examples)
    features = Vectors("", data.vectors_ND[chosen], [example.answer for example in examples])
    return measure(task, examples[:rows], len(examples) - rows, features, seed).forecast(rows)


def _truth(data: Data, rows: int) -> float:
    """The mean gain over random parts, judged on the last rows of the file's shuffled order."""
    judged = range(len(data.examples) - _JUDGED, len(data.examples))
    gains: list[float] = []
    for seed in range(_TRUTHS):
        order = np.random.default_rng((seed, 1)).permutation(len(data.examples) - _JUDGED)
        checked, rest = order[: round(rows * _CHECKED)], order[round(rows * _CHECKED) :]
        scores = [_score(data, rest[:count], checked, judged) for count in (rows, 2 * rows)]
        gains.append(scores[1] - scores[0])
    return float(np.mean(gains))


def _score(data: Data, learnt: np.ndarray, checked: np.ndarray, judged: range) -> float:
    task = data.task.learn([data.examples[i] for i in learnt])
    rows = [Rows(data.vectors_ND[list(part)], [data.examples[i].answer for i in part]) for part in (learnt, checked)]
    model = best_linear(task, rows[0], rows[1], Vectors("", data.vectors_ND, []).strengths, 0)
    said = task.read_linear(model, data.vectors_ND[list(judged)])
    answers = [data.examples[i].answer for i in judged]
    return evaluate(task, said, answers, seed=0, intervals=False).main.value


if __name__ == "__main__":
    main()
