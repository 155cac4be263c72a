"""Where a model is good and where it is not: the same score on parts of the data."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from luthier.evaluation.elsewhere.contrast import Contrast, against_rest, holm
from luthier.evaluation.evaluate import evaluate
from luthier.formats.format import classes_of
from luthier.language import t
from luthier.task import AnyTask
from luthier.text.scripts import text_language
from luthier.types import Example, Score

_FEWEST = 5
"""Rows: a score over fewer says nothing."""
_MOST_VALUES = 20
"""Of a column: rarer ones are put together; numbers are parted in thirds."""

Examples = Sequence[Example[Any, Any]]
RareShare = Callable[[str], float]


@dataclass(frozen=True)
class Slice:
    """by: what the data were parted by (length, language, rare_words, label, or a column). value: this part. scores: on
    its rows alone. rest: against all other rows; None where that was not asked for, or there are none."""

    by: str
    value: str
    scores: tuple[Score, ...]
    rest: Contrast | None = None

    @property
    def rows(self) -> int:
        return max(score.n for score in self.scores)

    def as_json(self) -> dict[str, Any]:
        return {
            "by": self.by,
            "value": self.value,
            "n": self.rows,
            "scores": [score.as_json() for score in self.scores],
            "rest": self.rest.as_json() if self.rest else None,
        }


def slices(
    task: AnyTask, examples: Examples, predictions: Sequence[Any], *, seed: int, columns: Sequence[str] = (),
    rare: RareShare | None = None, compared: bool = False,
) -> list[Slice]:  # fmt: skip
    """By length in thirds, by language where there are several, by label where there are labels, by columns, whose
    cells are what the examples are marked with, and by words that were rare in training, where `rare` tells their
    share.

    compared: with intervals, and each part against the rest by the accuracy, where there is one, else the main score;
    whether they differ is told by Holm's method over all parts (Holm 1979).
    """
    found: list[Slice] = []
    compare = against_rest(task, examples, predictions, seed) if compared else None
    for (by, value), rows in slice_rows(task, examples, columns, rare).items():
        scores = _scores(task, examples, predictions, rows, seed, compared)
        found.append(Slice(by, value, scores, compare(rows) if compare else None))
    adjusted = holm([part.rest.chance for part in found if part.rest])
    chances = iter(adjusted)
    return [replace(part, rest=replace(part.rest, adjusted=next(chances))) if part.rest else part for part in found]


def slice_rows(
    task: AnyTask, examples: Examples, columns: Sequence[str] = (), rare: RareShare | None = None
) -> dict[tuple[str, str], list[int]]:
    """Of each slice, as (by, value), the numbers of its rows. Columns that are asked for are kept where all cells are
    alike, too."""
    groups = _groups(task, examples, columns, rare)
    large = {key: rows for key, rows in groups.items() if len(rows) >= _FEWEST}
    parts: Counter[str] = Counter(by for by, _ in large)
    return {key: rows for key, rows in large.items() if parts[key[0]] > 1 or key[0] in columns}


def _groups(
    task: AnyTask, examples: Examples, columns: Sequence[str], rare: RareShare | None
) -> Mapping[tuple[str, str], list[int]]:
    """Numbers of rows by what they are parted by and which part they are in."""
    texts = [task.format.plain_text(example.input) for example in examples]
    lengths = [len(text) for text in texts]
    names: dict[str, Sequence[Sequence[str]]] = {
        "length": [[name] for name in _length_names(lengths)],
        "language": [[text_language(text)] for text in texts],
    }
    order: dict[str, Sequence[float]] = {"length": lengths}
    if rare is not None:
        order["rare_words"] = [rare(text) for text in texts]
        names["rare_words"] = [[name] for name in _rare_names(order["rare_words"])]
    names["label"] = [list(map(str, classes_of(task.format.stratum(example.answer)))) for example in examples]
    for column in columns:
        names[column] = [[name] for name in _column_names([example.mark[column] for example in examples])]
    groups: dict[tuple[str, str], list[int]] = {}
    for by, of_rows in names.items():
        own: dict[str, list[int]] = defaultdict(list)
        for i, values in enumerate(of_rows):
            for value in values:
                own[value].append(i)
        least = {value: min(order[by][i] for i in rows) for value, rows in own.items()} if by in order else {}
        groups |= {(by, value): own[value] for value in sorted(own, key=lambda value: (least.get(value, 0), value))}
    return groups


def _length_names(lengths: Sequence[int]) -> list[str]:
    """Of each text its third by characters, in words."""
    low, high = (int(x) for x in np.quantile(lengths, [1 / 3, 2 / 3]))
    names = (
        t("up to {n} characters", n=low),
        t("{low} to {high} characters", low=low + 1, high=high),
        t("over {n} characters", n=high),
    )
    return [names[0 if n <= low else 1 if n <= high else 2] for n in lengths]


def _rare_names(shares: Sequence[float]) -> list[str]:
    """Of each text whether its words were met in training, in words; those that have rare ones in halves."""
    with_some = [share for share in shares if share > 0]
    middle = float(np.median(with_some)) if with_some else 0.0
    names = (
        t("no word rare in training"),
        t("up to {share:.0%} of the words rare in training", share=middle),
        t("over {share:.0%} of the words rare in training", share=middle),
    )
    return [names[0 if share == 0 else 1 if share <= middle else 2] for share in shares]


def _column_names(cells: Sequence[Any]) -> list[str]:
    """Of each row the part that its cell belongs to."""
    written = ["" if cell is None else str(cell).strip() for cell in cells]
    counts = Counter(written)
    if len(counts) <= _MOST_VALUES:
        return [name or t("(empty)") for name in written]
    numbers = _as_numbers(written)
    if numbers is None:
        kept = {name for name, _ in counts.most_common(_MOST_VALUES)}
        return [(name or t("(empty)")) if name in kept else t("(others)") for name in written]
    known = numbers[~np.isnan(numbers)]
    low, high = np.quantile(known, [1 / 3, 2 / 3])
    names = (
        t("up to {n:g}", n=low),
        t("over {low:g}, up to {high:g}", low=low, high=high),
        t("over {n:g}", n=high),
        t("(empty)"),
    )
    return [names[3 if np.isnan(n) else 0 if n <= low else 1 if n <= high else 2] for n in numbers]


def _as_numbers(cells: Sequence[str]) -> np.ndarray | None:
    """NaN for an empty cell; None where a cell is no number."""
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return None


def _scores(
    task: AnyTask, examples: Examples, predictions: Sequence[Any], rows: Sequence[int], seed: int, intervals: bool
) -> tuple[Score, ...]:
    answers = [examples[i].answer for i in rows]
    return evaluate(task, [predictions[i] for i in rows], answers, seed=seed, intervals=intervals).scores
