"""python -m bench.understanding.ner TRAIN TEST [--validation FILE] [--epochs N] [key=value …]

Entities: Luthier's defaults against Hugging Face's run_ner recipe with the same model, rows and epochs, on the same
test rows. The Trainer runs as that example does: words split beforehand, the loss at each word's first token, a new
head, learning rate 5e-5 falling to 0, batches of 8, the last epoch kept; what it says is read by seqeval.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.understanding.runs import luthier_run, settings_of, trainer_run, words_for

_BATCH, _LENGTH = 8, 512


def main() -> None:
    words = _parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = (words.out or Path(folder)) / "luthier"
        report = luthier_run(settings_of(words, "task=ner", "data.bad_rows=skip"), words.seed, out)
        print(_table(words, out, report), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = words_for("ner", __doc__)
    parser.add_argument("--validation", type=Path)
    parser.add_argument("--epochs", type=int, help="of both; without it as many as Luthier chooses")
    return parser


def _table(words: argparse.Namespace, out: Path, report: dict[str, Any]) -> str:
    import luthier
    from luthier.config.schema import DataSettings
    from luthier.evaluation.intervals import bootstrap, interval, paired_difference
    from luthier.metrics.entities import entity_counts, entity_scores
    from luthier.preparing.again import read_examples

    predictor, how = luthier.load(out), DataSettings(bad_rows="skip")
    test = read_examples(str(words.test), predictor.codec, how)
    answers = [example.answer for example in test]
    epochs = words.epochs or next(c["value"] for c in report["choices"] if c["key"] == "train.epochs")
    systems = {"Luthier": ([said.spans for said in predictor.answers(test)], report["seconds"])}
    if not words.no_trainer:
        learnt = read_examples(str(words.train), predictor.codec, how)
        systems["Trainer (run_ner)"] = _trainer(predictor.codec.task, learnt, test, epochs, words.seed)
    found = {}
    for name, (said, _) in systems.items():
        counts_N3 = entity_counts(said, answers)
        found[name] = bootstrap(lambda w, counts_N3=counts_N3: entity_scores(counts_N3, w), len(answers), seed=0)
    head = ["", "entity_f1", "precision", "recall", "Luthier's lead in F1", "seconds"]
    lines = [f"ner: {words.train.name}, {len(test)} test rows, {epochs} epochs, seed {words.seed}", ""]
    lines += ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for name, one in found.items():
        cells = [
            f"{value:.4f} [{low:.4f}, {high:.4f}]"
            for score, value in one.values.items()
            for low, high in [interval(one.resampled[score])]
        ]
        lead = paired_difference(found["Luthier"], one, "entity_f1", higher_is_better=True)
        cells.append("–" if name == "Luthier" else f"{lead.value:+.4f} [{lead.low:+.4f}, {lead.high:+.4f}]")
        lines.append(f"| {name} | " + " | ".join([*cells, f"{systems[name][1]:.0f}"]) + " |")
    for name, scores in report["baselines"].items():
        value = {score["name"]: f"{score['value']:.4f}" for score in scores}
        lines.append(f"| {name} | {value['entity_f1']} | {value['precision']} | {value['recall']} | – | – |")
    return "\n".join(lines)


def _trainer(
    task: Any, learnt: Sequence[Any], test: Sequence[Any], epochs: int, seed: int
) -> tuple[list[list[tuple[int, int, str]]], float]:
    """The entities that it finds in each test row, and its seconds."""
    import torch
    from transformers import AutoModelForTokenClassification, AutoTokenizer, DataCollatorForTokenClassification

    from luthier.models.find import embedded_folder

    torch.manual_seed(seed)
    folder = str(embedded_folder())
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_pretrained(folder, **task.head_options())
    collator = DataCollatorForTokenClassification(tokenizer)
    trainer, seconds = trainer_run(
        model, lambda: [_encoded(tokenizer, task, example) for example in learnt], collator, _BATCH, epochs, seed
    )
    judged: Any = [_encoded(tokenizer, task, example) for example in test]
    logits: Any = trainer.predict(judged).predictions
    said = [_read(task, example, row, best) for example, row, best in zip(test, judged, logits.argmax(-1), strict=True)]
    return said, seconds


def _words(passage: Any) -> list[tuple[int, int]]:
    from luthier.tagging.words import plain_words

    return [(int(start), int(end)) for start, end in plain_words(passage.text, passage.words)]


def _encoded(tokenizer: Any, task: Any, example: Any) -> dict[str, Any]:
    places = _words(example.input)
    tags = task.scheme.write(np.array(places), example.answer)
    forms = [example.input.text[start:end] for start, end in places]
    said = tokenizer(forms, is_split_into_words=True, truncation=True, max_length=_LENGTH)
    numbers = said.word_ids()
    labels = [
        -100 if n is None or n == before else int(tags[n]) for n, before in zip(numbers, [None, *numbers], strict=False)
    ]
    return {**said, "labels": labels, "word_of": [-1 if n is None else n for n in numbers]}


def _read(task: Any, example: Any, row: dict[str, Any], best: np.ndarray) -> list[tuple[int, int, str]]:
    """The entities by seqeval; a word that was cut off, or that no token stands for, has none."""
    from seqeval.metrics.sequence_labeling import get_entities

    places = _words(example.input)
    said = ["O"] * len(places)
    for tag, label, word in zip(best, row["labels"], row["word_of"], strict=False):
        if label != -100:
            said[word] = task.scheme.tags[tag]
    return [(places[first][0], places[last][1], label) for label, first, last in get_entities(said)]


if __name__ == "__main__":
    main()
