"""python -m bench.understanding.fusion FOLDER [--rows N] [--test N] [--epochs N] [--tune-encoder] [--fusion NAME]

Does an image beside a question help? FOLDER is a copy of easy-VQA (github.com/vzhou842/easy-VQA, its easy_vqa/data):
questions about drawings of one coloured shape. As no pretrained image encoder can be had offline, a small ConvNeXt is
made first: it learns to draw the training images again, patch by patch, from its last map, and sees no question.

Trained on the same rows, one after the other: Luthier with both, whose report also has the tuned model with either
part taken away and the linear baselines; and what tutorials build, [CLS] of the same text model beside the mean of the
same encoder under a linear layer, by Hugging Face's Trainer with its default learning rate and schedule: with both,
and with one of the two alone from the beginning. Prints a table with 95 % intervals and seconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

SIZE, BATCH = 64, 32
Result = tuple[float, float, float, float]
"""Accuracy, the ends of its interval, seconds."""


def main() -> None:
    words = _parser().parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("train", "test"):  # files are named relative to the table, and must lie beside it
            (folder / f"{part}_images").symlink_to((words.folder / part / "images").absolute())
        train = _rows(words.folder, "train", words.rows)
        test = _rows(words.folder, "test", words.test)
        begin = time.perf_counter()
        encoder = draw_again(folder, sorted({row[1] for row in train}), words.drawing_epochs)
        print(f"encoder made in {time.perf_counter() - begin:.0f} s", flush=True)
        print(f"{len(train)} training rows, {len(test)} test rows, {words.epochs} epochs\n")
        print("| | accuracy | 95 % interval | seconds |\n| --- | ---: | ---: | ---: |")
        for title, result in luthier(folder, train, test, encoder, words).items():
            _tell(title, result)
        for what in ("question + image", "question alone", "image alone"):
            _tell(f"Trainer, {what}", trainer(folder, what, train, test, encoder, words.epochs))


def _tell(title: str, result: Result) -> None:
    value, low, high, seconds = result
    print(f"| {title} | {value:.3f} | {low:.3f} – {high:.3f} | {f'{seconds:.0f}' if seconds else ''} |", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.understanding.fusion", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--test", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--drawing-epochs", type=int, default=6)
    parser.add_argument("--tune-encoder", action="store_true")
    parser.add_argument("--fusion", default="attention")
    return parser


def _rows(data: Path, part: str, count: int) -> list[tuple[str, str, str]]:
    """Question, image, answer of randomly drawn rows, the same for the same count."""
    asked = json.loads((data / part / "questions.json").read_text(encoding="utf-8"))
    drawn = random.Random(0).sample(asked, min(count, len(asked)))
    return [(question, f"{part}_images/{number}.png", answer) for question, answer, number in drawn]


def draw_again(folder: Path, images: list[str], epochs: int) -> Path:
    """A ConvNeXt that was trained as an autoencoder; the folder of a model as any other."""
    from transformers import ConvNextConfig, ConvNextModel
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    from luthier.media.images import read_image

    torch.manual_seed(0)
    config = ConvNextConfig(
        hidden_sizes=[32, 64, 128], depths=[1, 1, 1], num_stages=3, patch_size=4, image_size=SIZE,
        layer_scale_init_value=1.0,
    )  # fmt: skip
    model = ConvNextModel(config)
    pixels = np.stack([read_image((folder / name).read_bytes()) for name in images])
    images_BCHW = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    places = SIZE // 16
    decode = nn.Linear(128, 3 * 16 * 16)
    optimiser = torch.optim.AdamW([*model.parameters(), *decode.parameters()], lr=1e-3)
    loss = torch.zeros(())
    for _ in range(epochs):
        for rows in torch.randperm(len(images_BCHW)).split(BATCH):
            given = images_BCHW[rows]
            patches = given.unfold(2, 16, 16).unfold(3, 16, 16).permute(0, 2, 3, 1, 4, 5).reshape(-1, places**2, 768)
            said = decode(model(pixel_values=given).last_hidden_state.flatten(2).transpose(1, 2))
            loss = (said - patches).square().mean()
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
    print(f"drawn again with a squared error of {loss.item():.4f}", flush=True)
    model.save_pretrained(folder / "encoder")
    ViTImageProcessorPil(size={"height": SIZE, "width": SIZE}).save_pretrained(folder / "encoder")
    return folder / "encoder"


def luthier(folder: Path, train: Any, test: Any, encoder: Path, words: argparse.Namespace) -> dict[str, Result]:
    """The tuned model with everything and with parts taken away, and its baselines."""
    import luthier as package

    for part, rows in (("train", train), ("test", test)):
        with (folder / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "image", "label"), *rows])
    options = {"encoder": str(encoder), "fusion": words.fusion, "tune_encoder": words.tune_encoder}
    begin = time.perf_counter()
    run = package.train(
        folder / "train.csv", task={"name": "fusion", **options}, train={"epochs": words.epochs},
        out=str(folder / "run"), data={"test": str(folder / "test.csv"), "split": {"validation": 0.05}},
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    found = {"Luthier, question + image": run.report["scores"]}
    found |= {f"the same model, {one['part']} alone": one["scores"] for one in run.report["parts"]["alone"]}
    found |= {f"baseline {name}": scores for name, scores in run.report["baselines"].items()}
    return {title: _accuracy(scores, seconds if title.startswith("Luthier") else 0) for title, scores in found.items()}


def _accuracy(scores: Any, seconds: float) -> Result:
    (one,) = (score for score in scores if score["name"] == "accuracy")
    return one["value"], one["low"], one["high"], seconds


class Plain(nn.Module):
    """What tutorials build: two vectors beside each other under a linear layer, both encoders learning."""

    def __init__(self, text: Any, image: Any, classes: int, what: str) -> None:
        super().__init__()
        self.text, self.image = text, image
        self.reads, self.looks = what != "image alone", what != "question alone"
        self.head = nn.Linear(text.config.hidden_size + 128, classes)

    def forward(self, input_ids: Any, attention_mask: Any, pixel_values: Any, labels: Any = None) -> Any:
        text = self.text(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[:, 0]
        image = self.image(pixel_values=pixel_values).last_hidden_state.mean((2, 3))
        logits = self.head(torch.cat([text * self.reads, image * self.looks], 1))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}


def trainer(folder: Path, what: str, train: Any, test: Any, encoder: Path, epochs: int) -> Result:
    """With Trainer's own learning rate (5e-5), schedule and optimiser."""
    from transformers import AutoModel, AutoTokenizer, Trainer, TrainingArguments

    from luthier.media.images import read_image
    from luthier.models.find import embedded_folder

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(str(embedded_folder()))
    labels = sorted({row[2] for row in train})
    cache: dict[str, Any] = {}

    def pixels(name: str) -> Any:
        if name not in cache:
            cache[name] = torch.from_numpy(read_image((folder / name).read_bytes())).permute(2, 0, 1) / 127.5 - 1
        return cache[name]

    def collate(rows: Any) -> dict[str, Any]:
        encoded = tokenizer([row[0] for row in rows], padding=True, return_tensors="pt")
        numbers = torch.tensor([labels.index(row[2]) if row[2] in labels else 0 for row in rows])
        images = torch.stack([pixels(row[1]) for row in rows]).float()
        return {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"],
                "pixel_values": images, "labels": numbers}  # fmt: skip

    begin = time.perf_counter()
    text, image = AutoModel.from_pretrained(str(embedded_folder())), AutoModel.from_pretrained(str(encoder))
    model = Plain(text, image, len(labels), what)
    arguments = TrainingArguments(
        str(folder / "trainer"), per_device_train_batch_size=BATCH, num_train_epochs=epochs, report_to="none",
        save_strategy="no", disable_tqdm=True, remove_unused_columns=False, logging_steps=1000, bf16=True,
    )  # fmt: skip
    Trainer(model, arguments, train_dataset=train, data_collator=collate).train()
    model.eval()
    right: list[bool] = []
    with torch.inference_mode():
        for start in range(0, len(test), 64):
            batch = collate(test[start : start + 64])
            batch.pop("labels")
            said = model(**batch)["logits"].argmax(-1).tolist()
            right += [labels[i] == row[2] for i, row in zip(said, test[start : start + 64], strict=True)]
    seconds = time.perf_counter() - begin
    draws = np.random.default_rng(42).integers(0, len(right), (1000, len(right)))
    low, high = np.quantile(np.array(right)[draws].mean(1), [0.025, 0.975])
    return float(np.mean(right)), float(low), float(high), seconds


if __name__ == "__main__":
    main()
