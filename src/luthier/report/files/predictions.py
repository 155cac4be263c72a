"""Predictions as files: CSV for people, JSON Lines for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from luthier.files import whole_file
from luthier.task import AnyTask
from luthier.types import Example

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """Free text that a spreadsheet would take for a formula gets a leading apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_cell(value: Any) -> Any:
    """Lists and objects as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, tuple, dict)) else value


def write_predictions(
    path: Path, task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any],
    folds: Sequence[int] = (),
) -> None:  # fmt: skip
    """A line an example: where it stands, its text, the answer, and what the model says, under the names of §4.

    folds: of each example the fold that tested it, where there are folds."""
    shown = [task.show(prediction) for prediction in predictions]
    named = dict.fromkeys(name for said in shown if isinstance(said, dict) for name in said)
    fields = list(named) or ["prediction"]
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        right = "answers" if "answer" in fields else "answer"
        writer.writerow(["line", "text", right, *fields, *(["fold"] if folds else [])])
        for i, (example, said) in enumerate(zip(examples, shown, strict=True)):
            values = [as_cell(said.get(name, "")) for name in fields] if isinstance(said, dict) else [as_cell(said)]
            text = safe_cell(task.format.plain_text(example.input))
            writer.writerow(
                [example.place.line, text, as_cell(task.show_answer(example.answer)), *values, *folds[i : i + 1]]
            )
