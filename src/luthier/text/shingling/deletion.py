"""Texts that are equal once a word is left out of one or both: a deletion neighbourhood (Mor and Fraenkel 1982)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier.text.shingling.pieces import AT_ONCE, Pieces, begins, distinct, in_chunks, stretches

_BASE = 0x9E3779B97F4A7C15


def one_left_out(pieces: Pieces, chosen: np.ndarray, *, least: Sequence[int], most: int) -> np.ndarray:
    """Pairs [P, 2] of the chosen texts, of which no two are equal, in which one word was replaced, put in, left out or
    moved.

    least: how long a text must be to lack one piece, two … in a row, which is how long a word may be. most: where more
    texts than this are equal but for one place, that place is a template's, and no pair comes of it. Memory is
    bounded: the keys are worked on in as many turns as that takes.
    """
    turns = int(pieces.lengths[chosen].sum()) * len(least) // (4 * AT_ONCE) + 1
    found = [np.zeros((0, 2), np.int64)]
    for turn in range(turns):
        keys, owners = _keys(pieces, chosen, least, turn, turns)
        found.append(_same_key(keys, owners, most))
    pairs = distinct(np.concatenate(found))
    kept = [pairs[part][little_apart(pieces, pairs[part], least)] for part in in_chunks(pieces.lengths[pairs].sum(1))]
    return np.concatenate([np.zeros((0, 2), np.int64), *kept])


def _keys(
    pieces: Pieces, chosen: np.ndarray, least: Sequence[int], turn: int, turns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keys of the chosen texts as they are and with a word left out at every place, and whose they are.

    A key is a polynomial of the pieces' hashes modulo 2^64. Its base is odd and so has an inverse, by which what
    stands behind a gap moves up.
    """
    back = pow(_BASE, -1, 1 << 64)
    keys, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]

    def keep(made: np.ndarray, whose: np.ndarray) -> None:
        mine = made % np.uint64(turns) == turn
        keys.append(made[mine])
        owners.append(whose[mine])

    for numbers, hashes, starts in pieces.chunks(chosen):
        lengths = np.diff(starts)
        terms = hashes * _powers(int(lengths.max(initial=0)))[stretches(np.zeros(len(numbers), np.int64), starts)]
        sums = np.concatenate([np.zeros(1, np.uint64), terms.cumsum()])  # wraps, as it should
        before, after = sums[starts[:-1]], sums[starts[1:]]
        keep(after - before, numbers)
        for gap, enough in enumerate(least, 1):
            places = begins(np.where(lengths >= enough, lengths - gap + 1, 0))
            at = stretches(starts[:-1], places)
            text = np.repeat(np.arange(len(numbers)), np.diff(places))
            behind = (after[text] - sums[at + gap]) * np.uint64(pow(back, gap, 1 << 64))
            keep(sums[at] - before[text] + behind, numbers[text])
    return np.concatenate(keys), np.concatenate(owners)


def _powers(count: int) -> np.ndarray:
    """uint64 [count + 1], of the base."""
    powers = np.full(count + 1, _BASE, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


def _same_key(keys: np.ndarray, owners: np.ndarray, most: int) -> np.ndarray:
    """Pairs [P, 2] of owners of one key, where it has at most so many."""
    order = np.lexsort((owners, keys))
    keys, owners = keys[order], owners[order]
    fresh = np.ones(len(keys), bool)
    fresh[1:] = (keys[1:] != keys[:-1]) | (owners[1:] != owners[:-1])
    keys, owners = keys[fresh], owners[fresh]
    edges = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1], [True]])) if len(keys) else np.zeros(1, int)
    few = np.repeat(np.diff(edges) <= most, np.diff(edges))
    pairs = [np.zeros((0, 2), np.int64)]
    for step in range(1, most):
        both = (keys[step:] == keys[:-step]) & few[step:]
        pairs.append(np.stack([owners[:-step][both], owners[step:][both]], 1))
    return np.concatenate(pairs)


def little_apart(pieces: Pieces, pairs: np.ndarray, least: Sequence[int]) -> np.ndarray:
    """bool [P], pairs of texts that are equal or in which one word was replaced, put in, left out or moved.

    Two texts may be equal once something is left out of both because one word stands elsewhere, but also because one
    lacks a word here and the other one there: those are no pair.
    """
    lengths = pieces.lengths[pairs]
    width = int(lengths.max(initial=1))
    one, other = (_padded(pieces, pairs[:, side], width, 1 + side) for side in (0, 1))
    front = _run(one == other)
    back = _run(_shifted(one, lengths[:, 0]) == _shifted(other, lengths[:, 1]))
    left = lengths.max(1) - np.minimum(front + back, lengths.min(1))
    allowed = np.searchsorted(np.array(least), lengths.max(1), side="right")
    one[one == 1], other[other == 2] = 0, 0
    moved = (lengths[:, 0] == lengths[:, 1]) & (np.sort(one, 1) == np.sort(other, 1)).all(1)
    return (left <= allowed) | moved


def _padded(pieces: Pieces, rows: np.ndarray, width: int, fill: int) -> np.ndarray:
    """uint64 [P, width], each row's hashes from the left. fill: stands behind them."""
    lengths = pieces.lengths[rows]
    columns = np.arange(width)
    at = np.minimum(pieces.starts[rows, None] + columns, len(pieces.hashes) - 1)
    return np.where(columns < lengths[:, None], pieces.hashes[at], np.uint64(fill))


def _shifted(padded: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Each row's hashes from the right, the last one first."""
    return np.take_along_axis(padded, (lengths[:, None] - 1 - np.arange(padded.shape[1])) % padded.shape[1], 1)


def _run(same: np.ndarray) -> np.ndarray:
    """int64 [P], how many columns are True before the first that is not."""
    return np.logical_and.accumulate(same, axis=1).sum(1)
