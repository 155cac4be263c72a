"""Does a word give the label away, so that a model learns the word and not the text?"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from luthier.data.findings import WARNING
from luthier.doctor.check import Check
from luthier.doctor.gathered import Gathered, Sampled
from luthier.doctor.labels.names import names_of
from luthier.errors import shown
from luthier.language import t
from luthier.types import Finding

_BUDGET = 3_000_000
"""Characters to look at without deep: some two seconds."""
_LONGEST = 20_000
"""Characters of one text: beyond, every word stands in it."""
_DENSE = "\u3040-\u30ff\u3400-\u9fff"
_TOKEN = re.compile(rf"[{_DENSE}]|[^\W{_DENSE}]+(?:['’-][^\W{_DENSE}]+)*|[^\w\s]")
_PRECISION = 0.99
_BOUNDS = ((30, 0.5), (15, 0.95))
"""Texts that have the token at least, and the share of the label's texts that have it: a rare token must be in all."""
_LEAST_ROWS = 30
_STEM = 4
"""Letters that a word shares with one of the label's name where it is of its kin: spell, spelling."""
_OWN_NAME, _OTHER_NAME = 0.5, 0.05
_MOST_CLASSES = 1000
_MOST_TOLD = 5


@dataclass(frozen=True)
class _Clue:
    """token: stands in the rows of these indices. hits: of them with the label. coverage: share of the label's rows
    that have it. accuracy: of answering the label where the token stands, else the commonest label of the rest."""

    token: str
    label: str
    rows: Sequence[int]
    hits: int
    coverage: float
    accuracy: float


class Shortcuts(Check):
    """shortcut: a token that has the same label in 99 % of its texts and stands in half of that label's, or, where it
    stands in fewer than 30 texts, in 95 % of them. Words of the label's own name are no shortcut but its meaning
    ("timer" for set_timer); see label-in-text. On nine public sets of 7,000 to 36,000 rows none fires."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        rows = _labelled(data, deep=self.context.deep)
        labels = [names_of(data.label_names[data.label[row.number]]) for row in rows]
        clues = sorted(_clues(rows, labels), key=lambda clue: (-clue.accuracy, -clue.coverage, -len(clue.token)))
        best: dict[str, _Clue] = {}
        for clue in clues:
            best.setdefault(clue.label, clue)
        for clue in list(best.values())[:_MOST_TOLD]:
            what = t("{token} alone gives the label {label} away: {coverage:.0%} of its texts have it, and of the "
                     "{rows:,} texts that have it {precision:.1%} have that label; going by it alone is right on "
                     "{accuracy:.1%} of all rows", token=shown(clue.token), label=shown(clue.label),
                     rows=len(clue.rows), coverage=clue.coverage, precision=clue.hits / len(clue.rows),
                     accuracy=clue.accuracy)  # fmt: skip
            fix = t("will it stand in the texts that are to be judged? if not, take it out, or nothing else is learnt")
            numbers = [rows[i].number for i in clue.rows]
            yield Finding(WARNING, "shortcut", what, fix, data.places(numbers, data.text_column))


class LabelInText(Check):
    """label-in-text: in most rows the text says its own label, and hardly ever another."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        rows = _labelled(data, deep=self.context.deep)
        said = {part: name for label in data.labels for part in names_of(label) if (name := _said(part))}
        every = set(said.values())
        if len(rows) < _LEAST_ROWS or len(every) < 2:
            return
        sizes = {len(name) for name in every}
        own, other = [], 0
        for row in rows:
            words = _words(row.text)
            there = {gram for n in sizes for gram in zip(*(words[i:] for i in range(n)), strict=False)} & every
            mine = {said[name] for name in names_of(data.label_names[data.label[row.number]]) if name in said}
            if mine & there:
                own.append(row.number)
            other += bool(there - mine)
        share, wrong = len(own) / len(rows), other / len(rows)
        if share >= _OWN_NAME and wrong <= _OTHER_NAME:
            what = t("{share:.0%} of the texts say the name of their own label and {wrong:.1%} that of another",
                     share=share, wrong=wrong)  # fmt: skip
            fix = t("take the label out of the text, unless it will stand there in the texts that are to be judged too")
            yield Finding(WARNING, "label-in-text", what, fix, data.places(own, data.text_column))


