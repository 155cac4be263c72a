"""Which texts differ in little more than a word?

A text is a row of words; in Chinese, Japanese and Thai, where words do not stand apart, of characters. Two texts are
near-duplicates

- when they are equal but for case, width, spaces and punctuation; or
- when one word was replaced, put in or left out, in texts of at least five words (one character of seven, two of
  fourteen, three of twenty-one), unless that very place is filled in more than a few ways in the data: "how do I … my
  card" is a template, and what fills it is what the text says; or
- when in longer texts nine words of ten are the same, not counting the words that a fifth of all texts has, as
  footers and greetings are.

The second kind is found exactly, by looking up every text with one word left out (a deletion neighbourhood, as in
Mor and Fraenkel 1982), the third through MinHash in bands (Broder 1997). Both take time in proportion to the texts:
where very many look alike each is compared with a few, so that the clusters hold together though not every pair of
them is named.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

_LONE = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_PIECES = re.compile(rf"[{_LONE}]|[^\W_{_LONE}]+")
_IS_LONE = re.compile(f"[{_LONE}]").match
_FOR_EACH = (5, 7)
"""Words, characters: a text so long may differ in one, if it is two or three times as long in two or three: in a
shorter one a changed word changes what it says."""
_MOST = (64, 128)
"""Longer texts are compared by MinHash alone, which misses no single changed word among so many."""
_LONG = (20, 40)
"""From here on a tenth may differ."""
_WINDOWS = (1, 3)
"""How long one word is at most: one word, three characters."""
_FILLERS = 4
_COMMON, _COMMON_FROM = 0.2, 100
"""Share of the texts and number of them, above which a word is no evidence."""
_BANDS, _BAND = 8, 4
"""Two texts with 82 % of all their words in common (one of ten replaced) share a band with a chance of 99 %."""
_CROWD = 10
_KEPT = 256
"""Words of a text that are looked at; of what stands behind them only equality is told."""
_AT_ONCE = 1 << 22
"""Words or keys that are worked on at once: what bounds the memory."""

Embed = Callable[[Sequence[str]], np.ndarray]


def near_duplicates(texts: Sequence[str], *, embed: Embed | None = None) -> np.ndarray:
    """int64 [P, 2], pairs i < j of texts that are equal or differ in little more than a word, in order.

    Of several equal texts each is paired with the first, and only the first with what is near to them.
    """
    words = _Words.of(texts)
    first, group = np.unique(words.whole, return_index=True, return_inverse=True)[1:]
    again = np.flatnonzero(first[group] != np.arange(len(texts)))
    different = np.sort(first)
    found = [np.stack([first[group[again]], again], 1), _one_changed(words, different), _one_in_ten(words, different)]
    return _distinct(np.concatenate(found))


def clusters(pairs: np.ndarray, count: int) -> np.ndarray:
    """int64 [count], for each of so many texts the lowest number of a text that it hangs together with, its own where
    it stands alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), (count, count))
    _, component = connected_components(links, directed=False)
    first = np.unique(component, return_index=True)[1]
    return first[component].astype(np.int64)


