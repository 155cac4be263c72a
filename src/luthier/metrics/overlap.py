"""What a text has in common with the right one, counted so that the counts of many texts can be added up: ROUGE (Lin
2004), BLEU (Papineni et al. 2002), chrF (Popović 2015).

Words are compared without case and without signs; in scripts without spaces a word is a character, as for Chinese
summaries. On English, ROUGE is what the package rouge_score gives without its stemmer; BLEU and chrF are sacrebleu's.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from luthier.extras import need
from luthier.text.scripts import is_spaced, text_language

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

BLEU_ORDER, CHRF_ORDER = 4, 6
"""The longest n-grams that are counted, as in sacrebleu."""
_CHRF_BETA = 2
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f\U00020000-\U0003134f]")
"""Kana, Chinese, Thai."""


class _Parting(dict[int, str]):
    """For str.translate: signs to spaces, characters of scripts without spaces apart, all else as it is."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if _UNSPACED.match(character):
            parted = f" {character} "
        else:  # vowel signs and accents are marks (M): they belong to their word
            inside = character.isalnum() or unicodedata.category(character).startswith("M")
            parted = character if inside else " "
        self[code] = parted
        return parted


_PARTING = _Parting()


def words_of(text: str) -> list[str]:
    """Its words as ROUGE compares them."""
    return text.lower().translate(_PARTING).split()


def ngrams(words: Sequence[Hashable], n: int) -> Counter[tuple[Hashable, ...]]:
    return Counter(zip(*(words[i:] for i in range(n)), strict=False))


def rouge_n(said: Sequence[str], right: Sequence[str], n: int) -> float:
    """F1 over n-grams of words; 0 where either text has none."""
    ours, theirs = ngrams(said, n), ngrams(right, n)
    return _f1((ours & theirs).total(), ours.total(), theirs.total())


def rouge_l(said: Sequence[str], right: Sequence[str]) -> float:
    """F1 over the longest common subsequence of words."""
    return _f1(common_subsequence(said, right), len(said), len(right))


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest one. Of the table of the textbook a row is kept as the bits of one number, a zero
    where it goes up (Hyyrö 2004): a text of a thousand words takes milliseconds."""
    places: dict[str, int] = {}
    for i, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << i
    whole = (1 << len(first)) - 1
    row = whole
    for word in second:
        met = row & places.get(word, 0)
        row = (row + met | row - met) & whole
    return len(first) - row.bit_count()


def bleu_counts(said: str, right: str) -> tuple[float, ...]:
    """Words said, words right, then how many n-grams of each length agree, then how many were said. sacrebleu cuts
    Chinese by its rules for Chinese, Japanese and Thai into characters, all else by mteval's 13a."""
    language = text_language(right)
    kind = "13a" if is_spaced(language) else "zh" if language == "zh" else "char"
    found = _bleu(kind).corpus_score([said], [[right]])
    return tuple(map(float, (found.sys_len, found.ref_len, *found.counts, *found.totals)))


def bleu_of(sums_RK: np.ndarray) -> np.ndarray:
    """From sums of such counts to BLEU, 0 to 100, [R]. An n-gram length of which none agrees counts as half of one,
    the next as a quarter, and so on (sacrebleu's "exp")."""
    said_R, right_R = sums_RK[:, 0], sums_RK[:, 1]
    agree_RN, all_RN = sums_RK[:, 2 : 2 + BLEU_ORDER], sums_RK[:, 2 + BLEU_ORDER :]
    halvings_RN = np.cumsum((agree_RN == 0) & (all_RN > 0), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        smoothed_RN = np.where(agree_RN > 0, agree_RN, 0.5**halvings_RN) / all_RN
        log_R = np.log(np.where(all_RN > 0, 100 * smoothed_RN, 1e-300)).mean(1)
        brevity_R = np.where(said_R < right_R, np.exp(1 - right_R / said_R), 1.0)
    nothing_R = (agree_RN == 0).all(1) | (all_RN == 0).any(1)
    return np.where(nothing_R, 0.0, brevity_R * np.exp(log_R))


def chrf_counts(said: str, right: str) -> tuple[float, ...]:
    """For each length of n-grams of characters, white space left out: how many were said (where the right text has
    any), are right, and agree."""
    ours, theirs = ("".join(text.split()) for text in (said, right))
    counts: list[float] = []
    for n in range(1, CHRF_ORDER + 1):
        mine, right_ones = (Counter(text[i : i + n] for i in range(len(text) - n + 1)) for text in (ours, theirs))
        counts += [mine.total() if right_ones else 0, right_ones.total(), (mine & right_ones).total()]
    return tuple(map(float, counts))


def chrf_of(sums_RK: np.ndarray) -> np.ndarray:
    """From sums of such counts to chrF2, 0 to 100, [R]: precision and recall are means over the lengths of which both
    texts have some, and recall counts twice as much."""
    said_RN, right_RN, agree_RN = sums_RK[:, 0::3], sums_RK[:, 1::3], sums_RK[:, 2::3]
    both_RN = (said_RN > 0) & (right_RN > 0)
    lengths_R = np.maximum(both_RN.sum(1), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision_R = np.where(both_RN, agree_RN / said_RN, 0.0).sum(1) / lengths_R
        recall_R = np.where(both_RN, agree_RN / right_RN, 0.0).sum(1) / lengths_R
        weighted_R = _CHRF_BETA**2 * precision_R + recall_R
        found_R = (1 + _CHRF_BETA**2) * precision_R * recall_R / weighted_R
    return np.where(weighted_R > 0, 100 * found_R, 0.0)


@cache
def _bleu(kind: str) -> BLEU:
    return need("sacrebleu").BLEU(tokenize=kind, force=True)


def _f1(common: int, said: int, right: int) -> float:
    return 2 * common / (said + right) if common else 0.0
