"""python -m bench.understanding.retrieval TRAIN TEST [--also KEY=VALUE …] [key=value …]

Luthier's defaults against sentence-transformers' own trainer with MultipleNegativesRankingLoss: the same model, pairs,
batches and epochs, its default learning rate (5e-5, falling to 0), judged by the same scores on the same test rows.
TRAIN and TEST have the columns query, positive and, where it is known, topic. The trainer needs
`pip install sentence-transformers datasets`.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.understanding.runs import luthier_run, words_for


def main() -> None:
    words = _parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs: dict[str, tuple[Path, dict[str, Any]]] = {}
        for i, own in enumerate(["", *words.also]):
            out = (words.out or Path(folder)) / f"retrieval-{i}"
            settings = [*words.settings, *([own] if own else [])]
            runs[f"Luthier {own}".strip()] = (out, _luthier(words, settings, out))
        print(_table(words, runs, Path(folder)), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = words_for("retrieval", __doc__)
    parser.add_argument("--also", action="append", default=[], help="one more run of Luthier, with this setting")
    return parser


def _luthier(words: argparse.Namespace, settings: list[str], out: Path) -> dict[str, Any]:
    data = [f"data.train={words.train}", f"data.test={words.test}", "task.name=retrieval", "data.bad_rows=skip"]
    return luthier_run([*data, *settings], words.seed, out)


def _table(words: argparse.Namespace, runs: dict[str, tuple[Path, dict[str, Any]]], folder: Path) -> str:
    import luthier
    from luthier.config.schema import DataSettings
    from luthier.evaluation.evaluate import report_of, resampled
    from luthier.evaluation.intervals import paired_difference
    from luthier.preparing.again import read_examples

    first, _ = next(iter(runs.values()))
    predictor = luthier.load(first)
    task = predictor.codec.task
    test = read_examples(str(words.test), predictor.codec, DataSettings(bad_rows="skip"))
    texts = [task.format.plain_text(asked) for asked in task.questions(test)]
    systems = {name: (luthier.load(run).answers(test), told["seconds"]) for name, (run, told) in runs.items()}
    systems["untuned"] = (task.scored(test, list(_untuned(texts))), 0.0)
    if not words.no_trainer:
        vectors, seconds = _trainer(words, texts, folder)
        systems["sentence-transformers' trainer"] = (task.scored(test, list(vectors)), seconds)
    answers = [example.answer for example in test]
    found = {name: resampled(task, said, answers, seed=0) for name, (said, _) in systems.items()}
    own = next(iter(found))
    names = list(found[own].values)
    head = ["", *names, f"{names[0]} below the first", "seconds"]
    lines = [f"{words.train.name}, {len(test)} test rows, seed {words.seed}", ""]
    lines += ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for name, (said, seconds) in systems.items():
        cells = [f"{s.value:.4f} [{s.low:.4f}, {s.high:.4f}]" for s in report_of(found[name], said).scores]
        apart = paired_difference(found[own], found[name], names[0], higher_is_better=True)
        cells += ["" if name == own else f"{apart.value:+.4f} [{apart.low:+.4f}, {apart.high:+.4f}]", f"{seconds:.0f}"]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines)


def _untuned(texts: list[str]) -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    from luthier.models.find import embedded_folder

    return np.asarray(SentenceTransformer(str(embedded_folder())).encode(texts))


def _trainer(words: argparse.Namespace, texts: list[str], folder: Path) -> tuple[np.ndarray, float]:
    """The vectors of the texts after training, and the seconds that it took. All rows of TRAIN are learnt from;
    Luthier keeps a tenth of them to choose by."""
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    from luthier.config.settings import load_settings
    from luthier.models.find import embedded_folder

    run = load_settings((words.out or folder) / "retrieval-0" / "config.yaml")
    with words.train.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = importlib.import_module("datasets").Dataset.from_dict(
        {name: [row[name] for row in rows] for name in ("query", "positive")}
    )
    begin = time.perf_counter()
    model = SentenceTransformer(str(embedded_folder()))
    arguments = SentenceTransformerTrainingArguments(
        str(folder / "trainer"), num_train_epochs=int(run.train.epochs),
        per_device_train_batch_size=int(run.train.batch_size), seed=words.seed, save_strategy="no", report_to=[],
        disable_tqdm=True,
    )  # fmt: skip
    loss = MultipleNegativesRankingLoss(model)
    SentenceTransformerTrainer(model=model, args=arguments, train_dataset=pairs, loss=loss).train()
    seconds = time.perf_counter() - begin
    return np.asarray(model.encode(texts)), seconds


if __name__ == "__main__":
    main()
