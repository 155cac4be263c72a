"""Which texts differ in little more than a word?

A text is a row of words; in Chinese, Japanese and Thai, where words do not stand apart, of characters. Two texts are
near-duplicates

- when they are equal but for case, width, spaces and punctuation; or
- when one word was replaced, put in, left out or moved, in texts of at least five words (one character of seven, two of
  twelve, three of sixteen), unless that very place is filled in more than a few ways in the data: "how do I … my
  card" is a template, and what fills it is what the text says; or
- when in longer texts nine words of ten are the same, not counting the words that a fifth of all texts has, as
  footers and greetings are.

The second kind is found exactly, the third as good as. Both take time in proportion to the texts: where very many look
alike each is compared with a few, so that the clusters hold together though not every pair of them is named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from luthier.text.shingling.deletion import little_apart, one_left_out
from luthier.text.shingling.minhash import one_in_ten, tenth_apart
from luthier.text.shingling.pieces import Pieces, begins, distinct, in_chunks, stretches

_LONG = (20, 40)
"""Words, characters: from here on a tenth may differ."""
_LONGEST = (64, 128)
"""Longer texts are compared by MinHash alone, which misses no single changed word among so many."""
_LEAST = ((5,), (7, 12, 16))
"""So long must a text be to differ in one word; in one, two, three characters. In a shorter one the word that differs
changes what it says."""
_FILLERS = 4
_LEAST_COSINE = 0.4
"""Below, embeddings deny a pair of short texts. Measured on Banking77 with all-MiniLM-L6-v2: of pairs with one word
replaced at random 1 % lie below, of those that differ in one word and bear another intent 10 %, of one intent none."""

Embed = Callable[[Sequence[str]], np.ndarray]


def near_duplicates(texts: Sequence[str], *, embed: Embed | None = None) -> np.ndarray:
    """int64 [P, 2], pairs i < j of texts that are equal or differ in little more than a word, in order.

    Of several equal texts each is paired with the first of them and with what is near to that and stands before it, but
    not with each other. embed: from
    texts to unit vectors [N, D], by which pairs of short texts are confirmed.
    """
    return near_pairs(Pieces.of(texts), texts, embed)


def near_pairs(pieces: Pieces, texts: Sequence[str], embed: Embed | None = None) -> np.ndarray:
    """As `near_duplicates`, of texts whose pieces are known."""
    first, group = np.unique(pieces.whole, return_index=True, return_inverse=True)[1:]
    again = np.flatnonzero(first[group] != np.arange(len(pieces)))
    equal = np.stack([first[group[again]], again], 1)
    different = np.sort(first)
    lengths, unspaced = pieces.lengths[different], pieces.unspaced[different].astype(np.int64)
    near = [one_in_ten(pieces, different[lengths >= np.array(_LONG)[unspaced]])]
    for kind in (0, 1):
        chosen = different[(unspaced == kind) & (lengths >= _LEAST[kind][0] - 1) & (lengths <= _LONGEST[kind])]
        near.append(one_left_out(pieces, chosen, least=_LEAST[kind], most=_FILLERS))
    changed = distinct(np.concatenate(near))
    if embed is not None and len(changed):
        short = (pieces.lengths[changed] < np.array(_LONG)[pieces.unspaced[changed].astype(np.int64)]).all(1)
        changed = np.concatenate([changed[~short], _confirmed(texts, changed[short], embed)])
    return distinct(np.concatenate([equal, changed, _of_copies(changed, equal)]))


def near_rows(rows: Sequence[Sequence[str]], pieces: Pieces | None = None, embed: Embed | None = None) -> np.ndarray:
    """As `near_duplicates`, of rows of several texts each, such as question and passage: every text of one is near to
    its counterpart, for else the longest of them alone would decide. pieces: of the rows' texts joined by line breaks,
    where they are known."""
    texts = ["\n".join(row) for row in rows]
    pairs = near_pairs(Pieces.of(texts) if pieces is None else pieces, texts, embed)
    several = np.array([len(row) for row in rows], np.int64)[pairs]
    fit = (several[:, 0] == several[:, 1]) & (several[:, 0] > 1)
    owners = np.repeat(np.flatnonzero(fit), several[fit, 0])
    near = fit | (several == 1).all(1)
    if len(owners):
        counterparts = [both for i, j in pairs[fit] for both in zip(rows[int(i)], rows[int(j)], strict=True)]
        near[owners[~_are_near(counterparts)]] = False
    return pairs[near]


def _are_near(counterparts: Sequence[tuple[str, str]]) -> np.ndarray:
    """bool [P], of each two texts."""
    known = {text: i for i, text in enumerate(dict.fromkeys(text for both in counterparts for text in both))}
    pieces = Pieces.of(list(known))
    pairs = np.array([[known[one], known[other]] for one, other in counterparts])
    near = pieces.whole[pairs[:, 0]] == pieces.whole[pairs[:, 1]]
    lengths, unspaced = pieces.lengths[pairs].max(1), pieces.unspaced[pairs[:, 0]].astype(np.int64)
    for kind in (0, 1):
        short, long = ((unspaced == kind) & which for which in (lengths <= _LONGEST[kind], lengths >= _LONG[kind]))
        for rows in _in_turns(np.flatnonzero(short & ~near), lengths):
            near[rows] = little_apart(pieces, pairs[rows], _LEAST[kind])
        for rows in _in_turns(np.flatnonzero(long & ~near), lengths):
            near[rows] = tenth_apart(pieces, pairs[rows])
    return near


def _in_turns(rows: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    return [rows[part] for part in in_chunks(2 * lengths[rows])]


def _of_copies(changed: np.ndarray, equal: np.ndarray) -> np.ndarray:
    """What a text differs little from, its copies do as well: the pairs of their copies. equal: each first with its
    copy."""
    copies = equal[np.argsort(equal[:, 0], kind="stable")]
    left = np.searchsorted(copies[:, 0], changed[:, 1], side="left")
    right = np.searchsorted(copies[:, 0], changed[:, 1], side="right")
    at = stretches(left, begins(right - left))
    return np.stack([np.repeat(changed[:, 0], right - left), copies[at, 1]], 1)


def clusters(pairs: np.ndarray, count: int) -> np.ndarray:
    """int64 [count], for each of so many texts the lowest number of a text that it hangs together with, its own where
    it stands alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), (count, count))
    _, component = connected_components(links, directed=False)
    first = np.unique(component, return_index=True)[1]
    return first[component].astype(np.int64)


def _confirmed(texts: Sequence[str], pairs: np.ndarray, embed: Embed) -> np.ndarray:
    """The pairs whose vectors point the same way."""
    numbers, where = np.unique(pairs, return_inverse=True)
    vectors_ND = embed([texts[int(i)] for i in numbers])
    one, other = vectors_ND[where.reshape(pairs.shape)[:, 0]], vectors_ND[where.reshape(pairs.shape)[:, 1]]
    return pairs[(one * other).sum(1) >= _LEAST_COSINE]
