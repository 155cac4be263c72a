"""Luthier's defaults against the Trainer's, where a text or a pair of texts gets one answer: the same model, rows and
epochs, judged by the same scores on the same test rows.

The Trainer runs as its examples for text classification do: its default learning rate (5e-5, falling to 0), a new head,
batches of 32, texts cut at 128 tokens, the last epoch kept. It learns from all rows of TRAIN; where no validation file
is given Luthier keeps a tenth of them to choose by.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.understanding.runs import luthier_run, trainer_run, words_for

_BATCH, _LENGTH = 32, 128

Read = Callable[[Any, Sequence[Any]], tuple[list[Any], Callable[[np.ndarray], list[Any]]]]
"""From the task and the training answers the targets as the Trainer wants them, and from its logits [N, C] the task's
predictions."""


def compare(task_name: str, read: Read, doc: str | None) -> None:
    """What a task's command does; see `_parser`."""
    words = _parser(task_name, doc).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        train = _part_of(words.train, words.rows, words.seed, Path(folder))
        data = [f"data.train={train}", f"data.test={words.test}", f"task.name={task_name}", "data.bad_rows=skip"]
        data += [f"data.validation={words.validation}"] if words.validation else []
        runs: dict[str, tuple[Path, dict[str, Any]]] = {}
        for i, own in enumerate([words.settings, *([more] for more in words.also)]):
            settings = own if i == 0 else [*words.settings, *own]
            out = (words.out or Path(folder)) / f"{task_name}-{i}"
            runs["Luthier " + " ".join(own)] = (out, luthier_run([*data, *settings], words.seed, out))
        print(_table(task_name, train, words, runs, read), flush=True)


def _parser(task_name: str, doc: str | None) -> argparse.ArgumentParser:
    parser = words_for(task_name, doc)
    parser.add_argument("--validation", type=Path)
    parser.add_argument("--also", action="append", default=[], help="one more run of Luthier, with this setting")
    parser.add_argument("--rows", type=int, help="learn from so many rows of TRAIN, drawn by the seed")
    parser.add_argument("--epochs", type=int, help="of the Trainer; without it as many as Luthier chose")
    parser.add_argument("--label", help="also the F1 of this class, without an interval")
    return parser


def _part_of(train: Path, rows: int | None, seed: int, folder: Path) -> Path:
    """The file, or one with so many of its lines. Cells with line breaks are not for this."""
    if rows is None:
        return train
    header, *lines = train.read_text(encoding="utf-8").splitlines()
    kept = sorted(np.random.default_rng(seed).permutation(len(lines))[:rows])
    part = folder / f"{train.stem}-{rows}{train.suffix}"
    part.write_text("\n".join([header, *(lines[i] for i in kept)]) + "\n", encoding="utf-8")
    return part


def _table(
    task_name: str, train: Path, words: argparse.Namespace, runs: dict[str, tuple[Path, dict[str, Any]]], read: Read
) -> str:
    import luthier
    from luthier.config.schema import DataSettings
    from luthier.evaluation.evaluate import report_of, resampled
    from luthier.evaluation.intervals import paired_difference
    from luthier.preparing.again import read_examples
    from luthier.progress import SILENT

    first, report = next(iter(runs.values()))
    how = DataSettings()
    codec = luthier.load(first).codec
    test = read_examples(str(words.test), codec, how, SILENT)
    systems = {name: (luthier.load(run).answers(test), told["seconds"]) for name, (run, told) in runs.items()}
    epochs = words.epochs or round(report["steps"]["planned"] / -(-report["split"]["train"] // _batch_size(report)))
    if not words.no_trainer:
        learnt = read_examples(str(train), codec, how, SILENT)
        systems[f"Trainer, {epochs} epochs"] = _trainer(codec.task, learnt, test, read, epochs, words.seed)
    answers = [example.answer for example in test]
    found = {name: resampled(codec.task, said, answers, seed=0) for name, (said, _) in systems.items()}
    reports = {name: report_of(found[name], said) for name, (said, _) in systems.items()}
    own = next(iter(reports))
    names = [score.name for score in reports[own].scores if score.low is not None][:6]
    head = ["", *names, *([f"F1 of {words.label}"] if words.label else []), f"{names[0]} below the first", "seconds"]
    lines = [f"{task_name}: {train.name}, {len(answers)} test rows, {epochs} epochs, seed {words.seed}", ""]
    lines += ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for name, told in reports.items():
        by_name = {score.name: score for score in told.scores}
        cells = [_score(by_name.get(each)) for each in names]
        if words.label:
            rows = codec.task.details(systems[name][0], answers)["per_class"]
            cells.append(next(f"{row['f1']:.4f}" for row in rows if row["label"] == words.label))
        apart = paired_difference(found[own], found[name], names[0], higher_is_better=told.main.higher_is_better)
        cells.append("–" if name == own else f"{apart.value:+.4f} [{apart.low:+.4f}, {apart.high:+.4f}]")
        lines.append(f"| {name} | " + " | ".join([*cells, f"{systems[name][1]:.0f}"]) + " |")
    for name, scores in report["baselines"].items():
        by_name = {score["name"]: score for score in scores}
        cells = [f"{by_name[each]['value']:.4f}" if each in by_name else "–" for each in names]
        lines.append(f"| {name} | " + " | ".join([*cells, *["–"] * (len(head) - 1 - len(cells))]) + " |")
    return "\n".join(lines)


def _batch_size(report: dict[str, Any]) -> int:
    return next((c["value"] for c in report["choices"] if c["key"] == "train.batch_size"), _BATCH)


def _score(score: Any) -> str:
    return "–" if score is None else f"{score.value:.4f} [{score.low:.4f}, {score.high:.4f}]"


def _trainer(
    task: Any, learnt: Sequence[Any], test: Sequence[Any], read: Read, epochs: int, seed: int
) -> tuple[list[Any], float]:
    """Its predictions of the test rows, and its seconds."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding

    from luthier.models.find import embedded_folder

    torch.manual_seed(seed)
    folder = str(embedded_folder())
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, **task.head_options())
    targets, to_predictions = read(task, [example.answer for example in learnt])

    def encoded(examples: Sequence[Any], labels: Sequence[Any]) -> list[dict[str, Any]]:
        inputs = [example.input for example in examples]
        pairs = [list(part) for part in zip(*inputs, strict=True)] if isinstance(inputs[0], tuple) else [inputs]
        said = tokenizer(*pairs, truncation=True, max_length=_LENGTH)
        rows = [{key: said[key][i] for key in said} for i in range(len(inputs))]
        return [{**row, "labels": label} for row, label in zip(rows, labels, strict=True)]

    collator = DataCollatorWithPadding(tokenizer)
    trainer, seconds = trainer_run(model, lambda: encoded(learnt, targets), collator, _BATCH, epochs, seed)
    judged: Any = encoded(test, [targets[0]] * len(test))
    logits_NC: Any = trainer.predict(judged).predictions
    return to_predictions(np.asarray(logits_NC, float)), seconds
