"""What the tuned model must beat: the commonest answer, counted words, and the pretrained model left as it is.

All learn from the training split and are judged on the test split, like the tuned model; how strongly the linear
ones are regularised is chosen on the validation split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.evaluation.linear import Rows, Scaling, decided_linear
from luthier.task import AnyTask
from luthier.text.scripts import is_spaced, main_language
from luthier.types import Example, Frozen, Seen
from luthier.whole_text import AnyWholeText, WholeText

WORD_STRENGTHS = (1.0, 10.0)
VECTOR_STRENGTHS = (0.1, 0.01, 1.0)
"""Inverse regularisation of a linear model on counted words, on scaled vectors."""
MOST_ROWS = 20_000
"""Training rows that the linear baselines learn from: more make them slower than the tuning they are a check on."""

Examples = Sequence[Example[Any, Any]]


@dataclass(frozen=True)
class Baseline:
    """predictions: on the rows that are judged, in order."""

    name: str
    predictions: Sequence[Any]


def cheap_ways(task: AnyTask, frozen: Frozen[Any, Any], seed: int) -> Mapping[str, Callable[[], Sequence[Any]]]:
    """By name, ways to predict the judged rows that a tuned model must beat; the task's own, or of a task whose answer
    is about the whole text the commonest answer, counted words, and the untuned model's vectors, and its own beside or
    instead of these."""
    own = task.baselines(frozen, seed)
    if not isinstance(task, WholeText):
        return own
    checked = frozen.validation
    return {
        "majority": lambda: [task.constant(frozen.train.answers)] * len(frozen.judged.examples),
        "tfidf": lambda: tfidf(
            task, frozen.train.examples, checked.examples if checked else (), frozen.judged.examples, seed
        ),
        "embeddings": lambda: embeddings(task, frozen, seed),
        **own,
    }


def tfidf(task: AnyWholeText, train: Examples, validation: Examples, judged: Examples, seed: int) -> Sequence[Any]:
    """Words and pairs of words (of languages without spaces: one to three characters), weighted by rarity, under a
    linear model."""

    def texts(examples: Examples) -> list[str]:
        return [task.format.plain_text(example.input) for example in examples]

    counter = word_counter(texts(train))
    learnt = Rows(counter.fit_transform(texts(train)), _answers(train))
    checked = Rows(counter.transform(texts(validation)), _answers(validation)) if validation else None
    model = decided_linear(task, learnt, checked, WORD_STRENGTHS, seed)
    return task.read_linear(model, counter.transform(texts(judged)))


def word_counter(texts: Sequence[str]) -> Any:
    """A TfidfVectorizer for texts of this language, not fitted yet."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    language, _ = main_language(texts)
    kind: Mapping[str, Any] = (
        {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
        if is_spaced(language)
        else {"analyzer": "char", "ngram_range": (1, 3)}
    )
    return TfidfVectorizer(sublinear_tf=True, max_features=200_000, **kind)


def embeddings(task: AnyWholeText, frozen: Frozen[Any, Any], seed: int) -> Sequence[Any]:
    """The pretrained model's mean token vectors under a linear model: what tuning adds is what comes on top of it."""
    scale = Scaling.of(frozen.train.features.vectors)

    def rows(seen: Seen[Any, Any]) -> Rows:
        return Rows(scale(seen.features.vectors), seen.answers)

    checked = rows(frozen.validation) if frozen.validation else None
    model = decided_linear(task, rows(frozen.train), checked, VECTOR_STRENGTHS, seed)
    return task.read_linear(model, rows(frozen.judged).features)


def sample(examples: Examples, seed: int) -> Examples:
    """All of them, or as many as a linear model should learn from."""
    if len(examples) <= MOST_ROWS:
        return examples
    chosen = np.random.default_rng(seed).choice(len(examples), MOST_ROWS, replace=False)
    return [examples[i] for i in sorted(chosen)]


def _answers(examples: Examples) -> list[Any]:
    return [example.answer for example in examples]
