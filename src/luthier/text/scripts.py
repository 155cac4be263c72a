"""Which language texts are in, well enough to choose a model and an analyser: by script, then by small words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")),
    ("ar", re.compile(r"[\u0600-\u06ff\u0750-\u077f]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("latin", re.compile(r"[A-Za-z\u00c0-\u024f]")),
)
_SMALL_WORDS = {
    "en": "the and is to of it you that for was not with this have my are but be on in",
    "de": "der die das und ist nicht ich mit ein eine auf für zu von den sie wir auch",
    "fr": "le la les et est pas je une un des vous que pour dans avec sur mais ce",
    "es": "el la los que no es una un por con para mi se las como pero está",
    "it": "il la che non di una un per con sono mi ho della ma come del",
    "pt": "o a que não uma um por com para meu se os como mas está do da",
    "nl": "de het een en is niet ik van dat op voor met zijn maar ook",
    "pl": "nie to jest na się że do w z jak mam ale co dla",
}  # fmt: skip
_WORDS = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_ENGLISH_BY_DEFAULT = 0.02
_PIECES_A_WORD = 2


def text_language(text: str) -> str:
    """An ISO 639-1 code, or "other" where the text has no letters. Japanese with a few kana counts as Japanese."""
    counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPTS}
    if counts["ja"] and counts["ja"] * 20 >= counts["zh"]:
        counts["ja"] += counts["zh"]
        counts["zh"] = 0
    weights = {name: count * (3 if name in ("zh", "ja", "ko", "th") else 1) for name, count in counts.items()}
    script = max(weights, key=lambda name: weights[name])
    if not counts[script]:
        return "other"
    return _latin_language(text) if script == "latin" else script


def main_language(texts: Iterable[str], most: int = 2000) -> tuple[str, float]:
    """The commonest language and its share of the first `most` texts that have letters."""
    counts: Counter[str] = Counter()
    for _, text in zip(range(most), texts, strict=False):
        counts[text_language(text[:2000])] += 1
    counts.pop("other", None)
    if not counts:
        return "other", 0.0
    name, count = counts.most_common(1)[0]
    return name, count / counts.total()


def is_spaced(language: str) -> bool:
    """Whether words stand apart: else an analyser must count characters."""
    return language not in ("zh", "ja", "th")


def about_tokens(text: str, *, spaced: bool) -> int:
    """How many tokens a text has, roughly, where no tokenizer is at hand. spaced: whether its words stand apart."""
    return _PIECES_A_WORD * len(text.split()) if spaced else len(text)


def _latin_language(text: str) -> str:
    words = re.findall(r"[^\W\d_]+", text.lower())
    hits = {language: sum(word in known for word in words) for language, known in _WORDS.items()}
    best = max(hits, key=lambda language: hits[language])
    if hits[best] <= hits["en"] or hits[best] < _ENGLISH_BY_DEFAULT * len(words) or hits[best] < 2:
        return "en"  # short texts without small words are English more often than not
    return best