def tokens(text: str) -> set[str]:
    """Words, single signs and emoji; of Chinese and Japanese single characters and pairs of them. Lower case."""
    found = _words(text)
    pairs = {a + b for a, b in pairwise(found) if _is_dense(a) and _is_dense(b)}
    return pairs.union(found)


def _words(text: str) -> list[str]:
    return _TOKEN.findall(text[:_LONGEST].lower())


def _is_dense(word: str) -> bool:
    return "\u3040" <= word[0] <= "\u9fff"


def _said(label: str) -> tuple[str, ...] | None:
    """The words of a label's name as a text would say it; None for a number or a letter, which say nothing."""
    words = tuple(_words(label.replace("_", " ").replace("-", " ")))
    letters = sum(2 if _is_dense(word) else len(word) for word in words if word[0].isalpha())
    return words if letters >= _STEM - 1 else None


def _labelled(data: Gathered, *, deep: bool) -> Sequence[Sampled]:
    """Rows of the sample that have a class, every k-th of them, so that their characters keep to the budget."""
    if not 1 < len(data.labels) <= _MOST_CLASSES:
        return []
    rows = [row for row in data.sample.rows if data.label[row.number] >= 0]
    characters = sum(min(len(row.text), _LONGEST) for row in rows)
    return rows if deep else rows[:: max(1, -(-characters // _BUDGET))]


def _clues(rows: Sequence[Sampled], labels: Sequence[tuple[str, ...]]) -> Iterator[_Clue]:
    """labels: of each row."""
    totals = Counter(name for names in labels for name in names)
    for token, name, hits, having in _sure(rows, labels, totals):
        if totals[name] < len(rows) and not _is_of(token, name):
            rest = totals - Counter(other for i in having for other in labels[i])
            accuracy = (hits + max(rest.values(), default=0)) / len(rows)
            yield _Clue(token, name, having, hits, hits / totals[name], accuracy)


def _sure(
    rows: Sequence[Sampled], labels: Sequence[tuple[str, ...]], totals: Mapping[str, int]
) -> Iterator[tuple[str, str, int, list[int]]]:
    """Tokens that keep to the three bounds, each with its label, how many rows have both, and the rows that have it."""
    numbers: dict[str, int] = {}
    classes = {name: c for c, name in enumerate(totals)}
    there, owners, pairs = array("i"), array("i"), array("q")
    for i, (row, names) in enumerate(zip(rows, labels, strict=True)):
        found = [numbers.setdefault(token, len(numbers)) for token in tokens(row.text)]
        there.extend(found)
        owners.extend([i] * len(found))
        for name in names:
            pairs.extend(number * len(classes) + classes[name] for number in found)
    if not there:
        return
    number_of, row_of = np.array(there, np.int64), np.array(owners, np.int64)
    sizes = np.bincount(number_of)
    keys, hits = np.unique(np.array(pairs, np.int64), return_counts=True)
    size, total = sizes[keys // len(classes)], np.array(list(totals.values()))[keys % len(classes)]
    enough = np.any([(size >= rows) & (hits >= coverage * total) for rows, coverage in _BOUNDS], axis=0)
    sure = enough & (hits >= _PRECISION * size)
    words, names = list(numbers), list(classes)
    for key, count in zip(keys[sure].tolist(), hits[sure].tolist(), strict=True):
        having = row_of[number_of == key // len(classes)].tolist()
        yield words[key // len(classes)], names[key % len(classes)], count, having


def _is_of(token: str, name: str) -> bool:
    """Whether the token is a word of the label's name or of its kin."""
    words = [word for word in _words(name.replace("_", " ").replace("-", " ")) if word[0].isalnum()]
    return any(token == word or (_is_dense(token) and token in name) or _are_kin(token, word) for word in words)


def _are_kin(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return len(short) > 2 and (long.startswith(short) or (short[:_STEM] == long[:_STEM] and len(short) >= _STEM))
