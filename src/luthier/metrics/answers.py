"""How well a said answer agrees with the right ones: the rules of SQuAD (Rajpurkar et al. 2016, 2018) by words, and of
CMRC 2018 (Cui et al. 2019) by characters.

An unanswerable question has no right answer, and "" is then right. Two answers of which nothing is left by the rules
agree as well, as in SQuAD 2's script.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

import numpy as np

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_CMRC_SIGNS = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_CMRC_SEGMENT = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f\U00020000-\U0003134f]"  # a character for itself
    r"|\d+(?:[.,]\d+)+|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f\U00020000-\U0003134f]+|[^\w\s]"
)
"""The script cuts what lies between Chinese characters with NLTK: words, numbers with their points, single signs. Kana,
Thai and rare characters stand for themselves too, which it leaves open."""


def normalised(text: str) -> str:
    """As SQuAD compares: lower case, no ASCII punctuation, no English articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def word_agreement(said: str, right: str) -> tuple[float, float]:
    """F1 over words and whether both are the same, as SQuAD counts."""
    ours, theirs = normalised(said).split(), normalised(right).split()
    if not ours or not theirs:
        return float(ours == theirs), float(ours == theirs)
    common = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * common / (len(ours) + len(theirs)), float(ours == theirs)


def character_agreement(said: str, right: str) -> tuple[float, float]:
    """F1 over the longest common run of characters (of other scripts: words), and whether both are the same, as CMRC
    2018 counts."""
    plain = [text.lower().strip().translate(_CMRC_SIGNS) for text in (said, right)]
    ours, theirs = (_CMRC_SEGMENT.findall(text) for text in plain)
    exact = float(plain[0] == plain[1])
    if not ours or not theirs:
        return float(ours == theirs), exact
    common = SequenceMatcher(None, ours, theirs, autojunk=False).find_longest_match().size
    return 2 * common / (len(ours) + len(theirs)), exact


def agreement(said: str, right: Sequence[str], by_character: bool) -> tuple[float, float]:
    """F1 and exact match with the best of the right answers; of an unanswerable question with none."""
    rule: Callable[[str, str], tuple[float, float]] = character_agreement if by_character else word_agreement
    found = [rule(said, text) for text in _answerable(right, by_character) or ("",)]
    return max(f1 for f1, _ in found), max(exact for _, exact in found)


def answer_scores(
    f1_N: np.ndarray, exact_N: np.ndarray, loss_N: np.ndarray, has_answer_N: np.ndarray, weights_RN: np.ndarray
) -> dict[str, np.ndarray]:
    """Means by name, [R] each. loss_N: NaN where there is none. Where some questions have an answer and some have
    none, F1 over each kind as well."""

    def mean(values_N: np.ndarray, counts_N: np.ndarray) -> np.ndarray:
        weights = weights_RN * counts_N
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights @ np.where(counts_N, values_N, 0.0)) / weights.sum(1)

    everywhere = np.ones(len(f1_N), bool)
    scores = {"f1": mean(f1_N, everywhere), "exact_match": mean(exact_N, everywhere)}
    if has_answer_N.any() and not has_answer_N.all():
        scores |= {"has_answer_f1": mean(f1_N, has_answer_N), "no_answer_f1": mean(f1_N, ~has_answer_N)}
    return {**scores, "loss": mean(loss_N, ~np.isnan(loss_N))}


def _answerable(right: Sequence[str], by_character: bool) -> list[str]:
    """Without those of which SQuAD's rules leave nothing."""
    return [text for text in right if by_character or normalised(text)]
