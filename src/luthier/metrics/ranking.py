"""Metrics of a search: what stands among the first documents that a query finds. And of pairs compared by a cosine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

DEPTH = 10
"""Of a ranking so much is looked at."""
NAMES = ("ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10")
_CELLS = 4_000_000
"""Similarities held at a time: 16 MB."""
_DISCOUNT_K = 1 / np.log2(np.arange(2, DEPTH + 2))


@dataclass(frozen=True)
class Ranked:
    """What a query found. found: the first documents and how alike they are. rank: of the first right one, from 1;
    None where none is among them. figures: the values of NAMES for this query, once for each length of vector."""

    found: tuple[tuple[str, float], ...]
    rank: int | None
    figures: tuple[float, ...]


@dataclass(frozen=True)
class Compared:
    """The cosine of a pair, once for each length of vector."""

    cosines: tuple[float, ...]


def query_figures(right_K: np.ndarray, relevant: int) -> tuple[float, ...]:
    """The values of NAMES for one query. right_K: of the first documents found, which are right. relevant: how many
    right documents there are.

    nDCG with gains of 0 and 1 (Järvelin & Kekäläinen 2002); recall@k is the share of the right ones that are among the
    first k.
    """
    if not relevant:
        return (0.0,) * len(NAMES)
    ideal = _DISCOUNT_K[: min(relevant, DEPTH)].sum()
    first = int(right_K.argmax()) if right_K.any() else None
    ndcg = float((right_K * _DISCOUNT_K[: len(right_K)]).sum() / ideal)
    return (
        ndcg,
        0.0 if first is None else 1 / (first + 1),
        *(float(right_K[:k].sum()) / relevant for k in (1, 5, 10)),
    )


def first_places(
    similar: Callable[[slice], np.ndarray], queries: int, documents: int, passed_over: Sequence[int | None]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each query the numbers of the documents most alike and their likenesses, the best first; of equally alike
    ones the earlier. similar: [n, M] for a slice of the queries. passed_over: of each query a document that does not
    count, its own text."""
    step = max(1, _CELLS // max(1, documents))
    for start in range(0, queries, step):
        likeness_NM = np.array(similar(slice(start, start + step)), np.float32)
        for row, likeness_M in enumerate(likeness_NM, start):
            own = passed_over[row]
            if own is not None:
                likeness_M[own] = -np.inf
            best_K = top(likeness_M, DEPTH)
            best_K = best_K[np.isfinite(likeness_M[best_K])]
            yield best_K, likeness_M[best_K]


def top(likeness_M: np.ndarray, k: int) -> np.ndarray:
    """The numbers of the k largest, the largest first; of equals the earlier."""
    if k < len(likeness_M):
        least = np.partition(likeness_M, -k)[-k]
        candidates = np.flatnonzero(likeness_M >= least)
    else:
        candidates = np.arange(len(likeness_M))
    return candidates[np.argsort(-likeness_M[candidates], kind="stable")][:k]


def mean_figures(figures_NF: np.ndarray, weights_RN: np.ndarray) -> np.ndarray:
    """[R, F], the weighted means over the queries."""
    return weights_RN @ figures_NF / np.maximum(weights_RN.sum(1, keepdims=True), 1e-12)
