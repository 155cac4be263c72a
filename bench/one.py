"""One system, one run, in a process of its own: python one.py SYSTEM TRAIN TEST LABEL EPOCHS SEED SHARE

Prints a line of JSON: tokens_per_second (real tokens), real_to_padded, accuracy (NaN where SHARE < 1).
"""

from __future__ import annotations

import csv
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

BATCH, RATE, LENGTH = 32, 9.7e-5, 128


def main() -> None:
    system, train, test, label, epochs, seed, share = sys.argv[1:]
    rows, judged = _read(Path(train), label), _read(Path(test), label)
    labels = sorted({name for _, name in rows + judged})
    if float(share) < 1:  # only the speed is asked for
        keep = np.random.default_rng(int(seed)).permutation(len(rows))[: max(5 * BATCH, int(len(rows) * float(share)))]
        rows, judged = [rows[i] for i in keep], []
    run = {"luthier": luthier, "textbook": textbook, "trainer_default": trainer, "trainer_tuned": trainer}[system]
    print(json.dumps(run(system, rows, judged, labels, int(epochs), int(seed))))


def _read(path: Path, label: str) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row[label]) for row in csv.DictReader(file)]


def _model(labels: list[str], seed: int) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, logging
    from transformers.utils import logging as bars

    from luthier.models.find import embedded_folder

    logging.set_verbosity_error()
    bars.disable_progress_bar()
    torch.manual_seed(seed)
    folder = str(embedded_folder())
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(labels))
    return model, AutoTokenizer.from_pretrained(folder)


def luthier(_: str, rows: Any, judged: Any, labels: list[str], epochs: int, seed: int) -> dict[str, float]:
    """What `luthier train` does between tokenising and the test, with the same batch, rate and epochs as the others
    and a head that begins at random like theirs."""
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
    from luthier.tuning.methods import full
    from luthier.types import Example

    task = Classification(labels=tuple(labels), label_smoothing=0.0)
    tokenizer = load_tokenizer(embedded_folder())
    codec = Codec(task, TextRule(tokenizer.backend, LENGTH, tokenizer.pad_id, has_segments=True))
    loaded = load_model(embedded_folder(), task.auto_class, task.head_options(), seed=seed, device="cpu")
    windows = codec.encode_labelled([Example(text, label) for text, label in rows])
    how = Training(
        epochs=epochs, batch_size=BATCH, max_tokens=4096, learning_rate=RATE, warmup=0.1, weight_decay=0.01,
        max_grad_norm=1.0, optimiser="adamw", schedule="linear", save_every=10**9, keep=1, patience=0, seed=seed,
    )  # fmt: skip
    with open_runtime() as runtime, tempfile.TemporaryDirectory() as folder:
        tuned = full(loaded.model)
        done = fit(
            tuned, codec, windows, [], how, folder=Path(folder), facts={}, runtime=runtime, screen=SILENT
        ).progress
        said = predict(tuned.model, codec, [text for text, _ in judged], device="cpu", max_tokens=4096)
    right = [task.labels[int(p.argmax())] == label for p, (_, label) in zip(said, judged, strict=True)]
    return _result(done.tokens, done.seconds, done.tokens / done.padded, float(np.mean(right)) if right else math.nan)


def textbook(_: str, rows: Any, judged: Any, labels: list[str], epochs: int, seed: int) -> dict[str, float]:
    """The loop of the tutorials: every text padded to 128, fp32, AdamW, linear decay with warm-up."""
    from torch.utils.data import DataLoader, TensorDataset

    model, tokenizer = _model(labels, seed)
    encoded = tokenizer(
        [t for t, _ in rows], padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt"
    )
    targets = torch.tensor([labels.index(name) for _, name in rows])
    loader = DataLoader(TensorDataset(encoded["input_ids"], encoded["attention_mask"], targets), BATCH, shuffle=True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    total = epochs * len(loader)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min((s + 1) / (0.1 * total + 1), 1) * (1 - s / total)
    )
    model.train()
    real = padded = 0
    begin = time.perf_counter()
    for _epoch in range(epochs):
        for ids, mask, target in loader:
            optimiser.zero_grad()
            model(input_ids=ids, attention_mask=mask, labels=target).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            real, padded = real + int(mask.sum()), padded + mask.numel()
    seconds = time.perf_counter() - begin
    return _result(real, seconds, real / padded, accuracy(model, tokenizer, judged, labels))


def trainer(system: str, rows: Any, judged: Any, labels: list[str], epochs: int, seed: int) -> dict[str, float]:
    """Hugging Face's Trainer: as its text-classification example runs it, or with everything that makes it faster."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments, default_data_collator

    model, tokenizer = _model(labels, seed)
    tuned = system == "trainer_tuned"
    encoded = tokenizer(
        [t for t, _ in rows], padding=False if tuned else "max_length", truncation=True, max_length=LENGTH
    )
    data: Any = [
        {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds, "labels": labels.index(name)}
        for ids, mask, kinds, (_, name) in zip(
            encoded["input_ids"], encoded["attention_mask"], encoded["token_type_ids"], rows, strict=True
        )
    ]
    faster = {"bf16": True, "train_sampling_strategy": "group_by_length", "optim": "adamw_torch_fused"} if tuned else {}
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, per_device_train_batch_size=BATCH, learning_rate=RATE, num_train_epochs=epochs, warmup_steps=0.1,
            weight_decay=0.01, seed=seed, report_to="none", save_strategy="no", logging_steps=500, use_cpu=True,
            disable_tqdm=True, **faster,
        )  # fmt: skip
        collator = DataCollatorWithPadding(tokenizer) if tuned else default_data_collator
        counted = _Counted(collator)
        runner = Trainer(model, arguments, train_dataset=data, data_collator=counted)
        begin = time.perf_counter()
        runner.train()
        seconds = time.perf_counter() - begin
    return _result(counted.real, seconds, counted.real / counted.padded, accuracy(model, tokenizer, judged, labels))


class _Counted:
    """A collator that counts what passes."""

    def __init__(self, collator: Any) -> None:
        self._collator, self.real, self.padded = collator, 0, 0

    def __call__(self, items: Any) -> Any:
        batch = self._collator(items)
        self.real += int(batch["attention_mask"].sum())
        self.padded += batch["attention_mask"].numel()
        return batch


def accuracy(model: Any, tokenizer: Any, judged: Any, labels: list[str]) -> float:
    """The share of the judged (text, label) pairs that a model of transformers' tells right."""
    model.eval()
    right = 0
    order = sorted(judged, key=lambda row: len(row[0]))
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            part = order[start : start + 64]
            batch = tokenizer(
                [t for t, _ in part], padding=True, truncation=True, max_length=LENGTH, return_tensors="pt"
            )
            said = model(**batch).logits.argmax(-1).tolist()
            right += sum(labels[i] == name for i, (_, name) in zip(said, part, strict=True))
    return right / len(judged) if judged else math.nan


def _result(tokens: int, seconds: float, share: float, accuracy: float) -> dict[str, float]:
    assert math.isfinite(seconds)
    return {"tokens_per_second": tokens / seconds, "real_to_padded": share, "accuracy": accuracy}


if __name__ == "__main__":
    main()
