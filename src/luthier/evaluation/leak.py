"""What a leak is worth: rows that are tested and were learnt from, or nearly so, and how much they flatter a score.

The same test rows are scored twice by a cheap baseline, once with their copies in training and once without. To drop
the leaking rows from the test instead would compare other rows: in spam, copies are mostly of the rarer, harder class,
and the score would rise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.evaluation.baselines import tfidf
from luthier.evaluation.evaluate import evaluate
from luthier.language import t
from luthier.splitting.split import looks_near
from luthier.task import AnyTask
from luthier.text.near import clusters, near_duplicates
from luthier.types import Example

MOST_SCORED = 20_000
"""Rows: with more the copies are counted and nothing is fitted, which would take minutes."""

Examples = Sequence[Example[Any, Any]]


@dataclass(frozen=True)
class Leak:
    """leaked: of the test rows which, in their order, stand in training too or differ from a row there in little more
    than a word. avoided: whether this would be so with a plain random split and is not with ours. metric: what the
    TF-IDF baseline reaches on all test rows with their copies in training (`value`) and after these were taken out
    (`without`), and on the test rows that do not leak (`others`); None where that was not worked out.
    """

    leaked: np.ndarray
    avoided: bool
    metric: str = "accuracy"
    value: float | None = None
    without: float | None = None
    others: float | None = None

    @property
    def count(self) -> int:
        return int(self.leaked.sum())

    @property
    def sentence(self) -> str:
        numbers = {"count": self.count, "all": len(self.leaked)}
        if self.avoided:
            what = t("with a plain random split {count} of {all} test rows would stand in training too, or nearly so",
                     **numbers)  # fmt: skip
        else:
            what = t("{count} of {all} test rows stand in training too, or nearly so", **numbers)
        if self.value is None or self.without is None:
            return what
        return what + ": " + t("TF-IDF reaches {metric} {value:.3f} so, {without:.3f} when their copies are taken out "
                               "of training", metric=self.metric, value=self.value, without=self.without)  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        return {
            "avoided": self.avoided,
            "leaked": self.count,
            "tested": len(self.leaked),
            "baseline": "tfidf",
            "metric": self.metric,
            "with": self.value,
            "without": self.without,
            "others": self.others,
            "sentence": self.sentence,
        }


def leak_avoided(task: AnyTask, examples: Examples, share: float, seed: int, *, near: bool) -> Leak | None:
    """What a plain random split with this share of test rows would have let through; None for nothing.

    task: that has learned its labels. examples: of all parts. near: whether near-duplicates count, not only equal rows.
    """
    from sklearn.model_selection import train_test_split

    if len(examples) < 3:
        return None
    train, test = train_test_split(np.arange(len(examples)), test_size=share, random_state=seed)
    return _worth(task, [examples[i] for i in train], [examples[i] for i in test], seed, avoided=True, near=near)


def leak_present(task: AnyTask, train: Examples, test: Examples, seed: int) -> Leak | None:
    """What a split that was given, or follows time, lets through; None for nothing."""
    near = looks_near([*train, *test], task.format, None)
    return _worth(task, train, test, seed, avoided=False, near=near)


def _worth(task: AnyTask, train: Examples, test: Examples, seed: int, *, avoided: bool, near: bool) -> Leak | None:
    cluster = _clusters(task, [*train, *test], near)
    of_train, of_test = cluster[: len(train)], cluster[len(train) :]
    leaked = np.isin(of_test, of_train)
    if not leaked.any():
        return None
    clean = [example for example, c in zip(train, np.isin(of_train, of_test), strict=True) if not c]
    others = np.flatnonzero(~leaked)
    if len(train) + len(test) > MOST_SCORED or not _can_teach(task, clean):
        return Leak(leaked, avoided)
    said = tfidf(task, train, (), test, seed).predictions
    metric, value = _scored(task, said, test, range(len(test)))
    _, without = _scored(task, tfidf(task, clean, (), test, seed).predictions, test, range(len(test)))
    on_others = _scored(task, said, test, others)[1] if len(others) else None
    return Leak(leaked, avoided, metric, value, without, on_others)


def _scored(task: AnyTask, said: Sequence[Any], test: Examples, rows: Iterable[int]) -> tuple[str, float]:
    chosen = list(rows)
    report = evaluate(task, [said[i] for i in chosen], [test[i].answer for i in chosen], seed=0, intervals=False)
    names = [score.name for score in report.scores]
    metric = "accuracy" if "accuracy" in names else report.main.name
    return metric, report[metric]


def _can_teach(task: AnyTask, examples: Examples) -> bool:
    """Two different answers at least."""
    return len({example.answer for example in examples}) > 1


def _clusters(task: AnyTask, rows: Examples, near: bool) -> np.ndarray:
    """int64 [N], equal for rows that hang together by equal inputs, or by near ones that share a class."""
    first: dict[Any, int] = {}
    same = [(j, i) for i, row in enumerate(rows) if (j := first.setdefault(row.input, i)) != i]
    links = np.array(same, np.int64).reshape(-1, 2)
    if near:
        layout = task.format
        pairs_P2 = near_duplicates([layout.plain_text(row.input) for row in rows])
        classes = [_classes(layout.stratum(row.answer)) for row in rows]
        agree = [not classes[i] or not classes[j] or bool(classes[i] & classes[j]) for i, j in pairs_P2.tolist()]
        links = np.concatenate([links, pairs_P2[np.array(agree, bool)]])
    return clusters(links, len(rows))


def _classes(stratum: Any) -> frozenset[Any]:
    return stratum if isinstance(stratum, frozenset) else frozenset() if stratum is None else frozenset((stratum,))
