"""python -m bench.choosing.few_shot TRAIN TEST [--shots 8] [--draws 5] [--label NAME] [--setfit-python PATH] …

A few rows of each class are drawn from TRAIN; all systems learn from the same ones and are judged on the same rows of
TEST: frozen embeddings with a linear head, full tuning and few-shot tuning with Luthier's defaults, and SetFit, where
there is an interpreter that has it. Processor seconds are those of training alone: from the loaded model to one that
can answer.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

PEER = Path(__file__).with_name("setfit_peer.py")
Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Outcome:
    """predictions: labels, of the judged rows. seconds: of the processor, in training; None without any."""

    system: str
    predictions: Sequence[str]
    seconds: float | None


def main() -> None:
    words = _parser().parse_args()
    rows, judged = _read(words.train, words.label), _read(words.test, words.label)
    judged = [judged[i] for i in np.random.default_rng(0).permutation(len(judged))[: words.most]]
    found: dict[str, list[tuple[float, float, float | None]]] = defaultdict(list)
    for seed in range(words.first, words.first + words.draws):
        drawn = draw(rows, words.shots, seed)
        for outcome in _systems(drawn, judged, seed, words):
            scores = (*_scores(outcome.predictions, [label for _, label in judged]), outcome.seconds)
            found[outcome.system].append(scores)
            told = "" if outcome.seconds is None else f", {outcome.seconds:.1f} s"
            print(
                f"draw {seed}: {outcome.system}: accuracy {scores[0]:.3f}, macro-F1 {scores[1]:.3f}{told}", flush=True
            )
    print(_table(found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.choosing.few_shot", description=__doc__)
    parser.add_argument("train", type=Path, help="a CSV file with the columns text and a label")
    parser.add_argument("test", type=Path)
    parser.add_argument("--label", default="label")
    parser.add_argument("--shots", type=int, default=8, help="rows of each class")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument(
        "--first", type=int, default=0, help="seed of the first draw; the defaults were found on 100 on"
    )
    parser.add_argument("--most", type=int, default=1000, help="test rows that are judged on")
    parser.add_argument("--setfit-python", help="an interpreter that has SetFit")
    parser.add_argument("--setfit-steps", type=int, default=0, help="0: SetFit's default, an epoch over all pairs")
    parser.add_argument("--only", nargs="*", help="systems to run: full, few_shot")
    parser.add_argument("settings", nargs="*", help="of Luthier's few-shot run, such as tuning.steps=40")
    return parser


def _read(path: Path, label: str) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row[label]) for row in csv.DictReader(file)]


def draw(rows: Rows, shots: int, seed: int) -> Rows:
    """So many rows of each class; a function of the arguments alone."""
    rng = np.random.default_rng(seed)
    of_class: dict[str, list[int]] = defaultdict(list)
    for number, (_, label) in enumerate(rows):
        of_class[label].append(number)
    return [rows[i] for label in sorted(of_class) for i in rng.choice(of_class[label], shots, replace=False)]


def _systems(drawn: Rows, judged: Rows, seed: int, words: argparse.Namespace) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, part in (("train", drawn), ("test", judged)):
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("text", "label"), *part])
        wanted = ("full", "few_shot") if words.only is None else words.only
        for method in wanted:
            yield from _luthier(
                folder, method, seed, words.settings if method == "few_shot" else (), method == wanted[0]
            )
        if words.setfit_python:
            yield _setfit(folder, seed, words)


def _luthier(folder: Path, method: str, seed: int, settings: Sequence[str], frozen_too: bool) -> Iterator[Outcome]:
    """Everything that `luthier train` does between the loaded model and the end of training. frozen_too: a linear head
    on the untuned model's vectors before."""
    from luthier.config.settings import load_settings
    from luthier.evaluation.baselines import embeddings
    from luthier.fit import fit
    from luthier.inference.predict import predict
    from luthier.models.known import choose_model
    from luthier.preparing.prepare import prepare
    from luthier.probing import begin_head, look, with_head_last
    from luthier.progress import SILENT
    from luthier.ready import make_ready, tune
    from luthier.runtime import open_runtime

    own = [f"data.train={folder / 'train.csv'}", f"data.test={folder / 'test.csv'}", "data.split.validation=0"]
    own += ["data.bad_rows=skip", f"tuning.method={method}", f"train.seed={seed}", "train.keep=1", "balance=none"]
    read = load_settings(None, [*own, *settings])
    prepared = prepare(read)
    model_folder, _ = choose_model(read.model, prepared.language)
    with open_runtime(read.train.precision) as runtime:
        ready = make_ready(read, prepared, model_folder, (), runtime)
        model, codec, how, split = ready.loaded.model, ready.codec, ready.training, prepared.split
        if frozen_too:
            seen = look(model, codec, split, runtime, how.max_tokens, seed, SILENT)
            yield Outcome("frozen embeddings, linear head", _labels(codec, embeddings(codec.task, seen, seed)), None)  # type: ignore
        (out := folder / f"run-{method}").mkdir()
        begin = time.process_time()
        few = look(model, codec, replace(split, test=split.train[:1]), runtime, how.max_tokens, seed, SILENT)
        begin_head(model, codec.task, few, runtime, ready.settings.train.head_init, ready.remedy, seed)
        tuned = with_head_last(tune(ready), codec, split.train, runtime, ready.remedy, how.max_tokens, seed)
        fit(tuned, codec, codec.encode_labelled(split.train), (), how, folder=out, facts={},
            runtime=runtime, screen=SILENT)  # fmt: skip
        seconds = time.process_time() - begin
        said = predict(tuned.model, codec, [e.input for e in split.test], device=runtime.device, max_tokens=4096)
    yield Outcome(f"Luthier, {method}", _labels(codec, said), seconds)


