"""Which rows nearly repeat another, with its label or against it, and which stand on both sides of a split?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from luthier.data.findings import ERROR, WARNING
from luthier.doctor.check import Check, Context
from luthier.doctor.gathered import Gathered
from luthier.language import t
from luthier.text.shingling.near import clusters, near_rows
from luthier.types import PARTS, Finding

_TRUSTED_LEAK = 0.2
"""A larger share of known rows makes a score meaningless."""
_TELLING = (12, 24)
"""Words, characters: in a shorter text the one word that differs may well make another label right."""
_LARGEST, _TEXTS = 10, 3


class NearDuplicates(Check):
    """near-duplicate, near-conflict: in one part. Rows of different labels are no duplicates of each other: where one
    word differs it may be the one that counts."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._facts: dict[str, Any] = {}

    def findings(self, data: Gathered) -> Iterable[Finding]:
        pairs = near_in_sample(data, self.context)
        agree = _agree(data, pairs)
        self._facts = _largest(data, pairs[agree | _equal(data, pairs)])
        new = (data.part[pairs[:, 0]] == data.part[pairs[:, 1]]) & ~_equal(data, pairs)
        same = _once(pairs[new & agree])
        if len(same):
            what = t(
                "{count} rows differ from an earlier one of their label in little more than a word", count=len(same)
            )
            if not data.labels:
                what = t("{count} rows differ from an earlier one in little more than a word", count=len(same))
            what += _of_sample(data)
            fix = t("they stay on one side of the split; remove them if they are copies by mistake")
            yield Finding(WARNING, "near-duplicate", what, fix, data.places(same[:, 1]), data.places(same[:, 0]))
        against = _once(pairs[new & ~agree & _long(data, pairs)])
        if len(against):
            what = t("{count} rows differ from an earlier one in little more than a word and have another label",
                     count=len(against)) + _of_sample(data)  # fmt: skip
            fix = t("is it that word that makes the difference? else decide which label is right")
            yield Finding(WARNING, "near-conflict", what, fix, data.places(against[:, 1]), data.places(against[:, 0]))

    def facts(self) -> dict[str, Any]:
        return self._facts


class Leaks(Check):
    """split-leak: an input of a given validation or test file that was seen before it is judged, or nearly so."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        if len(data.given_parts) > 1:
            pairs = near_in_sample(data, self.context)
            near = pairs[_agree(data, pairs)]
            for i in range(1, len(PARTS)):
                yield from self._of_part(data, i, near)

    def _of_part(self, data: Gathered, i: int, near: np.ndarray) -> Iterator[Finding]:
        rows = np.flatnonzero(data.part == i)
        seen = np.flatnonzero(data.part < i)
        known, first = np.unique(data.text_hash[seen], return_index=True)
        exact = rows[np.isin(data.text_hash[rows], known)]
        origin = seen[first[np.searchsorted(known, data.text_hash[exact])]]
        across = np.where(data.part[near[:, :1]] > data.part[near[:, 1:]], near[:, ::-1], near)
        across = across[(data.part[across[:, 0]] < i) & (data.part[across[:, 1]] == i)]
        across = _once(across[~np.isin(across[:, 1], exact)])
        found = data.places(np.concatenate([exact, across[:, 1]])), data.places(np.concatenate([origin, across[:, 0]]))
        fix = t("remove them from one side, or let Luthier split: give data.train alone")
        part, sizes = t(PARTS[i]), {"count": len(exact), "all": len(rows), "near": len(across)}
        what = t("{count} of {all} {part} rows stand in the training data too", part=part, **sizes)
        if len(across) and len(exact):
            what = t("{count} of {all} {part} rows stand in the training data too, {near} more differ from a row there "
                     "in little more than a word", part=part, **sizes)  # fmt: skip
        elif len(across):
            what = t("{near} of {all} {part} rows differ from a training row in little more than a word",
                     part=part, **sizes)  # fmt: skip
        if len(exact) or len(across):
            severity = ERROR if len(exact) > _TRUSTED_LEAK * len(rows) else WARNING
            yield Finding(severity, "split-leak", what + (_of_sample(data) if len(across) else ""), fix, *found)


def near_in_sample(data: Gathered, context: Context) -> np.ndarray:
    """int64 [P, 2], row numbers of near-duplicates, the earlier row first; worked out once."""
    if data.near is None and not data.format.texts_are_all:
        data.near = np.zeros((0, 2), np.int64)
    if data.near is None:
        embed = context.embed if context.deep else None
        rows = [data.format.texts(row.example.input) for row in data.sample.rows]
        pairs = near_rows(rows, data.sample_pieces, embed)
        data.near = data.sample_numbers[pairs].reshape(-1, 2)
    return data.near


def _agree(data: Gathered, pairs: np.ndarray) -> np.ndarray:
    """bool [P], pairs of one class, or of rows without classes."""
    one, other = data.label[pairs[:, 0]], data.label[pairs[:, 1]]
    return (one == other) | (one < 0) | (other < 0)


def _equal(data: Gathered, pairs: np.ndarray) -> np.ndarray:
    return data.text_hash[pairs[:, 0]] == data.text_hash[pairs[:, 1]]


def _long(data: Gathered, pairs: np.ndarray) -> np.ndarray:
    """bool [P], pairs of texts that are equal but for case and punctuation, or single texts that are long enough. Of
    two texts that are judged together every word may count."""
    pieces = data.sample_pieces
    where = np.searchsorted(data.sample_numbers, pairs)
    enough = pieces.lengths[where] >= np.array(_TELLING)[pieces.unspaced[where].astype(np.int64)]
    single = len(data.format.texts(data.sample.rows[0].example.input)) == 1
    return (enough.all(1) & single) | (pieces.whole[where[:, 0]] == pieces.whole[where[:, 1]])


def _once(pairs: np.ndarray) -> np.ndarray:
    """Of each later row the first pair."""
    order = np.lexsort((pairs[:, 0], pairs[:, 1]))
    pairs = pairs[order]
    return pairs[np.unique(pairs[:, 1], return_index=True)[1]]


def _of_sample(data: Gathered) -> str:
    if data.sample.is_whole:
        return ""
    return t("; looked for in a sample of {rows:,} rows, in all of them with --deep", rows=len(data.sample.rows))


def _largest(data: Gathered, pairs: np.ndarray) -> dict[str, Any]:
    """The largest clusters of rows that nearly repeat each other, exact copies included."""
    where = np.searchsorted(data.sample_numbers, pairs)
    cluster, sizes = np.unique(clusters(where, len(data.sample_numbers)), return_inverse=True, return_counts=True)[1:]
    if not len(pairs):
        return {}
    members = np.argsort(cluster, kind="stable")
    ends = sizes.cumsum()
    shown = []
    for c in np.argsort(-sizes, kind="stable")[:_LARGEST]:
        rows = members[ends[c] - sizes[c] : ends[c]][:_TEXTS] if sizes[c] > 1 else ()
        if len(rows):
            texts = [data.sample_texts[int(row)][:200] for row in rows]
            places = [data.place(int(data.sample_numbers[row])).as_json() for row in rows]
            shown.append({"size": int(sizes[c]), "texts": texts, "rows": places})
    return {"clusters": shown, "in_clusters": int(sizes[sizes > 1].sum()), "count": int((sizes > 1).sum())}
