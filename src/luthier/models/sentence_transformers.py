"""The files beside a model by which the sentence-transformers library knows how texts become vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

POOLINGS = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token", "last": "pooling_mode_lasttoken"}
"""Ours, to the names that every version of the library reads."""
_LATER = {"lasttoken": "last"}
_CAUSAL = ("ForCausalLM", "LMHeadModel")
_FAMILY = "sentence_transformers.models."


def folder_pooling(folder: Path) -> str | None:
    """How the model in the folder says that it is pooled; None where it says nothing, or something that is not among
    POOLINGS."""
    content = _read(folder / "1_Pooling" / "config.json")
    named = content.get("pooling_mode")
    if isinstance(named, str):
        mode = _LATER.get(named, named)
        return mode if mode in POOLINGS else None
    modes = {key for key, value in content.items() if key.startswith("pooling_mode_") and value is True}
    return next((mode for mode, key in POOLINGS.items() if modes == {key}), None)


def folder_prompts(folder: Path) -> tuple[str, str]:
    """What the model in the folder wants before a query, and before a document."""
    prompts = _read(folder / "config_sentence_transformers.json").get("prompts")
    known = prompts if isinstance(prompts, Mapping) else {}

    def first(*names: str) -> str:
        return next((known[name] for name in names if isinstance(known.get(name), str)), "")

    return first("query"), first("document", "passage", "corpus")


def reads_one_way(folder: Path) -> bool:
    """Whether only the last token of a text has seen all of it."""
    names = _read(folder / "config.json").get("architectures")
    return isinstance(names, list) and any(str(name).endswith(_CAUSAL) for name in names)


def write_modules(folder: Path, pooling: str, size: int, query: str, document: str) -> None:
    """Into a folder that has the model. size: of a vector. query, document: what stands before a text."""
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    listed = [
        {"idx": i, "name": str(i), "path": path, "type": _FAMILY + kind} for i, (path, kind) in enumerate(modules)
    ]
    _write(folder / "modules.json", listed)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": None, "do_lower_case": False})
    modes = {key: mode == pooling for mode, key in POOLINGS.items()}
    _write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": size, **modes, "include_prompt": True})
    (folder / "2_Normalize").mkdir(exist_ok=True)
    about = {
        "prompts": {"query": query, "document": document},
        "default_prompt_name": None,
        "similarity_fn_name": "cosine",
    }
    _write(folder / "config_sentence_transformers.json", about)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
