"""How often luthier drift cries wolf, and from how many rows it sees that the texts are others.

    python -m bench.production.drift runs/sst2-1 own.csv --other sms_spam.csv --other rotten_tomatoes.csv

own: rows like those of training that the run has not seen, of which disjoint draws are held against it: each alarm is a
false one. other: rows of another source, of which every draw should raise one.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from luthier.config.schema import DataSettings
from luthier.drifting.drift import ALPHA, judge
from luthier.drifting.log import looked_at, sides_of
from luthier.errors import Problem
from luthier.evaluation.elsewhere.portrait import FILE, Portrait
from luthier.inference.artifact import Predictor, load_artifact
from luthier.preparing.again import read_inputs
from luthier.progress import SILENT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("own")
    parser.add_argument("--other", action="append", default=[])
    parser.add_argument("--rows", type=int, nargs="+", default=[50, 200], help="of a draw")
    parser.add_argument("--draws", type=int, default=20, help="of the own rows")
    parser.add_argument("--other-draws", type=int, default=5)
    asked = parser.parse_args()
    portrait, predictor = Portrait.load(asked.run / FILE), load_artifact(asked.run)
    headers = ("rows of", "a draw", "draws", "alarms", "by measure", "least p of a draw, median")
    print(f"| {' | '.join(headers)} |\n|{' --- |' * len(headers)}")
    for file, draws in [(asked.own, asked.draws), *((file, asked.other_draws) for file in asked.other)]:
        inputs = _inputs(predictor, file, draws * max(asked.rows))
        traits, vectors = looked_at(predictor, portrait, inputs, len(inputs), SILENT)
        for rows in asked.rows:
            found = [
                judge(sides_of(portrait, traits[at : at + rows], None if vectors is None else vectors[at : at + rows]))
                for at in range(0, draws * rows, rows)
            ]
            _print(file, rows, found)


def _inputs(predictor: Predictor, file: str, count: int) -> list[Any]:
    """Different ones, drawn at random. Exits where there are not enough."""
    plain = predictor.codec.task.format.plain_text
    good = [one for one in read_inputs(file, predictor.codec, DataSettings()) if not isinstance(one, Problem)]
    unlike = list({plain(one): one for one in good}.values())
    if len(unlike) < count:
        raise SystemExit(f"{file} has {len(unlike)} different rows, and {count} are wanted")
    return random.Random(0).sample(unlike, count)


def _print(file: str, rows: int, found: Sequence[Any]) -> None:
    by = Counter(change.name for one in found for change in one.found)
    least = sorted(min(change.adjusted for change in one.changes) for one in found)
    alarms = sum(bool(one.found) for one in found)
    sure = sum(min(change.adjusted for change in one.changes) < ALPHA for one in found)
    told = ", ".join(f"{name} {count}" for name, count in by.most_common()) or "–"
    print(f"| {Path(file).stem} | {rows} | {len(found)} | {alarms} ({sure} by p alone) | {told} "
          f"| {least[len(least) // 2]:.3f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
