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
_KINDS: Mapping[str, type] = {
    "max_new_tokens": int, "temperature": float, "top_p": float, "top_k": int, "repetition_penalty": float,
    "num_beams": int, "no_repeat_ngram_size": int, "seed": int,
}  # fmt: skip
"""Those fields of a Generation that can be set here; it needs torch, and a mistake is told before."""


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
    """One that writes so. Errors: ConfigError for a model that writes no text, and for values that mean nothing."""
    if not how:
        return predictor
    from luthier.inference.speech import as_writer

    writer = as_writer(predictor)
    if how.get("temperature") and "num_beams" not in how:
        how = {**how, "num_beams": 1}
    changed = writer.writing(**how)
    changed.how()
    return replace(predictor, codec=replace(predictor.codec, task=changed))


def _read(name: str, value: str) -> Any:
    if name not in _KINDS:
        what = t("there is no setting {name}", name=shown(_SECTION + name))
        raise ConfigError.at("command line", what, did_you_mean(name, _KINDS), code="unknown-key")
    try:
        return _KINDS[name](value)
    except ValueError:
        fix = t("use a whole number") if _KINDS[name] is int else t("use a number")
        raise ConfigError.at(_SECTION + name, t("is {value}", value=shown(value)), fix, code="wrong-type") from None
