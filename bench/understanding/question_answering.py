"""python -m bench.understanding.question_answering TRAIN [TRAIN …] TEST [--rows N] [--test-rows N] [--epochs N]

Extractive question answering on files in SQuAD's JSON or JSON Lines: Luthier's defaults against the Trainer's, with the
embedded model. The Trainer runs as run_qa.py does: windows of 384 tokens with a stride of 128, its default learning
rate (5e-5, falling to 0) and a new head, batches of 12, the best of 20 starts and 20 ends up to 30 tokens apart, the
last epoch kept. Both learn from the same rows; a tenth of TRAIN is kept aside, by which Luthier chooses its epoch.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.understanding.runs import luthier_run
from luthier.errors import Place
from luthier.evaluation.evaluate import evaluate
from luthier.formats.questions import QuestionRows
from luthier.reading.open import open_data
from luthier.types import Example

_LENGTH, _STRIDE, _BATCH, _BEST, _LONGEST = 384, 128, 12, 20, 30
_FORMAT = QuestionRows()

Examples = Sequence[Example[Any, Any]]


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.understanding.question_answering", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="one or several to learn from, then the test file")
    parser.add_argument("--rows", type=int, help="so many questions of TRAIN, drawn by the seed")
    parser.add_argument("--test-rows", type=int, help="so many questions of TEST, drawn by the seed")
    parser.add_argument("--epochs", type=int, help="of both; without it as many as Luthier chooses")
    parser.add_argument("--model", default="auto", help="of both: a folder; without it the embedded model")
    parser.add_argument("--out", type=Path, help="keep Luthier's run here; a finished one is not run again")
    parser.add_argument("--no-trainer", action="store_true", help="only Luthier's run")
    parser.add_argument("--seed", type=int, default=42)
    words = parser.parse_args()
    train = drawn([row for file in words.files[:-1] for row in read(file)], words.rows, words.seed)
    test = drawn(read(words.files[-1]), words.test_rows, words.seed)
    aside = len(train) // 10
    with tempfile.TemporaryDirectory() as folder:
        parts = {"validation": train[:aside], "train": train[aside:], "test": test}
        files = {name: written(rows, Path(folder) / f"{name}.jsonl") for name, rows in parts.items()}
        run = words.out or Path(folder) / "run"
        settings = [f"data.{part}={file}" for part, file in files.items()]
        settings += ["task=question_answering"]
        settings += [f"model={words.model}"] if words.model != "auto" else []
        settings += [f"train.epochs={words.epochs}"] if words.epochs else []
        report = luthier_run(settings, words.seed, run)
        epochs = words.epochs or chosen_epochs(report)
        rows = [("Luthier, defaults", report["scores"], report["train_seconds"])]
        if not words.no_trainer:
            place = Path(folder) / "trainer"
            rows.append(("Trainer, run_qa", *trainer(parts["train"], test, words.model, epochs, words.seed, place)))
    print(f"{len(parts['train'])} questions, {epochs} epochs, tested on {len(test)}")
    print("| | F1 | exact match | training, s |\n| --- | --- | --- | --- |")
    rows += [(f"baseline {name}", found, None) for name, found in report["baselines"].items()]
    for name, found, took in rows:
        print(
            f"| {name} | {cell(found, 'f1')} | {cell(found, 'exact_match')} | {'–' if took is None else round(took)} |"
        )


def read(file: Path) -> list[Example[Any, Any]]:
    """Rows that cannot be read, such as those of CMRC whose offsets are wrong, are left out."""
    from luthier.config.schema import DataSettings
    from luthier.data.columns import find_columns
    from luthier.data.rows import parse_rows
    from luthier.preparing.rows import read_options

    table = open_data(str(file), read_options(DataSettings()))
    columns = find_columns(table.columns, _FORMAT.columns, {}, Place(str(file)), first=table.first)
    return [row for row in parse_rows(table.rows, _FORMAT.parse, columns) if isinstance(row, Example)]


def drawn(rows: list[Example[Any, Any]], count: int | None, seed: int) -> list[Example[Any, Any]]:
    order = np.random.default_rng(seed).permutation(len(rows))[:count]
    return [rows[i] for i in order]


def written(rows: Examples, file: Path) -> Path:
    lines = (json.dumps(_FORMAT.as_row(row.input, row.answer), ensure_ascii=False) for row in rows)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def cell(scores: Sequence[dict[str, Any]], name: str) -> str:
    score = next(score for score in scores if score["name"] == name)
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"


def chosen_epochs(report: dict[str, Any]) -> int:
    return next(int(choice["value"]) for choice in report["choices"] if choice["key"] == "train.epochs")


def trainer(
    train: Examples, test: Examples, model: str, epochs: int, seed: int, folder: Path
) -> tuple[list[dict[str, Any]], float]:
    """The scores on the test rows, by the same rules, and the seconds of training."""
    import torch
    from transformers import (
        AutoModelForQuestionAnswering,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    from luthier.models.find import embedded_folder
    from luthier.runtime import has_bf16

    source = str(embedded_folder()) if model == "auto" else model
    tokenizer = AutoTokenizer.from_pretrained(source)
    torch.manual_seed(seed)
    network = AutoModelForQuestionAnswering.from_pretrained(source)
    arguments = TrainingArguments(
        output_dir=str(folder), num_train_epochs=epochs, per_device_train_batch_size=_BATCH, seed=seed,
        save_strategy="no", report_to=[], disable_tqdm=True, bf16=has_bf16("cpu"),
        use_cpu=not torch.cuda.is_available(),
    )  # fmt: skip
    learnt: Any = features(train, tokenizer, with_answers=True)
    run = Trainer(network, arguments, DataCollatorWithPadding(tokenizer), train_dataset=learnt)
    begin = time.perf_counter()
    run.train()
    seconds = time.perf_counter() - begin
    asked: Any = features(test, tokenizer, with_answers=False)
    found: Any = run.predict(asked).predictions
    said = best_texts(test, asked, found[0], found[1])
    return scored(test, said), seconds


def features(examples: Examples, tokenizer: Any, *, with_answers: bool) -> list[dict[str, Any]]:
    """Windows as run_qa.py makes them, unpadded; where no answer is given, with their offsets."""
    made: list[dict[str, Any]] = []
    for number, example in enumerate(examples):
        encoded = tokenizer(
            example.input.question.lstrip(), example.input.context, truncation="only_second", max_length=_LENGTH,
            stride=_STRIDE, return_overflowing_tokens=True, return_offsets_mapping=True,
        )  # fmt: skip
        for i, offsets in enumerate(encoded["offset_mapping"]):
            window = {name: encoded[name][i] for name in tokenizer.model_input_names}
            places = [span if side == 1 else None for span, side in zip(offsets, encoded.sequence_ids(i), strict=True)]
            if with_answers:
                start, end = positions(places, example.answer)
                made.append({**window, "start_positions": start, "end_positions": end})
            else:
                made.append({**window, "example": number, "places": places})
    return made


def positions(places: Sequence[tuple[int, int] | None], answers: Any) -> tuple[int, int]:
    """The first answer's tokens; the first token where the window does not hold it whole."""
    inside = [i for i, span in enumerate(places) if span]
    if not answers or not inside:
        return 0, 0
    first, last = answers[0].start, answers[0].start + len(answers[0].text)
    spans = {i: places[i] or (0, 0) for i in inside}
    if spans[inside[0]][0] > first or spans[inside[-1]][1] < last:
        return 0, 0
    start = max(i for i in inside if spans[i][0] <= first)
    return start, max(start, min(i for i in inside if spans[i][1] >= last))


