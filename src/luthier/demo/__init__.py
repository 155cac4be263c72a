"""The embedded data: customer-support tickets and dialogues, and some general text, written for this project (see
CARD.md)."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from luthier.files import write_text

FILES = (
    "tickets_en.csv", "tickets_en.jsonl", "tickets_zh.csv", "tickets_zh.jsonl", "dialogues_en.jsonl",
    "dialogues_zh.jsonl", "general_en.txt", "general_zh.txt", "CARD.md",
)  # fmt: skip
TRAINING_FILE = "tickets_en.csv"


def write_demo_data(folder: Path) -> list[Path]:
    """Copies the embedded files into a folder, where they are not already, and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name in FILES:
        path = folder / name
        text = (files("luthier.demo") / name).read_text(encoding="utf-8")
        if not path.exists():
            write_text(path, text)
        paths.append(path)
    return paths
