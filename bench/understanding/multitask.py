"""python -m bench.understanding.multitask TRAIN TEST [--validation FILE] [--epochs N] [key=value …]

Intent and slots of the same rows: Luthier's defaults for both at once, each alone, and Hugging Face's recipes
(run_classification and run_ner, one model each) with the same model, rows and epochs, on the same test rows. The
Trainer runs as those examples do: a new head, learning rate 5e-5 falling to 0, batches of 8, the last epoch kept. It is
given the texts as Luthier encodes them, and its tags are decoded by the same rules as Luthier's, to its advantage.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.understanding.runs import luthier_run, settings_of, trainer_run, words_for

_BATCH = 8
_SHOWN = ("intent.accuracy", "intent.macro_f1", "slots.entity_f1", "sentence_accuracy")


def main() -> None:
    words = _parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = (words.out or Path(folder)) / "luthier"
        report = luthier_run(settings_of(words, "task=multitask", "task.alone=true"), words.seed, out)
        print(_table(words, out, report), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = words_for("multitask", __doc__)
    parser.add_argument("--validation", type=Path)
    parser.add_argument("--epochs", type=int, help="of all; without it as many as Luthier chooses")
    return parser


def _table(words: argparse.Namespace, out: Path, report: dict[str, Any]) -> str:
    import luthier
    from luthier.config.schema import DataSettings
    from luthier.evaluation.evaluate import evaluate
    from luthier.parts.rows import examples_of
    from luthier.preparing.again import read_examples

    predictor = luthier.load(out)
    task = predictor.codec.task
    test = read_examples(str(words.test), predictor.codec, DataSettings())
    answers = [example.answer for example in test]
    epochs = words.epochs or next(c["value"] for c in report["choices"] if c["key"] == "train.epochs")
    alone = {name: luthier.load(out / "alone" / name).answers(examples_of(name, test)) for name in report["alone"]}
    systems = {
        "Luthier, both at once": (predictor.answers(test), report["train_seconds"]),
        "Luthier, each alone": (_together(alone), _seconds(out, report["alone"])),
    }
    if not words.no_trainer:
        learnt = read_examples(str(words.train), predictor.codec, DataSettings())
        said = {name: _trainer(predictor.codec, name, learnt, test, epochs, words.seed) for name in alone}
        both = _together({name: predictions for name, (predictions, _) in said.items()})
        systems["Trainer, each alone"] = (both, sum(seconds for _, seconds in said.values()))
    lines = [f"multitask: {words.train.name}, {len(test)} test rows, {epochs} epochs, seed {words.seed}", ""]
    lines += ["| | " + " | ".join([*_SHOWN, "seconds of training"]) + " |", "|" + " --- |" * (len(_SHOWN) + 2)]
    for name, (predictions, seconds) in systems.items():
        found = {score.name: score for score in evaluate(task, predictions, answers, seed=0).scores}
        cells = [str(found[shown]).partition(" ")[2] for shown in _SHOWN]
        lines.append(f"| {name} | " + " | ".join([*cells, f"{seconds:.0f}"]) + " |")
    for name, scores in report["baselines"].items():
        values = {score["name"]: f"{score['value']:.4f}" for score in scores}
        lines.append(f"| {name} | " + " | ".join([values[shown] for shown in _SHOWN] + ["–"]) + " |")
    for name, one in report["alone"].items():
        apart = f"{one['difference']:+.4f} [{one['low']:+.4f}, {one['high']:+.4f}]"
        lines.append(f"\n{name}: {one['score']} together against alone {apart}")
    return "\n".join(lines)


def _seconds(out: Path, alone: Mapping[str, Any]) -> float:
    reports = ((out / "alone" / name / "report.json").read_text(encoding="utf-8") for name in alone)
    return sum(json.loads(text)["train_seconds"] for text in reports)


def _together(said: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(said, row, strict=True)) for row in zip(*said.values(), strict=True)]


def _trainer(
    codec: Any, part: str, learnt: Sequence[Any], test: Sequence[Any], epochs: int, seed: int
) -> tuple[list[Any], float]:
    """What it predicts for the test rows, and its seconds."""
    import torch
    import transformers

    from luthier.inference.predict import predict
    from luthier.models.find import embedded_folder
    from luthier.parts.rows import examples_of

    torch.manual_seed(seed)
    task = codec.task.parts[part]
    own = replace(codec, task=task)
    loader = getattr(transformers, task.auto_class)
    model = loader.from_pretrained(str(embedded_folder()), **task.head_options())
    windows = own.encode_labelled(examples_of(part, learnt))

    def collate(rows: Sequence[dict[str, int]]) -> dict[str, Any]:
        batch = own.collate_labelled([windows[row["number"]] for row in rows])
        one = batch.targets.shape[1] == 1 and windows[0].targets.shape == (1,)
        return {**batch.inputs.tensors, "labels": batch.targets[:, 0] if one else batch.targets}

    numbers = [{"number": int(i)} for i in np.arange(len(windows))]
    _, seconds = trainer_run(model, lambda: numbers, collate, _BATCH, epochs, seed, remove_unused_columns=False)
    inputs = [example.input for example in examples_of(part, test)]
    return predict(model, own, inputs, device="cpu", max_tokens=4096), seconds


if __name__ == "__main__":
    main()
