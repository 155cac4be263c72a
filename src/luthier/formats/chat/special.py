"""Marks that chat templates and tokenizers give a meaning of their own, written by a person in a text."""

from __future__ import annotations

import re

_SPECIAL = re.compile(
    r"<\|[A-Za-z][\w ]{0,30}\|>"  # ChatML, Llama 3, Phi, GLM: <|im_end|>, <|eot_id|>
    r"|<\uff5c[^<>\uff5c]{1,40}\uff5c>"  # DeepSeek, with full-width bars
    r"|</?s>|<(?:bos|eos|pad|unk|mask)>|\[/?INST\]|<</?SYS>>|\[(?:CLS|SEP|PAD|MASK|UNK)\]"
    r"|<(?:start|end)_of_turn>|</?tool_(?:call|response)>|\[gMASK\]|<sop>|<eop>"
)


def special_token(text: str) -> str | None:
    """The first such mark in a text."""
    if "<" not in text and "[" not in text:
        return None
    found = _SPECIAL.search(text)
    return found and found.group()