@dataclass(frozen=True)
class _Words:
    """Of N texts the words, one behind the other.

    hashes: uint64 [W]. starts: int64 [N + 1], where each text's begin. whole: uint64 [N], equal for equal texts.
    lone: bool [N], texts whose pieces are characters.
    """

    hashes: np.ndarray
    starts: np.ndarray
    whole: np.ndarray
    lone: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str]) -> _Words:
        known: dict[str, int] = {}
        numbers, lengths, whole, lone = array("I"), array("q", [0]), array("Q"), array("b")
        for text in texts:
            pieces = _pieces(text)
            whole.append(int.from_bytes(blake2b("".join(pieces).encode("utf-8", "replace"), digest_size=8).digest()))
            del pieces[_KEPT:]
            lone.append(2 * sum(piece[0] >= "\u0e00" and _IS_LONE(piece) is not None for piece in pieces) > len(pieces))
            numbers.extend([known.setdefault(piece, len(known)) for piece in pieces])
            lengths.append(len(pieces))
        hashes = _mixed(np.array(numbers, np.uint32).astype(np.uint64))
        return cls(hashes, np.array(lengths).cumsum(), np.array(whole), np.array(lone, bool))

    @property
    def lengths(self) -> np.ndarray:
        """int64 [N]."""
        return np.diff(self.starts)

    def chunks(self, chosen: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The chosen texts in order, some at a time: their numbers, of all their words the hashes, and where each
        text's words begin, [M + 1]."""
        lengths = self.lengths[chosen]
        which = lengths.cumsum() // _AT_ONCE
        for numbers in np.split(chosen, np.flatnonzero(np.diff(which)) + 1):
            starts = np.concatenate([[0], self.lengths[numbers].cumsum()])
            yield numbers, self.hashes[_ranges(self.starts[numbers], starts)], starts


def _pieces(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("\u2019", "")
    return _PIECES.findall(folded) or ["".join(folded.split()) or "\0"]


def _ranges(begins: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Indices of M stretches, one behind the other. begins: [M]. starts: [M + 1], cumulated lengths."""
    return np.repeat(begins - starts[:-1], np.diff(starts)) + np.arange(starts[-1])


def _mixed(keys: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele et al. 2014): every bit of a key changes half of the bits."""
    with np.errstate(over="ignore"):
        keys = (keys + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return keys ^ (keys >> np.uint64(31))


def _distinct(pairs: np.ndarray) -> np.ndarray:
    """int64 [P, 2], the smaller number first, in order."""
    low, high = pairs.min(1, initial=1 << 62), pairs.max(1, initial=0)
    keys = np.unique(low.astype(np.uint64) << np.uint64(32) | high.astype(np.uint64))
    return np.stack([keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF)], 1).astype(np.int64)


# ---- one word changed


def _one_changed(words: _Words, different: np.ndarray) -> np.ndarray:
    """Pairs [P, 2] that are equal once one word is left out of either or both, in a place that few words fill."""
    lengths, lone = words.lengths[different], words.lone[different]
    found = [np.zeros((0, 2), np.int64)]
    for kind in (0, 1):
        chosen = different[(lone == kind) & (lengths >= _FOR_EACH[kind] - 1) & (lengths <= _MOST[kind])]
        passes = int(words.lengths[chosen].sum() * _WINDOWS[kind] // (4 * _AT_ONCE)) + 1
        for turn in range(passes):
            signs, owners = _left_out(words, chosen, kind, _Share(turn, passes))
            found.append(_same_sign(signs, owners, _FILLERS))
    return np.concatenate(found)


@dataclass(frozen=True)
class _Share:
    """A part of all keys, so that never all of them are in memory."""

    turn: int
    passes: int

    def of(self, keys: np.ndarray) -> np.ndarray:
        """bool, which keys belong to it."""
        return keys % np.uint64(self.passes) == self.turn


def _left_out(words: _Words, chosen: np.ndarray, kind: int, share: _Share) -> tuple[np.ndarray, np.ndarray]:
    """Keys of the chosen texts as they are and with a word left out at every place, and whose they are.

    A key is a polynomial of the pieces' hashes modulo 2^64. Its base is odd and so has an inverse, by which what
    stands behind a gap moves up.
    """
    base = 0x9E3779B97F4A7C15
    back = pow(base, -1, 1 << 64)
    signs, owners = [], []
    for numbers, hashes, starts in words.chunks(chosen):
        lengths = np.diff(starts)
        powers = _powers(base, int(lengths.max(initial=0)))
        terms = hashes * powers[_ranges(np.zeros(len(numbers), np.int64), starts)]
        sums = np.concatenate([np.zeros(1, np.uint64), terms.cumsum()])  # wraps, as it should
        begin, end = sums[starts[:-1]], sums[starts[1:]]
        _keep(signs, owners, share, end - begin, numbers)
        for gap in range(1, _WINDOWS[kind] + 1):
            places = np.where(lengths >= gap * _FOR_EACH[kind], lengths - gap + 1, 0)
            cuts = np.concatenate([[0], places.cumsum()])
            at = _ranges(starts[:-1], cuts)
            text = np.repeat(np.arange(len(numbers)), places)
            behind = (end[text] - sums[at + gap]) * np.uint64(pow(back, gap, 1 << 64))
            _keep(signs, owners, share, sums[at] - begin[text] + behind, numbers[text])
    if not signs:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    return np.concatenate(signs), np.concatenate(owners)


def _powers(base: int, count: int) -> np.ndarray:
    powers = np.full(count + 1, base, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


def _keep(
    signs: list[np.ndarray], owners: list[np.ndarray], share: _Share, keys: np.ndarray, whose: np.ndarray
) -> None:
    mine = share.of(keys)
    signs.append(keys[mine])
    owners.append(whose[mine])


def _same_sign(signs: np.ndarray, owners: np.ndarray, most: int) -> np.ndarray:
    """Pairs [P, 2] of owners of one key, where there are at most so many of them."""
    order = np.lexsort((owners, signs))
    signs, owners = signs[order], owners[order]
    fresh = np.ones(len(signs), bool)
    fresh[1:] = (signs[1:] != signs[:-1]) | (owners[1:] != owners[:-1])
    signs, owners = signs[fresh], owners[fresh]
    sizes = _sizes(signs)
    pairs = [np.zeros((0, 2), np.int64)]
    for step in range(1, most):
        both = (signs[step:] == signs[: len(signs) - step]) & (sizes[step:] <= most)
        pairs.append(np.stack([owners[:-step][both], owners[step:][both]], 1))
    return np.concatenate(pairs)


def _sizes(signs: np.ndarray) -> np.ndarray:
    """[K], of sorted keys how many are equal to each."""
    begins = np.flatnonzero(np.concatenate([[True], signs[1:] != signs[:-1]])) if len(signs) else np.zeros(0, int)
    counts = np.diff(np.append(begins, len(signs)))
    return np.repeat(counts, counts)


# ---- one word in ten


def _one_in_ten(words: _Words, different: np.ndarray) -> np.ndarray:
    """Pairs [P, 2] of long texts of which at most a tenth of the words that tell something differ."""
    lengths, lone = words.lengths[different], words.lone[different].astype(int)
    long = different[lengths >= np.array(_LONG)[lone]]
    if len(long) < 2:
        return np.zeros((0, 2), np.int64)
    telling = _telling(words, long)
    enough = np.diff(telling.starts) >= _FOR_EACH[0]
    rows = np.flatnonzero(enough)
    marks = _minhash(telling, rows)
    found = []
    for band in range(_BANDS):
        keys = np.zeros(len(rows), np.uint64)
        for mark in marks[band * _BAND : (band + 1) * _BAND]:
            keys = _mixed(keys ^ mark)
        found.append(_neighbours(keys, rows))
    pairs = _distinct(np.concatenate(found))
    return long[pairs[_differing(telling, pairs)]]


def _telling(words: _Words, long: np.ndarray) -> _Words:
    """The words of the long texts (of unspaced ones the pairs of characters) that not too many texts have."""
    parts, counts = [], []
    seen = np.zeros(1 << 20, np.int64)
    for numbers, hashes, starts in words.chunks(long):
        last = np.zeros(len(hashes), bool)
        last[starts[1:] - 1] = True
        lone = np.repeat(words.lone[numbers], np.diff(starts))
        following = np.where(last, np.uint64(0), np.roll(hashes, -1))
        keys = np.where(lone, _mixed(hashes ^ (following >> np.uint64(1))), hashes)
        parts.append(keys)
        counts.append(np.diff(starts))
        seen += np.bincount((keys >> np.uint64(44)).astype(np.int64), minlength=len(seen))
    keys = np.concatenate(parts)
    lengths = np.concatenate(counts)
    kept = seen[(keys >> np.uint64(44)).astype(np.int64)] <= max(_COMMON_FROM, _COMMON * len(long))
    owner = np.repeat(np.arange(len(long)), lengths)
    starts = np.concatenate([[0], np.bincount(owner[kept], minlength=len(long)).cumsum()])
    return _Words(keys[kept], starts, words.whole[long], words.lone[long])


def _minhash(telling: _Words, rows: np.ndarray) -> list[np.ndarray]:
    """Of each row's words the least under as many hash functions as the bands need, [R] each."""
    salts = _mixed(np.arange(1000, 1000 + _BANDS * _BAND, dtype=np.uint64))
    marks: list[list[np.ndarray]] = [[] for _ in salts]
    for _, hashes, starts in telling.chunks(rows):
        for mark, salt in zip(marks, salts, strict=True):
            mark.append(np.minimum.reduceat((hashes ^ salt) * (salt | np.uint64(1)), starts[:-1]))
    return [np.concatenate(mark) for mark in marks]


def _neighbours(keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Pairs [P, 2] of rows with one key: all of a few, of a crowd each with the next ones and with the first."""
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    pairs = [np.zeros((0, 2), np.int64)]
    for step in range(1, _CROWD):
        both = keys[step:] == keys[:-step]
        pairs.append(np.stack([rows[:-step][both], rows[step:][both]], 1))
    first = np.unique(keys, return_index=True, return_inverse=True)
    heads = rows[first[1]][first[2]]
    pairs.append(np.stack([heads, rows], 1)[heads != rows])
    return np.concatenate(pairs)


def _differing(telling: _Words, pairs: np.ndarray) -> np.ndarray:
    """bool [P], pairs whose words differ in at most one of ten, however ordered."""
    lengths = telling.lengths
    good = np.zeros(len(pairs), bool)
    allowed = np.maximum(1, lengths[pairs].max(1) // 10)
    near = np.abs(np.diff(lengths[pairs], axis=1)[:, 0]) <= allowed
    which = np.flatnonzero(near)
    costs = lengths[pairs[which]].sum(1).cumsum() // _AT_ONCE
    for part in np.split(which, np.flatnonzero(np.diff(costs)) + 1):
        good[part] = _distance(telling, pairs[part]) <= allowed[part]
    return good


def _distance(telling: _Words, pairs: np.ndarray) -> np.ndarray:
    """int64 [P], how many words of one text, counted as often as they stand there, the other has not."""
    lengths = telling.lengths[pairs]
    starts = np.concatenate([[0], lengths.ravel().cumsum()])
    hashes = telling.hashes[_ranges(telling.starts[pairs.ravel()], starts)]
    pair = np.repeat(np.arange(len(pairs)), lengths.sum(1))
    sign = np.repeat(np.tile([1, -1], len(pairs)), lengths.ravel())
    order = np.lexsort((hashes, pair))
    hashes, pair, sign = hashes[order], pair[order], sign[order]
    begins = np.flatnonzero(np.concatenate([[True], (hashes[1:] != hashes[:-1]) | (pair[1:] != pair[:-1])]))
    surplus = np.add.reduceat(sign, begins)
    more = np.bincount(pair[begins], np.maximum(surplus, 0), len(pairs))
    less = np.bincount(pair[begins], np.maximum(-surplus, 0), len(pairs))
    return np.maximum(more, less).astype(np.int64)
