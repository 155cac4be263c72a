"""Labelled rows as a search: every query against every document that any of the rows names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from luthier.errors import DataError
from luthier.formats.retrieval import Asked, Document, Passages, QueryRows
from luthier.language import t
from luthier.metrics.ranking import Compared, Ranked, first_places, query_figures
from luthier.types import Example

Similar = Callable[[slice], np.ndarray]
"""How alike the queries of a slice are to all documents: [n, M]."""
Rows = Sequence[Example[Asked, Passages]]


def texts_of(examples: Rows) -> tuple[list[Asked], list[Document]]:
    """The queries, each once, and all documents that the rows name, each once, in the order of the rows."""
    queries = list(dict.fromkeys(example.input for example in examples))
    named = (text for e in examples for text in (*e.answer.positives, *e.answer.negatives))
    return queries, [Document(text) for text in dict.fromkeys(named)]


def rank_documents(examples: Rows, said: np.ndarray | Similar, dimensions: Sequence[int]) -> list[Ranked]:
    """For each row what its query finds among all documents of the rows. Right is what any row with the same query,
    or of the same topic, names as positive. The query's own text is passed over where no row calls it right.

    said: a vector for each query and then each document, [N + M, D]; or how alike they are.
    dimensions: lengths to which vectors are cut, judged beside the whole ones.
    """
    queries, documents = texts_of(examples)
    number_of = {document.text: i for i, document in enumerate(documents)}
    right = _right(examples, queries, number_of)
    own = [number_of.get(QueryRows().plain_text(query)) for query in queries]
    own = [None if i in right[q] else i for q, i in enumerate(own)]
    found: list[tuple[tuple[str, float], ...]] = []
    ranks: list[int | None] = []
    figures: list[tuple[float, ...]] = [()] * len(queries)
    for similar in _each_length(said, len(queries), dimensions):
        for q, (best_K, likeness_K) in enumerate(first_places(similar, len(queries), len(documents), own)):
            hit_K = np.array([i in right[q] for i in best_K], bool)
            figures[q] += query_figures(hit_K, len(right[q]))
            if len(found) < len(queries):
                pairs = zip(best_K, likeness_K, strict=True)
                found.append(tuple((documents[i].text, float(likeness)) for i, likeness in pairs))
                ranks.append(int(hit_K.argmax()) + 1 if hit_K.any() else None)
    ranked = {query: Ranked(found[q], ranks[q], figures[q]) for q, query in enumerate(queries)}
    return [ranked[example.input] for example in examples]


def compare_pairs(examples: Rows, said: np.ndarray | Similar, dimensions: Sequence[int]) -> list[Compared]:
    """Of each row how alike its query and its first positive are. said, dimensions: as of `rank_documents`.
    Errors: DataError for a row without a score."""
    unscored = [example.place for example in examples if example.answer.score is None]
    if unscored:
        what, fix = t("has no score"), t("this model was trained on pairs with a score: give each row one")
        raise DataError.at(unscored[0], what, fix, code="missing-score", also=unscored[1:])
    queries, documents = texts_of(examples)
    query_of = {query: i for i, query in enumerate(queries)}
    document_of = {document.text: i for i, document in enumerate(documents)}
    cosines: list[list[float]] = [[] for _ in examples]
    for similar in _each_length(said, len(queries), dimensions):
        for row, example in enumerate(examples):
            q, d = query_of[example.input], document_of[example.answer.positives[0]]
            cosines[row].append(float(similar(slice(q, q + 1))[0, d]))
    return [Compared(tuple(row)) for row in cosines]


def unit(vectors_ND: np.ndarray) -> np.ndarray:
    """Scaled to length 1, float32."""
    lengths_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return (vectors_ND / np.maximum(lengths_N1, 1e-12)).astype(np.float32)


def _each_length(said: np.ndarray | Similar, queries: int, dimensions: Sequence[int]) -> list[Similar]:
    """What does not come from vectors is the same at every length."""
    if not isinstance(said, np.ndarray):
        return [said] * (1 + len(dimensions))
    return [_cosine(unit(said[:queries, :d]), unit(said[queries:, :d])) for d in (said.shape[1], *dimensions)]


def _cosine(queries_ND: np.ndarray, documents_MD: np.ndarray) -> Similar:
    return lambda rows: queries_ND[rows] @ documents_MD.T


def _right(examples: Rows, queries: Sequence[Asked], number_of: dict[str, int]) -> list[set[int]]:
    """Of each query the numbers of its right documents."""
    by: dict[Any, set[int]] = {}
    topics: dict[Asked, set[str]] = {}
    for example in examples:
        named = {number_of[text] for text in example.answer.positives}
        by.setdefault(("query", example.input), set()).update(named)
        if example.answer.topic:
            by.setdefault(("topic", example.answer.topic), set()).update(named)
            topics.setdefault(example.input, set()).add(example.answer.topic)
    return [by["query", query].union(*(by["topic", topic] for topic in topics.get(query, ()))) for query in queries]