def best_texts(test: Examples, asked: Sequence[dict[str, Any]], starts: np.ndarray, ends: np.ndarray) -> list[str]:
    best: list[tuple[float, str]] = [(-np.inf, "")] * len(test)
    for window, start_T, end_T in zip(asked, starts, ends, strict=True):
        places, context = window["places"], test[window["example"]].input.context
        tokens = len(places)
        for s in np.argsort(-start_T[:tokens])[:_BEST].tolist():
            for e in np.argsort(-end_T[:tokens])[:_BEST].tolist():
                if places[s] and places[e] and s <= e < s + _LONGEST:
                    value = float(start_T[s] + end_T[e])
                    text = context[places[s][0] : places[e][1]]
                    best[window["example"]] = max(best[window["example"]], (value, text))
    return [text for _, text in best]


def scored(test: Examples, said: Sequence[str]) -> list[dict[str, Any]]:
    from luthier.answering.reading import given
    from luthier.tasks.question_answering import QuestionAnswering
    from luthier.text.scripts import is_spaced, text_language

    task = QuestionAnswering()
    readings = [
        given(text, (0, len(text)), not is_spaced(text_language(row.input.context)), "")
        for text, row in zip(said, test, strict=True)
    ]
    report = evaluate(task, readings, [row.answer for row in test], seed=0)
    return [score.as_json() for score in report.scores]


if __name__ == "__main__":
    main()
