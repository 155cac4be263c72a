"""python -m bench.choosing.frozen [TRAIN] [--label NAME] [--rows N] [--epochs N] [--methods head,last_layers]

Training with most of the model frozen: Luthier, which runs the frozen layers once, against Hugging Face's Trainer with
the same weights frozen and everything on that makes it faster (dynamic padding, grouping by length, bf16, fused AdamW).
Both train the embedded model with the same batch, rate and epochs, from a head that begins at random, one after the
other in one process, with one thread and an empty cache. The time is that of training alone, filling the cache
included, and is processor time, which a busy neighbour changes little. TRAIN has the columns text and label; a fifth
of the rows judges. With no file it takes the embedded tickets.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.one import accuracy

BATCH, LENGTH = 32, 128
RATES = {"head": 1e-3, "last_layers": 1e-4}
OPTIONS: dict[str, dict[str, int]] = {"last_layers": {"n": 2}}


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.choosing.frozen", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("train", nargs="?", type=Path)
    parser.add_argument("--label", default="label")
    parser.add_argument("--rows", type=int, default=10**9, help="of the file that are taken")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--methods", default="head,last_layers")
    words = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    rows = _read(words.train, words.label)[: words.rows]
    rows, judged = rows[len(rows) // 5 :], rows[: len(rows) // 5]
    print(
        f"{len(rows)} rows, {words.epochs} epochs, batch {BATCH}; {len(judged)} rows judge; torch {torch.__version__}"
    )
    print("| frozen but | system | processor seconds of training | real tokens/s | accuracy | faster by |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for method in words.methods.split(","):
        peer = trainer(method, rows, judged, words.epochs)
        own = luthier(method, rows, judged, words.epochs)
        _print(method, "Trainer, tuned", peer, 1.0)
        _print(method, "Luthier", own, peer["seconds"] / own["seconds"])


def _print(method: str, system: str, row: dict[str, float], times: float) -> None:
    cells = [
        method,
        system,
        f"{row['seconds']:.1f}",
        f"{row['tokens'] / row['seconds']:,.0f}",
        f"{row['accuracy']:.3f}",
    ]
    print("| " + " | ".join([*cells, f"{times:.1f}×"]) + " |", flush=True)


def _read(path: Path | None, label: str) -> list[tuple[str, str]]:
    """Shuffled, always alike."""
    import numpy as np

    if path is None:
        from luthier.demo import TRAINING_FILE, write_demo_data

        path, label = next(p for p in write_demo_data(Path(tempfile.mkdtemp())) if p.name == TRAINING_FILE), "intent"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row[label]) for row in csv.DictReader(file) if row["text"] and row[label]]
    return [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]


def luthier(method: str, rows: Any, judged: Any, epochs: int) -> dict[str, float]:
    from luthier import catalog
    from luthier.codec import Codec
    from luthier.fit import fit
    from luthier.inference.predict import predict
    from luthier.models.find import embedded_folder
    from luthier.models.load import load_model, load_tokenizer
    from luthier.progress import SILENT
    from luthier.runtime import open_runtime
    from luthier.tasks.classification import Classification
    from luthier.text.tokenizer import TextRule
    from luthier.training.how import Training
    from luthier.types import Example

    labels = sorted({label for _, label in rows + judged})
    task, tokenizer = Classification(labels=tuple(labels), label_smoothing=0.0), load_tokenizer(embedded_folder())
    codec = Codec(task, TextRule(tokenizer.backend, LENGTH, tokenizer.pad_id, has_segments=True))
    loaded = load_model(embedded_folder(), task.auto_class, task.head_options(), seed=0, device="cpu")
    tuned = catalog.tuning_method(method)(loaded.model, **OPTIONS.get(method, {}), **_undecayed(method))
    windows = codec.encode_labelled([Example(text, label) for text, label in rows])
    how = Training(
        epochs=epochs, batch_size=BATCH, max_tokens=4096, learning_rate=RATES[method], warmup=0.1, weight_decay=0.01,
        max_grad_norm=1.0, optimiser="adamw", schedule="linear", save_every=10**9, keep=1, patience=0, seed=0,
        cache_bytes=2**34,
    )  # fmt: skip
    with open_runtime() as runtime, tempfile.TemporaryDirectory() as folder:
        os.environ["LUTHIER_CACHE"] = f"{folder}/cache"
        begin = time.process_time()
        done = fit(tuned, codec, windows, [], how, folder=Path(folder), facts={}, runtime=runtime, screen=SILENT)
        seconds = time.process_time() - begin
        said = predict(tuned.model, codec, [text for text, _ in judged], device="cpu", max_tokens=4096)
    right = [task.labels[int(p.argmax())] == label for p, (_, label) in zip(said, judged, strict=True)]
    return {"seconds": seconds, "tokens": done.progress.tokens, "accuracy": sum(right) / len(right)}


def _undecayed(method: str) -> dict[str, float]:
    """The Trainer has one rate for all layers."""
    return {"layer_decay": 1.0} if method == "last_layers" else {}


def trainer(method: str, rows: Any, judged: Any, epochs: int) -> dict[str, float]:
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        TrainingArguments,
        logging,
    )
    from transformers import Trainer as Runner

    from luthier import catalog
    from luthier.models.find import embedded_folder

    logging.set_verbosity_error()
    labels = sorted({label for _, label in rows + judged})
    torch.manual_seed(0)
    folder = str(embedded_folder())
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(labels))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    catalog.tuning_method(method)(model, **OPTIONS.get(method, {}))  # freezes the same weights
    encoded = tokenizer([text for text, _ in rows], truncation=True, max_length=LENGTH)
    data: Any = [
        {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds, "labels": labels.index(label)}
        for ids, mask, kinds, (_, label) in zip(
            encoded["input_ids"], encoded["attention_mask"], encoded["token_type_ids"], rows, strict=True
        )
    ]
    with tempfile.TemporaryDirectory() as place:
        arguments = TrainingArguments(
            place, per_device_train_batch_size=BATCH, learning_rate=RATES[method], num_train_epochs=epochs,
            warmup_steps=0.1, weight_decay=0.01, seed=0, report_to="none", save_strategy="no", logging_steps=500,
            use_cpu=True, disable_tqdm=True, bf16=True, train_sampling_strategy="group_by_length",
            optim="adamw_torch_fused",
        )  # fmt: skip
        runner = Runner(model, arguments, train_dataset=data, data_collator=DataCollatorWithPadding(tokenizer))
        begin = time.process_time()
        runner.train()
        seconds = time.process_time() - begin
    tokens = epochs * sum(len(ids) for ids in encoded["input_ids"])
    return {"seconds": seconds, "tokens": tokens, "accuracy": accuracy(model, tokenizer, judged, labels)}


if __name__ == "__main__":
    main()
