"""Which languages are the texts in, and which rows are in another than most?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from luthier.data.findings import WARNING
from luthier.doctor.check import Check, Context
from luthier.doctor.gathered import Gathered
from luthier.language import t
from luthier.text.scripts import text_language
from luthier.types import Finding

_MOST_TEXTS = 10_000
_START = 300
"""Characters of a text that are looked at."""
_WORD = re.compile(r"[^\W\d_]+")
_LEAST_WORDS = 6
"""Of a text in Latin letters, below which its language cannot be told: "de la" stands in an English name."""
_SHORT = "short"
_SPACELESS = frozenset(("zh", "ja", "ko", "th"))
_LEAST_CHARACTERS = 4
_LEAST_SHARE = 0.02
_LATIN = frozenset(("en", "de", "fr", "es", "it", "pt", "nl", "pl"))
_LEAST_LATIN_SHARE = 0.05
"""Of a language told by its small words: a few rows in a hundred are mistaken ones."""


class Languages(Check):
    """language-mix."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._facts: dict[str, Any] = {}

    def findings(self, data: Gathered) -> Iterable[Finding]:
        rows = data.sample.rows
        if not self.context.deep:
            rows = rows[:: max(1, -(-len(rows) // _MOST_TEXTS))]
        found = [(row.number, language) for row in rows if (language := told_language(row.text[:_START]))]
        told = Counter(language for _, language in found if language in _LATIN).most_common(1)
        usual = told[0][0] if told else "en"
        found = [(number, usual if language == _SHORT else language) for number, language in found]
        counts = Counter(language for _, language in found)
        self._facts = {"languages": dict(counts.most_common())} if counts else {}
        if not found:
            return
        main = counts.most_common(1)[0][0]
        others = {language: count for language, count in counts.items() if _is_many(main, language, count / len(found))}
        if others:
            shares = ", ".join(f"{language} {counts[language] / len(found):.1%}" for language in (main, *others))
            what = t("the texts are in several languages: {shares} (of {rows:,} texts looked at)",
                     shares=shares, rows=len(found))  # fmt: skip
            fix = t("take a model of several languages, or train on each alone; are rows of another source among them?")
            numbers = [number for number, language in found if language in others]
            yield Finding(WARNING, "language-mix", what, fix, data.places(numbers, data.text_column))

    def facts(self) -> dict[str, Any]:
        return self._facts


def told_language(text: str) -> str | None:
    """The language of a text; _SHORT of one in Latin letters that is too short to tell; None where nothing can be
    told."""
    language = text_language(text)
    if language == "other":
        return None
    if language in _SPACELESS:
        return language if sum(c > "\u0e00" for c in text) >= _LEAST_CHARACTERS else None
    is_long = len(_WORD.findall(text)) >= _LEAST_WORDS
    return language if is_long else _SHORT if language in _LATIN else None


def _is_many(main: str, language: str, share: float) -> bool:
    least = _LEAST_LATIN_SHARE if {main, language} <= _LATIN else _LEAST_SHARE
    return language != main and share >= least
