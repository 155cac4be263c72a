"""A file of labelled text with the embedded model's frozen features: what the cheap benchmarks learn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from luthier.choosing.features import Vectors, features_for
from luthier.config.schema import Settings
from luthier.data.columns import find_columns
from luthier.data.rows import parse_rows
from luthier.errors import Place
from luthier.models.find import EMBEDDED
from luthier.progress import SILENT
from luthier.reading.read import open_table
from luthier.tasks.classification import Classification
from luthier.types import Example


@dataclass(frozen=True)
class Data:
    """examples: shuffled, each input once. vectors: the scaled frozen features of each, [N, D]."""

    task: Classification
    examples: list[Example]
    vectors_ND: np.ndarray


def read_data(path: Path, text: str, label: str, seed: int = 0) -> Data:
    table = open_table(path)
    task = Classification()
    columns = find_columns(table.columns, task.format.columns, {"text": text, "label": label}, Place(str(path)))
    rows = [row for row in parse_rows(table.rows, task.format.parse, columns) if isinstance(row, Example)]
    unique = list({row.input: row for row in rows}.values())
    examples = [unique[i] for i in np.random.default_rng(seed).permutation(len(unique))]
    task = task.learn(examples)
    features = features_for(Settings(model=EMBEDDED), task, examples, "en", SILENT)
    assert isinstance(features, Vectors)
    return Data(task, examples, features.vectors_ND)
