"""What is known of models that need not be here: known.json, written down by hand from their cards and files."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from luthier.language import t

MANY = "many"
"""For `languages`: no single one."""
_MOST_PARAMETERS = {"cpu": 160, "gpu": 700}
"""Millions, of models that are proposed unasked: what tunes in minutes to an hour on such a machine."""
_MOST_PROPOSED = 8
_KINDS = {
    "AutoModelForSeq2SeqLM": ("encoder-decoder",),
    "AutoModelForCausalLM": ("causal",),
    "AutoModel": ("sentence-embedding", "encoder"),
}
_UNDERSTANDING = ("encoder", "sentence-embedding")


@dataclass(frozen=True)
class Listed:
    """kind: encoder, sentence-embedding, encoder-decoder or causal. architecture: model_type of its config.json.
    parameters: in millions. context: tokens that it reads at most. languages: a code, or many. licence: as the card
    names it; "" where it names none. tokenizer: wordpiece, unigram or bpe. use: what it was made for."""

    name: str
    kind: str
    architecture: str
    parameters: int
    context: int
    languages: str
    licence: str
    tokenizer: str
    use: str

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@cache
def list_date() -> str:
    """When the list was last gone through."""
    return _content()["date"]


@cache
def known_models() -> tuple[Listed, ...]:
    return tuple(Listed(**entry) for entry in _content()["models"])


def listed(name: str) -> Listed | None:
    """By the hub's name; case does not count, as on the hub."""
    return next((model for model in known_models() if model.name.casefold() == name.casefold()), None)


def suited(auto_class: str, language: str, has_gpu: bool) -> Sequence[Listed]:
    """Of the kind that a task takes, for the texts' language, of a size that this kind of machine tunes: those of the
    language alone first, then smaller ones. auto_class: the task's class of transformers."""
    kinds, most = _KINDS.get(auto_class, _UNDERSTANDING), _MOST_PARAMETERS["gpu" if has_gpu else "cpu"]
    found = [m for m in known_models() if m.kind in kinds and m.languages in (language, MANY) and m.parameters <= most]
    return sorted(found, key=lambda m: (m.languages == MANY, kinds.index(m.kind), m.parameters, m.name))


def proposed(auto_class: str, language: str, has_gpu: bool, usual: str, here: Collection[str]) -> Sequence[Listed]:
    """Of those that suit a few of different sizes, without what is here; models of many languages only where the
    language has few of its own. usual: the name of the default, which comes first."""
    found = [model for model in suited(auto_class, language, has_gpu) if model.name not in here]
    own = [model for model in found if model.languages != MANY]
    pool = sorted(own if len(own) >= _MOST_PROPOSED else found, key=lambda m: (m.parameters, m.name))
    first = [model for model in found if model.name == usual]
    pool = [model for model in pool if model not in first]
    few = min(len(pool), _MOST_PROPOSED - len(first))
    return [*first, *(pool[k * (len(pool) - 1) // max(1, few - 1)] for k in range(few))]


def use_title(use: str) -> str:
    """What a model was made for, for people."""
    titles = {
        "understanding": t("understanding"),
        "similarity": t("likeness of texts"),
        "search": t("search"),
        "text to text": t("text to text"),
        "summaries": t("summaries"),
        "translation": t("translation"),
        "plain text": t("plain text"),
        "conversation": t("conversation"),
    }
    return titles[use]


@cache
def _content() -> dict[str, Any]:
    return json.loads((files("luthier.candidates") / "known.json").read_text(encoding="utf-8"))
