"""The perturbations there are, by name, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Mapping

from luthier.augmenting.method import Change
from luthier.augmenting.perturbing.forms import full_width, lowercase, no_punctuation, spaces, uppercase
from luthier.augmenting.perturbing.typos import homophones, typos
from luthier.augmenting.perturbing.wordings import (
    contractions,
    number_words,
    numerals,
    particles,
    polite_you,
    politeness,
)
from luthier.language import t

_ALL: tuple[Change, ...] = (
    typos, homophones, lowercase, uppercase, no_punctuation, spaces, full_width, contractions, number_words, politeness,
    particles, polite_you, numerals,
)  # fmt: skip
PERTURBATIONS: Mapping[str, Change] = {change.__name__: change for change in _ALL}


def perturbation_title(name: str) -> str:
    """A perturbation's name for people."""
    titles = {
        "typos": t("typing errors"),
        "homophones": t("characters of the same sound"),
        "lowercase": t("all in lower case"),
        "uppercase": t("all in upper case"),
        "no_punctuation": t("without punctuation"),
        "spaces": t("more spaces"),
        "full_width": t("full-width letters and signs"),
        "contractions": t("contractions (do not, don't)"),
        "number_words": t("numbers as words (3, three)"),
        "politeness": t("a greeting before it"),
        "particles": t("的 for 地 and 得"),
        "polite_you": t("您 for 你, 你 for 您"),
        "numerals": t("numerals (三, 3)"),
    }
    return titles[name]
