"""generation.… settings among the words of a command: how a model that writes is to write this time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from luthier.errors import ConfigError, LuthierError, did_you_mean, shown
from luthier.language import t

if TYPE_CHECKING:
    from luthier.inference.artifact import Predictor

_SECTION = "generation."
_HELP = t("such as generation.temperature=0.7 or generation.max_new_tokens=200")
_LIMITS: Mapping[str, tuple[type, float, float]] = {
    "max_new_tokens": (int, 1, 2**20), "temperature": (float, 0, 100), "top_p": (float, 1e-9, 1),
    "top_k": (int, 0, 2**31), "repetition_penalty": (float, 1e-9, 100), "num_beams": (int, 1, 1000),
    "no_repeat_ngram_size": (int, 0, 2**20), "seed": (int, 0, 2**63 - 1),
}  # fmt: skip
"""Kind, least and most of each."""


def split_settings(words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """The other words, and what is said of the generation. Errors: ConfigError."""
    others = [word for word in words if not word.startswith(_SECTION)]
    asked = (word.removeprefix(_SECTION).partition("=") for word in words if word.startswith(_SECTION))
    return others, {name: _read(name, value) for name, _, value in asked}


def refuse_others(words: Sequence[str]) -> None:
    """Errors: LuthierError for a word that is no generation.… setting."""
    if words:
        what = t("{word} changes nothing here", word=shown(words[0]))
        raise LuthierError.at("command line", what, _HELP, code="usage")


def as_asked(predictor: Predictor, how: Mapping[str, Any]) -> Predictor:
    """One that writes so. Errors: ConfigError for a model that writes no text."""
    if not how:
        return predictor
    from luthier.inference.speech import as_writer

    writer = as_writer(predictor)
    if how.get("temperature") and writer.how().num_beams > 1 and "num_beams" not in how:
        how = {**how, "num_beams": 1}
    if how.get("temperature") and how.get("num_beams", 1) > 1:
        what, fix = t("beams are not drawn"), t("give one of temperature and num_beams")
        raise ConfigError.at("generation.num_beams", what, fix, code="conflict")
    return replace(predictor, codec=replace(predictor.codec, task=writer.writing(**how)))


def _read(name: str, value: str) -> Any:
    if name not in _LIMITS:
        what = t("there is no setting {name}", name=shown(_SECTION + name))
        raise ConfigError.at("command line", what, did_you_mean(name, _LIMITS), code="unknown-key")
    kind, least, most = _LIMITS[name]
    try:
        found = kind(value)
    except ValueError:
        found = None
    if found is None or not least <= found <= most:
        fix = t("give a number from {least} to {most}", least=f"{least:g}", most=f"{most:g}")
        raise ConfigError.at(_SECTION + name, t("is {value}", value=shown(value)), fix, code="out-of-range")
    return found
