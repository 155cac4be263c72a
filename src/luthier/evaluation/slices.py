"""Where a model is good and where it is not: the same score on parts of the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.evaluation.evaluate import evaluate
from luthier.formats.format import classes_of
from luthier.language import t
from luthier.task import AnyTask
from luthier.text.scripts import text_language
from luthier.types import Example, Score

_FEWEST = 5
"""Rows: a score over fewer says nothing."""


@dataclass(frozen=True)
class Slice:
    """by: what the data were parted by (length, language, label). value: this part. scores: on its rows alone."""

    by: str
    value: str
    scores: tuple[Score, ...]

    def as_json(self) -> dict[str, Any]:
        return {"by": self.by, "value": self.value, "scores": [score.as_json() for score in self.scores]}


def slices(
    task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any], *, seed: int
) -> list[Slice]:
    """By length in thirds, by language where there are several, by label where there are labels."""
    return [
        Slice(by, value, _scores(task, examples, predictions, rows, seed))
        for (by, value), rows in slice_rows(task, examples).items()
    ]


def slice_rows(task: AnyTask, examples: Sequence[Example[Any, Any]]) -> dict[tuple[str, str], list[int]]:
    """Of each slice, as (by, value), the numbers of its rows."""
    texts = [task.format.plain_text(example.input) for example in examples]
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, (length, example) in enumerate(zip(_length_names(texts), examples, strict=True)):
        groups["length", length].append(i)
        groups["language", text_language(texts[i])].append(i)
        for name in classes_of(task.format.stratum(example.answer)):
            groups["label", str(name)].append(i)
    large = {key: rows for key, rows in sorted(groups.items()) if len(rows) >= _FEWEST}
    several = {by for by in ("length", "language", "label") if sum(key[0] == by for key in large) > 1}
    return {key: rows for key, rows in large.items() if key[0] in several}


def _length_names(texts: Sequence[str]) -> list[str]:
    """Of each text its third by characters, in words."""
    lengths = np.array([len(text) for text in texts])
    low, high = (int(x) for x in np.quantile(lengths, [1 / 3, 2 / 3]))
    names = (
        t("up to {n} characters", n=low),
        t("{low} to {high} characters", low=low + 1, high=high),
        t("over {n} characters", n=high),
    )
    return [names[0 if n <= low else 1 if n <= high else 2] for n in lengths]


def _scores(
    task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any], rows: Sequence[int], seed: int
) -> tuple[Score, ...]:
    answers = [examples[i].answer for i in rows]
    return evaluate(task, [predictions[i] for i in rows], answers, seed=seed, intervals=False).scores
