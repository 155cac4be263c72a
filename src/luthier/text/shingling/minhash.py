"""Long texts most of whose words are the same: MinHash in bands (Broder 1997), then counted exactly."""

from __future__ import annotations

import numpy as np

from luthier.text.shingling.pieces import HashedRows, Pieces, begins, distinct, in_chunks, mixed, stretches

_BANDS, _BAND = 8, 4
"""Two texts with 82 % of all their words in common (one of ten replaced) share a band with a chance of 99 %."""
_CROWD = 10
"""In a band each text is compared with so many that follow it, and with the first: no crowd costs the square of it."""
_COMMON, _COMMON_FROM = 0.2, 100
"""Share of the texts and number of them above which a word is no evidence, being a footer's or a greeting's."""
_LEAST = 5
"""Words that must be left of a text then."""
_ALLOWED = 10
"""One word of so many may differ."""
_COUNTER_BITS = 20


def one_in_ten(pieces: Pieces, chosen: np.ndarray) -> np.ndarray:
    """Pairs [P, 2] of the chosen texts in which at most a tenth of the words that tell something differ, whatever
    their order. Of unspaced texts pairs of characters take the place of words."""
    if len(chosen) < 2:
        return np.zeros((0, 2), np.int64)
    telling = _telling(pieces, chosen)
    rows = np.flatnonzero(telling.lengths >= _LEAST)
    marks = _minhash(telling, rows)
    found = [np.zeros((0, 2), np.int64)]
    for band in range(_BANDS):
        keys = np.zeros(len(rows), np.uint64)
        for mark in marks[band * _BAND : (band + 1) * _BAND]:
            keys = mixed(keys ^ mark)
        found.append(_same_band(keys, rows))
    pairs = distinct(np.concatenate(found))
    return chosen[pairs[tenth_apart(telling, pairs)]]


def _telling(pieces: Pieces, chosen: np.ndarray) -> HashedRows:
    """The words of the chosen texts that not too many of them have, counted by the upper bits of their hashes."""
    parts: list[np.ndarray] = []
    seen = np.zeros(1 << _COUNTER_BITS, np.int64)
    shift = np.uint64(64 - _COUNTER_BITS)
    for numbers, hashes, starts in pieces.chunks(chosen):
        following = np.roll(hashes, -1)
        following[starts[1:] - 1] = 0
        unspaced = np.repeat(pieces.unspaced[numbers], np.diff(starts))
        parts.append(np.where(unspaced, mixed(hashes ^ (following >> np.uint64(1))), hashes))
        seen += np.bincount((parts[-1] >> shift).astype(np.int64), minlength=len(seen))
    hashes = np.concatenate(parts)
    kept = seen[(hashes >> shift).astype(np.int64)] <= max(_COMMON_FROM, _COMMON * len(chosen))
    owners = np.repeat(np.arange(len(chosen)), pieces.lengths[chosen])
    starts = begins(np.bincount(owners[kept], minlength=len(chosen)))
    return HashedRows(hashes[kept], starts)


def _minhash(telling: HashedRows, rows: np.ndarray) -> list[np.ndarray]:
    """Under as many hash functions as the bands need the least of each row's words, [R] each."""
    salts = mixed(np.arange(1000, 1000 + _BANDS * _BAND, dtype=np.uint64))
    marks: list[list[np.ndarray]] = [[np.zeros(0, np.uint64)] for _ in salts]
    for _, hashes, starts in telling.chunks(rows):
        for mark, salt in zip(marks, salts, strict=True):
            if len(hashes):
                mark.append(np.minimum.reduceat((hashes ^ salt) * (salt | np.uint64(1)), starts[:-1]))
    return [np.concatenate(mark) for mark in marks]


def _same_band(keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    pairs = [np.zeros((0, 2), np.int64)]
    for step in range(1, _CROWD):
        both = keys[step:] == keys[:-step]
        pairs.append(np.stack([rows[:-step][both], rows[step:][both]], 1))
    first, group = np.unique(keys, return_index=True, return_inverse=True)[1:]
    heads = rows[first[group]]
    pairs.append(np.stack([heads, rows], 1)[heads != rows])
    return np.concatenate(pairs)


def tenth_apart(telling: HashedRows, pairs: np.ndarray) -> np.ndarray:
    """bool [P], pairs in which at most a tenth of the words differ, whatever their order."""
    lengths = telling.lengths[pairs]
    allowed = np.maximum(1, lengths.max(1, initial=0) // _ALLOWED)
    good = np.zeros(len(pairs), bool)
    near = np.flatnonzero(np.abs(lengths[:, 0] - lengths[:, 1]) <= allowed)
    for part in in_chunks(lengths[near].sum(1)):
        which = near[part]
        good[which] = _distance(telling, pairs[which]) <= allowed[which]
    return good


def _distance(telling: HashedRows, pairs: np.ndarray) -> np.ndarray:
    """int64 [P], how many words of one text, counted as often as they stand there, the other has not."""
    lengths = telling.lengths[pairs]
    starts = begins(lengths.ravel())
    hashes = telling.hashes[stretches(telling.starts[pairs.ravel()], starts)]
    if not len(hashes):
        return np.zeros(len(pairs), np.int64)
    pair = np.repeat(np.arange(len(pairs)), lengths.sum(1))
    sign = np.repeat(np.tile([1, -1], len(pairs)), lengths.ravel())
    order = np.lexsort((hashes, pair))
    hashes, pair, sign = hashes[order], pair[order], sign[order]
    edges = np.flatnonzero(np.concatenate([[True], (hashes[1:] != hashes[:-1]) | (pair[1:] != pair[:-1])]))
    surplus = np.add.reduceat(sign, edges)
    more = np.bincount(pair[edges], np.maximum(surplus, 0), len(pairs))
    less = np.bincount(pair[edges], np.maximum(-surplus, 0), len(pairs))
    return np.maximum(more, less).astype(np.int64)
