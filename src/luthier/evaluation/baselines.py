"""What the tuned model must beat: the commonest answer, counted words, and the pretrained model left as it is.

All learn from the training split and are judged on the test split, like the tuned model; how strongly the linear
ones are regularised is chosen on the validation split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.data.split import Split
from luthier.evaluation.evaluate import evaluate
from luthier.task import AnyTask
from luthier.text.scripts import is_spaced, main_language
from luthier.types import Example

_STRENGTHS = (1.0, 10.0)
_MOST_ROWS = 20_000
"""Training rows that the linear baselines learn from: more make them slower than the tuning they are a check on."""


@dataclass(frozen=True)
class Baseline:
    """predictions: on the test split, in order. note: what was cut short, for the report."""

    name: str
    predictions: Sequence[Any]
    note: str = ""


def majority(task: AnyTask, split: Split[Any, Any]) -> Baseline:
    """The best prediction that does not look at the input."""
    said = task.constant([example.answer for example in split.train])
    return Baseline("majority", [said] * len(split.test))


def tfidf(task: AnyTask, split: Split[Any, Any], seed: int) -> Baseline:
    """Words and pairs of words (of languages without spaces: one to three characters), weighted by rarity, under a
    linear model."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    train = _sample(split.train, seed)
    language, _ = main_language(task.plain_text(e.input) for e in train)
    kind: Mapping[str, Any] = (
        {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
        if is_spaced(language)
        else {"analyzer": "char", "ngram_range": (1, 3)}
    )
    vectorizer = TfidfVectorizer(sublinear_tf=True, max_features=200_000, min_df=1, **kind)
    features = vectorizer.fit_transform([task.plain_text(e.input) for e in train])

    def transform(examples: Sequence[Example[Any, Any]]) -> Any:
        return vectorizer.transform([task.plain_text(e.input) for e in examples])

    return Baseline("tfidf", _linear(task, features, train, transform, split, seed))


def embeddings(
    task: AnyTask, split: Split[Any, Any], embed: Callable[[Sequence[Any]], np.ndarray], seed: int
) -> Baseline:
    """The pretrained model's mean token vectors under a linear model: what tuning adds is what comes on top of it.

    embed: inputs to vectors [N, D].
    """
    train = _sample(split.train, seed)
    features = embed([e.input for e in train])
    mean, spread = features.mean(0), features.std(0) + 1e-6

    def transform(examples: Sequence[Example[Any, Any]]) -> np.ndarray:
        return (embed([e.input for e in examples]) - mean) / spread

    predictions = _linear(task, (features - mean) / spread, train, transform, split, seed, strengths=(0.01, 0.1, 1.0))
    return Baseline("embeddings", predictions)


def _linear(
    task: AnyTask,
    features: Any,
    train: Sequence[Example[Any, Any]],
    transform: Callable[[Sequence[Example[Any, Any]]], Any],
    split: Split[Any, Any],
    seed: int,
    strengths: Sequence[float] = _STRENGTHS,
) -> list[Any]:
    """Predictions on the test split of the linear model that is best on the validation split."""
    answers = [e.answer for e in train]
    models = [
        task.linear(features, answers, strength, seed) for strength in strengths[: None if split.validation else 1]
    ]
    best = models[0]
    if len(models) > 1:
        seen, expected = transform(split.validation), [e.answer for e in split.validation]
        reports = [
            evaluate(task, task.read_linear(model, seen), expected, seed=seed, intervals=False) for model in models
        ]
        best = models[int(np.argmax([report.main.goodness for report in reports]))]
    return task.read_linear(best, transform(split.test))


def _sample(examples: Sequence[Example[Any, Any]], seed: int) -> Sequence[Example[Any, Any]]:
    if len(examples) <= _MOST_ROWS:
        return examples
    chosen = np.random.default_rng(seed).choice(len(examples), _MOST_ROWS, replace=False)
    return [examples[i] for i in sorted(chosen)]
