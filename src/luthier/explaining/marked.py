"""Texts with their words marked as a piece of HTML. What a colour says is said without it too: words that speak for the
answer are underlined, those against it are struck with a dotted line under them and a minus, the stronger the thicker;
and a reader aloud hears of the strong ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from luthier.language import t

_LEVELS = 4
_HEARD = 3
"""The level from which on a word's part in the answer is read aloud."""
_FAINT = 0.08
"""Share of the strongest word's value below which a word is not marked."""
STYLE = (
    ".why{line-height:2.1}.why .w{padding:.08em .12em;border-radius:.2em;text-decoration-skip-ink:none}"
    + "".join(
        f".why .p{n}{{background:rgba(42,120,90,{0.10 * n:.2f});border-bottom:{n}px solid #1d6b4c}}"
        f".why .m{n}{{background:rgba(176,74,40,{0.10 * n:.2f});border-bottom:{n}px dotted #9a3a17}}"
        for n in range(1, _LEVELS + 1)
    )
    + ".why .u{opacity:.55;font-style:italic}.why sup{font-size:.65em;padding-left:.1em}"
    ".why .aloud{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}"
)
"""What a page that holds such pieces puts into its style."""


def fragment(explanation: Mapping[str, Any]) -> str:
    """explanation: as Explanation.as_json gives it."""
    texts = explanation["texts"]
    return "".join(_reason(texts, reason) for reason in explanation["reasons"])


def _reason(texts: Sequence[str], reason: Mapping[str, Any]) -> str:
    strongest = max((abs(word["value"]) for word in reason["words"]), default=0.0)
    shown: list[str] = []
    for number, text in enumerate(texts):
        own = [word for word in reason["words"] if word["text"] == number]
        shown.append(f'<p dir="auto">{_text(text, own, strongest)}</p>')
    head = escape(t("why {about}", about=reason["about"]))
    return f'<figure class="why"><figcaption>{head}</figcaption>{"".join(shown)}</figure>'


def _text(text: str, words: Sequence[Mapping[str, Any]], strongest: float) -> str:
    made, last = [], 0
    for word in words:
        made.append(escape(text[last : word["start"]]) + _word(text[word["start"] : word["end"]], word, strongest))
        last = word["end"]
    return "".join([*made, escape(text[last:])])


def _word(text: str, word: Mapping[str, Any], strongest: float) -> str:
    if word.get("unread"):
        return f'<span class="w u" title="{escape(t("not read: the text is too long"))}">{escape(text)}</span>'
    level = strength(word["value"], strongest)
    if not level:
        return escape(text)
    sign, kind = ("+", "p") if word["value"] > 0 else ("−", "m")
    heard = ""
    if level >= _HEARD:
        said = t("speaks for it") if word["value"] > 0 else t("speaks against it")
        heard = f'<span class="aloud"> ({escape(said)})</span>'
    mark = f'<sup aria-hidden="true">{sign}</sup>' if level >= _HEARD else ""
    return f'<span class="w {kind}{level}" title="{word["value"]:+.3f}">{escape(text)}{mark}{heard}</span>'


def strength(value: float, strongest: float) -> int:
    """0 for a word that matters little, up to 4."""
    share = abs(value) / strongest if strongest else 0.0
    return 0 if share < _FAINT else min(_LEVELS, 1 + int(share * _LEVELS))
