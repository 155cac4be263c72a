"""How well texts that a model wrote agree with the right ones.

Of each text a few numbers are kept, whose sums over any choice of texts give the scores: a thousand resamples cost one
multiplication of matrices.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from luthier.metrics.last_number import ends_in_number, last_number
from luthier.metrics.overlap import bleu_counts, bleu_of, chrf_counts, chrf_of, ngrams, rouge_l, rouge_n, words_of

_MOST = 0.9
"""Share of the right answers that must be numbers, or JSON, for scores that make sense of nothing else."""
_FULL_STOPS = ".。"


def _share(sums_R2: np.ndarray) -> np.ndarray:
    """From sums of a part and of its whole, [R]; NaN where there is no whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums_R2[:, 1] > 0, sums_R2[:, 0] / sums_R2[:, 1], np.nan)


_FROM_SUMS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "rouge_l": _share,
    "rouge_1": _share,
    "rouge_2": _share,
    "chrf": chrf_of,
    "bleu": bleu_of,
    "exact_match": _share,
    "numeric_match": _share,
    "json_valid": _share,
    "json_match": _share,
    "distinct_1": _share,
    "distinct_2": _share,
    "length_ratio": _share,
    "stopped": _share,
}
"""In the order in which they are shown."""
NAMES = tuple(_FROM_SUMS)
_SELDOM = ("numeric_match", "json_valid", "json_match")


def text_figures(said: str, right: str, stopped: bool | None = None) -> dict[str, tuple[float, ...]]:
    """By score what has to be known of one text. stopped: whether the model ended by itself; None where nobody knows.

    rouge_l, rouge_1, rouge_2, chrf, bleu: as in overlap.py. exact_match: the same text, whatever the case, the width of
    its characters (NFKC), white space between words, and a full stop at the end. numeric_match: the same last number;
    only of right answers that end in one. json_valid, json_match: whether it is JSON, and whether it says the same,
    whatever the order of keys; only of right answers that are a JSON object or list. distinct_1, distinct_2: of all
    words (pairs of words) said the share that does not repeat what the same text said before (intra-distinct of Gu et
    al. 2019); low where a model goes in circles. length_ratio: words said to words right, characters in scripts
    without spaces.
    """
    ours, theirs = words_of(said), words_of(right)
    figures: dict[str, tuple[float, ...]] = {
        "rouge_l": (rouge_l(ours, theirs), 1.0),
        "rouge_1": (rouge_n(ours, theirs, 1), 1.0),
        "rouge_2": (rouge_n(ours, theirs, 2), 1.0),
        "chrf": chrf_counts(said, right),
        "bleu": bleu_counts(said, right),
        "exact_match": (float(_normal(said) == _normal(right)), 1.0),
        "length_ratio": (float(len(ours)), float(len(theirs))),
    }
    for n in (1, 2):
        counted = ngrams(ours, n)
        figures[f"distinct_{n}"] = (float(len(counted)), float(counted.total()))
    if ends_in_number(right):
        figures["numeric_match"] = (float(last_number(said) == last_number(right)), 1.0)
    wanted = _json(right)
    if isinstance(wanted, (dict, list)):
        found = _json(said)
        figures["json_valid"] = (float(found is not _NOTHING), 1.0)
        figures["json_match"] = (float(_same(found, wanted)), 1.0)
    if stopped is not None:
        figures["stopped"] = (float(stopped), 1.0)
    return figures


def text_scores(figures: Sequence[Mapping[str, tuple[float, ...]]], weights_RN: np.ndarray) -> dict[str, np.ndarray]:
    """The scores of N texts by name, [R] each. figures: what `text_figures` says of each; of a text that was not asked
    for nothing, and it does not count. weights_RN: how often each counts.

    A score is there where any text has its figures; one for numbers or JSON, where nearly all have them.
    """
    known = sum(1 for of_one in figures if of_one)
    scores: dict[str, np.ndarray] = {}
    columns: dict[str, slice] = {}
    width = 0
    for name in NAMES:
        having = [of_one[name] for of_one in figures if name in of_one]
        if len(having) > (_MOST * known if name in _SELDOM else 0):
            columns[name] = slice(width, width + len(having[0]))
            width += len(having[0])
    matrix_NK = np.zeros((len(figures), width))
    for row, of_one in zip(matrix_NK, figures, strict=True):
        for name, where in columns.items():
            if name in of_one:
                row[where] = of_one[name]
    sums_RK = weights_RN @ matrix_NK
    for name, where in columns.items():
        scores[name] = _FROM_SUMS[name](sums_RK[:, where])
    return scores


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(_FULL_STOPS).rstrip()


_NOTHING = object()


def _json(text: str) -> Any:
    """The value; _NOTHING for a text that is no JSON."""
    try:
        return json.loads(text, parse_int=Decimal, parse_float=Decimal)
    except (ValueError, RecursionError):
        return _NOTHING


def _same(first: Any, second: Any) -> bool:
    """1 and 1.0 are the same, 1 and true are not."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(value, second[key]) for key, value in first.items())
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return isinstance(first, bool) == isinstance(second, bool) and first == second
