"""python -m bench.suggest DATA.csv --text NAME --label NAME [--start N] [--batch N] [--rounds N] [--seeds N]

Is labelling what `luthier suggest` names better than labelling at random? A simulation: some rows are labelled, a
linear head learns from their frozen features, a batch is named among the others, its labels are revealed, and so on;
judged on rows that are never offered. random: plainly drawn. margin: the most undecided rows. suggest: what the
command does, its bounded pool of candidates included. Prints the main score after each round, mean over the seeds, and
the difference to random with its 95 % interval over the seeds (paired: the same first rows, the same judged rows).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.frozen import Data, read_data
from luthier.choosing.batch import choose_batch, margins
from luthier.choosing.suggest import pool_size
from luthier.evaluation.evaluate import evaluate

_JUDGED = 2000
_STRENGTH = 0.1

Namer = Callable[[np.ndarray, np.ndarray, int, int], Any]
"""From probabilities [N, C], features [N, D], how many and a seed to the rows to label."""


def _random(probabilities_NC: np.ndarray, features_ND: np.ndarray, count: int, seed: int) -> Any:
    return np.random.default_rng(seed).permutation(len(features_ND))[:count]


def _margin(probabilities_NC: np.ndarray, features_ND: np.ndarray, count: int, seed: int) -> Any:
    return np.argsort(margins(probabilities_NC), kind="stable")[:count]


def _suggest(probabilities_NC: np.ndarray, features_ND: np.ndarray, count: int, seed: int) -> Any:
    pool = np.argsort(margins(probabilities_NC), kind="stable")[: pool_size(count)]
    return pool[choose_batch(probabilities_NC[pool], features_ND[pool], count, seed)]


NAMERS: dict[str, Namer] = {"random": _random, "margin": _margin, "suggest": _suggest}


def main() -> None:
    words = argparse.ArgumentParser("python -m bench.suggest", description=__doc__)
    words.add_argument("data", type=Path)
    words.add_argument("--text", default="text")
    words.add_argument("--label", default="label")
    words.add_argument("--start", type=int, default=200)
    words.add_argument("--batch", type=int, default=100)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seeds", type=int, default=8)
    asked = words.parse_args()
    data = read_data(asked.data, asked.text, asked.label)
    scores = {
        name: np.array([_simulate(data, namer, asked, seed) for seed in range(asked.seeds)])
        for name, namer in NAMERS.items()
    }
    print("| labelled | " + " | ".join(f"{name} | than random" if name != "random" else name for name in NAMERS) + " |")
    print("| ---: " * (2 * len(NAMERS)) + "|")
    for k in range(asked.rounds + 1):
        cells = [f"{asked.start + k * asked.batch:,}"]
        for name in NAMERS:
            cells.append(f"{scores[name][:, k].mean():.3f}")
            if name != "random":
                gain = scores[name][:, k] - scores["random"][:, k]
                spread = 1.96 * gain.std(ddof=1) / np.sqrt(len(gain))
                cells.append(f"{gain.mean():+.3f} ± {spread:.3f}")
        print(f"| {' | '.join(cells)} |")


def _simulate(data: Data, namer: Namer, asked: argparse.Namespace, seed: int) -> list[float]:
    order = np.random.default_rng(seed).permutation(len(data.examples))
    judged, labelled, rest = order[:_JUDGED], order[_JUDGED : _JUDGED + asked.start], order[_JUDGED + asked.start :]
    scores: list[float] = []
    for round_number in range(asked.rounds + 1):
        answers = [data.examples[i].answer for i in labelled]
        model = data.task.linear(data.vectors_ND[labelled], answers, _STRENGTH, 0)
        said = data.task.read_linear(model, data.vectors_ND[judged])
        right = [data.examples[i].answer for i in judged]
        scores.append(evaluate(data.task, said, right, seed=0, intervals=False).main.value)
        guesses_NC = np.stack(data.task.read_linear(model, data.vectors_ND[rest]))
        named = np.asarray(namer(guesses_NC, data.vectors_ND[rest], asked.batch, seed * 100 + round_number))
        labelled, rest = np.concatenate([labelled, rest[named]]), np.delete(rest, named)
    return scores


if __name__ == "__main__":
    main()
