"""What an expert would choose for a model that learns from running text, or that begins with nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from luthier.language import t

_BLOCK = {"cpu": 512}
_BLOCK_ON_GPU = 1024
_STEP_SIZES = ((5_000_000, 8_192), (100_000_000, 32_768))
_LARGEST_STEP = 131_072
"""Tokens a step, by how many there are to learn from."""
_LEAST_STEPS = 20
"""An epoch."""
_TOKENS_A_WEIGHT = 20
"""What a model of that size can use best (Hoffmann et al. 2022)."""
_MOST_PASSES = 10
"""Text that is seen again teaches nearly as much as new text up to about four times, and little beyond sixteen
(Muennighoff et al. 2023)."""
_HIGHEST_RATE = 2e-3
_FEW_TOGETHER = 128
_FEW_EACH = 10


def block_length(most_tokens: int, device: str) -> tuple[int, str]:
    """most_tokens: that the model takes."""
    value = min(most_tokens, _BLOCK.get(device, _BLOCK_ON_GPU))
    return value, t("the texts are joined and cut into blocks of this length; the model takes {cap}", cap=most_tokens)


def blocks_a_step(tokens: int, length: int) -> tuple[int, str]:
    """tokens: of all training texts. length: of a block."""
    wanted = next((size for most, size in _STEP_SIZES if tokens < most), _LARGEST_STEP)
    value = max(1, round(min(wanted, tokens / _LEAST_STEPS) / length))
    return value, t("{step:,} tokens a step, of {tokens:,} in all", step=value * length, tokens=tokens)


def passes(tokens: int, weights: int, *, pretrained: bool) -> tuple[int, str]:
    """How often all texts are seen. weights: of the model's layers."""
    if pretrained:
        value = 1 if tokens > 100_000_000 else 3
        return value, t("{tokens:,} tokens for a model that is pretrained already", tokens=tokens)
    value = min(_MOST_PASSES, max(1, round(_TOKENS_A_WEIGHT * weights / max(1, tokens))))
    return value, t("{tokens:,} tokens for {weights:,} weights; about 20 tokens a weight are best, and what is seen "
                    "more than ten times teaches little", tokens=tokens, weights=weights)  # fmt: skip


def from_few(rows: int) -> dict[str, tuple[Any, str]]:
    """Of few-shot tuning by setting the value and its reason. rows: of training."""
    each = min(rows, _FEW_TOGETHER)
    return {
        "batch_size": (each, t("each step holds so many texts against each other")),
        "epochs": (1, t("an epoch is tuning.steps steps")),
    }


def few_shot_hint(counts: Sequence[int], method: str) -> str:
    """What to try where there are few rows of each class; "" elsewhere. counts: training rows of each class, empty for
    a task without. Measured with 8 a class: docs/few_shot.md."""
    if method != "full" or len(counts) < 2 or sum(counts) > _FEW_EACH * len(counts):
        return ""
    return t("{each:.0f} training rows a class on average: tuning.method=few_shot is made for so few; with "
             "data.split.validation=0 it learns from all of them", each=sum(counts) / len(counts))  # fmt: skip


def from_nothing(width: int, epochs: int, *, joined: bool, writes: bool) -> dict[str, tuple[Any, str]]:
    """By setting the value and its reason. width: of the model. epochs: usual for a pretrained one. joined: whether it
    learns from running text. writes: whether the answer is a text that it writes.

    The rates of models that write are those of published ones from 100 million to 7 billion weights (GPT-3, Llama),
    which lie near 6e-4 · 768 / width; BERT, which normalises behind each layer, learnt at 1e-4 (Devlin et al. 2019).
    2,000 rows of SST-2, 6 layers of 384: macro-F1 0.75 at 1e-4, 0.74 at 3e-4; at 1.2e-3 it says the same to all.
    """
    rate = float(f"{min(_HIGHEST_RATE, (6e-4 if joined or writes else 1e-4) * 768 / width):.1e}")
    chosen: dict[str, tuple[Any, str]] = {
        "learning_rate": (rate, t("from nothing, hidden size {size}: higher than for tuning", size=width)),
        "warmup": (0.05 if joined else 0.1, t("from nothing the first steps are the roughest")),
        "weight_decay": (0.1, t("from nothing there is no good place to stay near")),
    }
    if not joined:
        chosen["epochs"] = (min(30, 3 * epochs), t("from nothing: three times as many as for tuning"))
    return chosen
