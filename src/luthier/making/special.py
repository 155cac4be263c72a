"""Which special tokens a make of model needs, and where its tokenizer puts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer, processors

CAUSAL, MASKED, BOTH = "causal", "masked", "encoder-decoder"

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""A turn: its role on the first line, its text, the end of the turn."""
_SENTINELS = 100
"""Of T5: what stands for a span that was taken out."""


@dataclass(frozen=True)
class Special:
    """roles: transformers' names (eos_token …) to tokens. more: special tokens without such a name. template: what is
    put around a text; "" for nothing. chat: the chat template, or ""."""

    roles: dict[str, str]
    more: tuple[str, ...] = ()
    template: str = ""
    chat: str = ""

    @property
    def tokens(self) -> list[str]:
        """In the order of their ids, from 0."""
        return list(dict.fromkeys([*self.roles.values(), *self.more]))

    @property
    def unknown(self) -> str | None:
        return self.roles.get("unk_token")


def special_tokens(make: str, defaults: Any = None, *, unknown: bool = False) -> Special:
    """make: what such a model learns. defaults: a configuration of the class with nothing asked for, whose token ids
    tell which of the families' customs it follows. unknown: whether the vocabulary must have a token for that.

    A causal model has documents end with <|endoftext|>, and turns of a conversation with <|im_end|>, so that neither is
    ever the padding. Models that begin texts with a token of their own follow RoBERTa and BART, the others BERT and T5.
    """
    begins = getattr(defaults, "bos_token_id", None) is not None
    if make == CAUSAL:
        end = "<|endoftext|>"
        roles = {"eos_token": end, "bos_token": end, "pad_token": "<|pad|>"}
        roles |= {"unk_token": "<|unk|>"} if unknown else {}
        return Special(roles, ("<|im_start|>", "<|im_end|>"), chat=CHATML)
    if make == BOTH and not begins:
        roles = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
        return Special(roles, tuple(f"<extra_id_{i}>" for i in range(_SENTINELS)), "$A </s>")
    if begins:
        roles = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
        return Special({**roles, "mask_token": "<mask>", "cls_token": "<s>", "sep_token": "</s>"}, (), "<s> $A </s>")
    roles = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return Special({**roles, "mask_token": "[MASK]"}, (), "[CLS] $A [SEP]")


def put_around(tokenizer: Tokenizer, special: Special) -> None:
    """The tokenizer puts them around every text, and between the two texts of a pair."""
    if not special.template:
        return
    before, _, after = special.template.partition("$A")
    pair = f"{special.template} $B:1 {after.strip()}:1".strip()
    ids = [(token, tokenizer.token_to_id(token)) for token in dict.fromkeys([*before.split(), *after.split()])]
    tokenizer.post_processor = processors.TemplateProcessing(single=special.template, pair=pair, special_tokens=ids)
