"""A tokenizer.json as llama.cpp wants a vocabulary told: tokens, what kind each is, merges, and by which rule texts are
cut before they are merged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import ConfigError
from luthier.language import t

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
"""Kinds of tokens, as GGUF numbers them."""
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_OTHERS = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_BY_PATTERN = {
    _CONTRACTIONS + r"\p{N}{1,3}" + _OTHERS: "llama-bpe",
    _CONTRACTIONS + r"\p{N}" + _OTHERS: "qwen2",
}
"""llama.cpp's names of the rules of Llama 3 and Qwen 2 to 3, by the pattern in tokenizer.json."""


@dataclass(frozen=True)
class Vocabulary:
    """rule: llama.cpp's name of how texts are cut. tokens, kinds: by id. merges: "left right", the first ones first."""

    rule: str
    tokens: list[str]
    kinds: list[int]
    merges: list[str]


def read_vocabulary(folder: Path, size: int) -> Vocabulary:
    """size: rows of the embedding; ids without a token get one that is never used.

    Errors: ConfigError for a tokenizer that is no byte-level BPE, or cuts texts by a rule that llama.cpp has no name
    for here: it would read texts otherwise, and say nothing.
    """
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    model, rule = content["model"], _rule(content)
    if model.get("type") != "BPE" or model.get("byte_fallback") or rule is None:
        what = t("its tokenizer is none that is known to llama.cpp as Luthier writes it")
        fix = t("byte-level tokenizers as those of Llama 3, Qwen 2 to 3, GPT-2 and SmolLM fit; or --format merged")
        raise ConfigError.at("--format", what, fix, code="conflict")
    tokens = [f"[PAD{i}]" for i in range(size)]
    kinds = [UNUSED] * size
    for token, number in model["vocab"].items():
        if number < size:
            tokens[number], kinds[number] = token, NORMAL
    for added in content.get("added_tokens") or ():
        if added["id"] < size:
            tokens[added["id"]] = added["content"]
            kinds[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return Vocabulary(rule, tokens, kinds, merges)


def _rule(content: Mapping[str, Any]) -> str | None:
    """None for one that is not known. A text that is changed before it is cut (lower case, …) is none of llama.cpp's;
    NFC, Qwen's, changes few texts and is left out there, too."""
    normalizer = content.get("normalizer")
    if normalizer is not None and normalizer.get("type") != "NFC":
        return None
    cutter = content.get("pre_tokenizer") or {}
    parts = cutter["pretokenizers"] if cutter.get("type") == "Sequence" else [cutter]
    last = parts[-1]
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space"):
        return None
    by_words = last.get("use_regex", True)
    if len(parts) == 1:
        return "gpt-2" if by_words else None
    if len(parts) == 2 and parts[0].get("type") == "Digits" and parts[0].get("individual_digits") and by_words:
        return "smollm"
    if len(parts) == 2 and parts[0].get("type") == "Split" and not by_words:
        return _BY_PATTERN.get(parts[0].get("pattern", {}).get("Regex", ""))
    return None
