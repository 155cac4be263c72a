"""Which pretrained model to begin with where none is named: by language, task and hardware, never by the network.

Names and sizes are those of the hub's model cards, read in November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass

from luthier.extras import has
from luthier.language import t
from luthier.models.find import EMBEDDED, ModelFolder, find_model
from luthier.types import Choice


@dataclass(frozen=True)
class KnownModel:
    """parameters: in millions."""

    name: str
    parameters: int


UNDERSTANDING = frozenset(
    ("classification", "multilabel", "regression", "ner", "question_answering", "retrieval", "multitask", "fusion")
)
"""Tasks for which a default is known."""
_UNDERSTANDING = {
    ("en", "cpu"): KnownModel(EMBEDDED, 23),
    ("en", "gpu"): KnownModel("answerdotai/ModernBERT-base", 149),
    ("zh", "cpu"): KnownModel("uer/chinese_roberta_L-6_H-384", 19),
    ("zh", "gpu"): KnownModel("hfl/chinese-macbert-base", 102),
    ("other", "cpu"): KnownModel("intfloat/multilingual-e5-small", 118),
    ("other", "gpu"): KnownModel("FacebookAI/xlm-roberta-base", 278),
}
_OF_KIND = {
    "AutoModelForSeq2SeqLM": {
        ("en", "cpu"): KnownModel("google-t5/t5-small", 61),
        ("en", "gpu"): KnownModel("facebook/bart-base", 139),
        ("zh", "cpu"): KnownModel("fnlp/bart-base-chinese", 140),
        ("zh", "gpu"): KnownModel("fnlp/bart-base-chinese", 140),
        ("other", "cpu"): KnownModel("google/mt5-small", 300),
        ("other", "gpu"): KnownModel("google/mt5-small", 300),
    }
}
"""Of tasks that understanding models cannot do, by transformers' class."""


def default_model(language: str, has_gpu: bool, kind: str = "") -> tuple[KnownModel, str]:
    """The model for a task, and the reason in words. kind: the task's class of transformers; for one that is not
    listed the model is one of understanding (classification and its kin)."""
    key = language if language in ("en", "zh") else "other"
    hardware = "gpu" if has_gpu else "cpu"
    model = _OF_KIND.get(kind, _UNDERSTANDING)[key, hardware]
    kind = {"en": t("English"), "zh": t("Chinese"), "other": t("several or other languages")}[key]
    where = t("a GPU") if has_gpu else t("a CPU")
    reason = t("the texts are {language}, the machine has {hardware}; {size} million parameters",
               language=kind, hardware=where, size=model.parameters)  # fmt: skip
    return model, reason


def smaller_models(language: str, kind: str, millions: float) -> list[KnownModel]:
    """Those that would do instead of one of so many million parameters, the largest first; kind as of
    `default_model`."""
    key = language if language in ("en", "zh") else "other"
    of_kind = _OF_KIND.get(kind, _UNDERSTANDING)
    usual = {of_kind[key, hardware] for hardware in ("cpu", "gpu")}
    return sorted((m for m in usual if m.parameters < 0.9 * millions), key=lambda m: -m.parameters)


def choose_model(name: str, language: str, kind: str = "", *, weights: bool = True) -> tuple[ModelFolder, list[Choice]]:
    """The named model; for "auto" one that suits language, hardware and kind (as of `default_model`). A mistake in a
    name is told without loading a deep-learning library. weights: as of `find_model`. Errors: ModelError where the
    model cannot be had.
    """
    if name != "auto":
        return find_model(name, weights=weights), []
    known, reason = default_model(language, has_gpu(), kind)
    return find_model(known.name, weights=weights), [Choice("model", known.name, reason)]


def has_gpu() -> bool:
    if not has("torch"):
        return False
    import torch

    return torch.cuda.is_available()
