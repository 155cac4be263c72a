"""Which labels are one label to a person? "Spam", "spam " and "ѕpam" are three classes to a model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations

_LATIN = dict(zip("АВЕЗКМНОРСТУХІЈЅаеорсухіјѕԁһԛԝѵ", "ABE3KMHOPCTYXIJSaeopcyxijsdhqwv", strict=True))
_LATIN |= dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧον", "ABEZHIKMNOPTYXov", strict=True))
_LATIN |= dict.fromkeys("‐‑‒–—−", "-") | dict.fromkeys("‘’ʼ′", "'") | dict.fromkeys("“”″", '"') | {"ı": "i"}
_LOOKS_LIKE = str.maketrans(_LATIN)
"""Cyrillic and Greek letters that a reader cannot tell from Latin ones, and the kinds of dash and quotation mark. A
letter stands here only if common fonts draw it the same: Unicode's own list of confusables (UTS 39) goes further and
takes 1 for l and rn for m, which would merge labels that differ."""
_UNSEEN = {0xFE0E, 0xFE0F}
"""Choose between the plain and the coloured form of a sign."""
_JOINS = re.compile(r"(?<=[^\W\d_])[-_./ ]+(?=[^\W\d_])")
_WORD = re.compile(r"[^\W\d_]+")
_LONG_WORD = 7
"""Letters from which a word may have one of them wrong: below, lost and last or formal and normal differ by one."""
_STEM = 4
"""Letters that a word must have before its plural's s."""
_RARE = 0.2
"""Rows of a misspelling at most, as a share of those of the right spelling."""
_MOST_LABELS, _LONGEST = 5000, 80
"""Beyond these it is no set of labels, and comparing would take long."""


def alike_labels(counts: Mapping[str, int]) -> list[list[str]]:
    """Groups of labels that look the same or differ by case, space, width or what cannot be seen; the commonest of
    each group first. They can be merged without asking. counts: rows of each label."""
    pairs = [*_pairs_by(_folded, counts), *_pairs_by(_drawn, counts)]
    return _groups(pairs, counts)


def similar_labels(counts: Mapping[str, int]) -> list[list[str]]:
    """Groups that may be one label in several spellings, less surely: a hyphen, an underscore or a space between
    words; a plural; or one letter wrong inside a long word, where the one spelling is rare beside the other. Of labels
    that are alike only the commonest is in a group."""
    hidden = {label for group in alike_labels(counts) for label in group[1:]}
    labels = [label for label in counts if label not in hidden and len(label) <= _LONGEST]
    if len(labels) > _MOST_LABELS:
        return []
    pairs = [*_pairs_by(_unjoined, labels), *_pairs_by(_singular, labels)]
    pairs += [(a, b) for a, b in _near(labels) if _is_slip(_folded(a), _folded(b)) and _is_rare(counts[a], counts[b])]
    return _groups(pairs, counts)


def _folded(label: str) -> str:
    """Without case, outer and doubled space, width and what cannot be seen."""
    return " ".join(_visible(label).split()).casefold()


def _drawn(label: str) -> str:
    """As it is drawn: the same for letters of two scripts that look the same."""
    return " ".join(_visible(label).translate(_LOOKS_LIKE).split()).casefold()


def _visible(label: str) -> str:
    wide = unicodedata.normalize("NFKC", label)
    return "".join(c for c in wide if c.isspace() or not (unicodedata.category(c) in ("Cf", "Cc") or ord(c) in _UNSEEN))


def _unjoined(label: str) -> str:
    return _JOINS.sub("", _folded(label))


def _singular(label: str) -> str:
    """With its last word in the singular, as far as English spelling tells."""
    folded = _JOINS.sub(" ", _folded(label))
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", "")):
        if folded.endswith(ending):
            word = folded.rpartition(" ")[2]
            is_plural = len(word) - len(ending) >= _STEM and word.isascii() and word.isalpha()
            return folded[: -len(ending)] + instead if is_plural and not word.endswith(("ss", "us", "is")) else folded
    return folded


def _pairs_by(key: Callable[[str], str], labels: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each label with the first of equal key."""
    first: dict[str, str] = {}
    for label in labels:
        one = first.setdefault(key(label), label)
        if one != label:
            yield one, label


def _near(labels: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs that one letter less inside a long word, on either side or on both, makes equal: all that are one slip
    apart, and some more."""
    by_rest: dict[str, list[str]] = {}
    for label in labels:
        folded = _folded(label)
        long = [word.span() for word in _WORD.finditer(folded) if len(word.group()) >= _LONG_WORD - 1]
        rests = {folded[:i] + folded[i + 1 :] for start, end in long for i in range(start + 1, end - 1)}
        for rest in {folded, *rests} if long else ():
            by_rest.setdefault(rest, []).append(label)
    yield from {pair for group in by_rest.values() for pair in combinations(group, 2)}


def _is_slip(a: str, b: str) -> bool:
    """Whether they differ by one letter inside a long word: neither its first, which turns typical into atypical, nor
    its last, which turns an employee into an employer."""
    start = _common(a, b)
    end = _common(a[start:][::-1], b[start:][::-1])
    mine, yours = a[start : len(a) - end], b[start : len(b) - end]
    swapped = len(mine) == 2 and mine == yours[::-1]
    if (max(len(mine), len(yours)) > 1 and not swapped) or not (mine + yours).isalpha():
        return False
    words = [next((w for w in _WORD.finditer(text) if w.start() < start and w.end() > stop), None)
             for text, stop in ((a, len(a) - end), (b, len(b) - end))]  # fmt: skip
    return all(word is not None and len(word.group()) >= _LONG_WORD - 1 for word in words) and any(
        word is not None and len(word.group()) >= _LONG_WORD for word in words
    )


def _common(a: str, b: str) -> int:
    """Characters with which both begin."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _is_rare(a: int, b: int) -> bool:
    return min(a, b) <= _RARE * max(a, b)


def _groups(pairs: Iterable[tuple[str, str]], counts: Mapping[str, int]) -> list[list[str]]:
    """What the pairs tie together; the commonest first, within a group and among them."""
    group_of: dict[str, list[str]] = {}
    for a, b in pairs:
        mine, yours = group_of.setdefault(a, [a]), group_of.setdefault(b, [b])
        if mine is not yours:
            mine += yours
            group_of.update(dict.fromkeys(yours, mine))
    groups = {id(group): sorted(group, key=lambda label: (-counts[label], label)) for group in group_of.values()}
    return sorted(groups.values(), key=lambda group: (-sum(counts[label] for label in group), group))
