"""What the tuned model must beat: the commonest answer, counted words, and the pretrained model left as it is.

All learn from the training split and are judged on the test split, like the tuned model; how strongly the linear
ones are regularised is chosen on the validation split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.evaluation.linear import Rows, decided_linear
from luthier.seen import Features, Frozen, Scaling, Seen
from luthier.task import AnyTask
from luthier.text.scripts import is_spaced, main_language
from luthier.types import Example
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
    linear model; of two texts, which words they share and which not."""
    paired = all(len(task.parts(example.input)) == 2 for example in [*train, *validation, *judged])

    def texts(examples: Examples) -> list[str]:
        plain = task.format.plain_text
        if not paired:
            return [plain(example.input) for example in examples]
        return [plain(part) for side in (0, 1) for part in (task.parts(example.input)[side] for example in examples)]

    def features(examples: Examples) -> Any:
        counted = counter.transform(texts(examples))
        return between(counted[: len(examples)], counted[len(examples) :]) if paired else counted

    counter = word_counter(texts(train)).fit(texts(train))
    learnt = Rows(features(train), _answers(train))
    checked = Rows(features(validation), _answers(validation)) if validation else None
    model = decided_linear(task, learnt, checked, WORD_STRENGTHS, seed)
    return task.read_linear(model, features(judged))


def between(first: Any, second: Any) -> Any:
    """What two rows of features have apart, what they have in common, and their cosine: [N, 2 F + 1], sparse where
    they are (the features of Conneau et al. 2017, with the cosine)."""
    if isinstance(first, np.ndarray):
        lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
        cosine = (first * second).sum(1) / np.maximum(lengths, 1e-9)
        return np.column_stack([np.abs(first - second), first * second, cosine])
    from scipy import sparse

    common = first.multiply(second)
    return sparse.hstack([abs(first - second), common, sparse.csr_matrix(common.sum(1))], format="csr")


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
    """The pretrained model's mean token vectors under a linear model: what tuning adds is what comes on top of it. Of a
    pair also how alike the vectors of its two texts are, which a sentence encoder was made to tell."""

    scale = Scaling.of(whole_vectors(frozen.train.features))

    def rows(seen: Seen[Any, Any]) -> Rows:
        return Rows(scale(whole_vectors(seen.features)), seen.answers)

    checked = rows(frozen.validation) if frozen.validation else None
    model = decided_linear(task, rows(frozen.train), checked, VECTOR_STRENGTHS, seed)
    return task.read_linear(model, rows(frozen.judged).features)


def whole_vectors(features: Features) -> np.ndarray:
    """[N, F]: the vectors, and of pairs what `between` says of the two texts' own."""
    return np.column_stack([features.vectors, between(*features.parts)]) if features.parts else features.vectors


def sample(examples: Examples, seed: int, most: int = MOST_ROWS) -> Examples:
    """All of them, or as many as a linear model should learn from."""
    if len(examples) <= most:
        return examples
    chosen = np.random.default_rng(seed).choice(len(examples), most, replace=False)
    return [examples[i] for i in sorted(chosen)]


def spread(rows: Sequence[Any], most: int) -> list[Any]:
    """All of them, or as many, evenly spread over them and none picked."""
    count = min(len(rows), most)
    return [rows[i * len(rows) // count] for i in range(count)]


def _answers(examples: Examples) -> list[Any]:
    return [example.answer for example in examples]