def _labels(codec: Any, predictions: Sequence[np.ndarray]) -> list[str]:
    return [codec.task.labels[int(said.argmax())] for said in predictions]


def _setfit(folder: Path, seed: int, words: argparse.Namespace) -> Outcome:
    from luthier.models.find import embedded_folder

    asked = [words.setfit_python, PEER, embedded_folder(), folder / "train.csv", folder / "test.csv", seed,
             words.setfit_steps]  # fmt: skip
    done = subprocess.run(list(map(str, asked)), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"SetFit failed:\n{done.stderr}")
    said = json.loads(done.stdout.splitlines()[-1])
    steps = f", {words.setfit_steps} steps" if words.setfit_steps else ""
    return Outcome(f"SetFit{steps}", said["predictions"], said["processor_seconds"])


def _scores(said: Sequence[str], answers: Sequence[str]) -> tuple[float, float]:
    """Accuracy and macro-F1."""
    from sklearn.metrics import accuracy_score, f1_score

    return float(accuracy_score(answers, said)), float(f1_score(answers, said, average="macro"))


def _table(found: Mapping[str, Sequence[tuple[float, float, float | None]]]) -> str:
    lines = [f"`python -m bench.choosing.few_shot {' '.join(sys.argv[1:])}`", ""]
    lines += ["| system | accuracy | macro-F1 | processor seconds |", "| --- | ---: | ---: | ---: |"]
    for system, outcomes in found.items():
        columns = [[row[i] for row in outcomes if row[i] is not None] for i in range(3)]
        quality = [_spread(np.array(column)) for column in columns[:2]]
        seconds = f"{np.array(columns[2]).mean():.1f}" if columns[2] else "–"
        lines.append(f"| {system} | {' | '.join(quality)} | {seconds} |")
    return "\n".join(lines)


def _spread(values_N: np.ndarray) -> str:
    return f"{values_N.mean():.3f} ± {values_N.std(ddof=min(1, len(values_N) - 1)):.3f}"


if __name__ == "__main__":
    main()
