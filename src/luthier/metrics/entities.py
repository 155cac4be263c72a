"""Metrics of entities, by strict match: one counts where start, end and type are all right (CoNLL 2003, seqeval)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

Spans = Sequence[tuple[Hashable, Hashable, str]]
"""(start, end, type) of the entities of one text."""


def entity_counts(said: Sequence[Spans], right: Sequence[Spans]) -> np.ndarray:
    """int64 [N, 3]: of each text how many entities were found rightly, were said, are there."""
    rows = [(len(set(a) & set(b)), len(a), len(b)) for a, b in zip(said, right, strict=True)]
    return np.array(rows, np.int64).reshape(-1, 3)


def entity_scores(counts_N3: np.ndarray, weights_RN: np.ndarray) -> dict[str, np.ndarray]:
    """entity_f1, precision, recall, [R] each: over all entities of all texts (seqeval's micro average), with 0 where
    undefined. counts: as `entity_counts` makes them."""
    hits_R, said_R, right_R = (weights_RN @ counts_N3).T
    return {
        "entity_f1": ratio(2 * hits_R, said_R + right_R),
        "precision": ratio(hits_R, said_R),
        "recall": ratio(hits_R, right_R),
    }


def per_type(said: Sequence[Spans], right: Sequence[Spans], labels: Sequence[str]) -> list[dict[str, float]]:
    """precision, recall, f1 and support (how many entities are of it) of each type."""
    rows: list[dict[str, float]] = []
    for label in labels:
        of_it = [[[span for span in spans if span[2] == label] for spans in side] for side in (said, right)]
        counts_N3 = entity_counts(*of_it)
        f1, precision, recall = (float(v[0]) for v in entity_scores(counts_N3, np.ones((1, len(said)))).values())
        rows.append({"precision": precision, "recall": recall, "f1": f1, "support": int(counts_N3[:, 2].sum())})
    return rows


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """0 where there is nothing below."""
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=below > 0)
