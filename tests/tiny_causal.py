"""Tiny causal language models with random weights, and tokenizers that read bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

END_OF_TEXT = "<|endoftext|>"
CHAT_TOKENS = ("<|im_start|>", "<|im_end|>")
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "{% for call in message.tool_calls or [] %}<call>{{ call.function | tojson }}</call>{% endfor %}"
    "<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_WORDS = (
    "parcel late courier driver porch tracking depot waiting money back return refund credit unwanted send cash "
    "invoice charged twice card payment vat receipt voucher the my it was is and to on please again today still "
)


def write_causal(folder: Path, template: str | None = CHAT, *, special: Sequence[str] = CHAT_TOKENS) -> Path:
    """A Llama of two layers. template: None for a base model. special: tokens that its tokenizer knows beside the end
    of text."""
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    inner = byte_tokenizer(special)
    fast = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=END_OF_TEXT, pad_token=END_OF_TEXT)
    fast.chat_template = template
    config = LlamaConfig(
        vocab_size=inner.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, intermediate_size=64, max_position_embeddings=512, bos_token_id=None,
        eos_token_id=inner.token_to_id(END_OF_TEXT), pad_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def byte_tokenizer(special: Sequence[str] = (), soft: Sequence[str] = ()) -> Any:
    """Of bytes, with the pieces of some words. soft: added tokens that are not special."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator([_WORDS * 2 + "\n\nuser\nassistant\nsystem\n On its way, it was. On it."], trainer)
    inner.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in (END_OF_TEXT, *special)])
    inner.add_tokens([AddedToken(token, special=False, normalized=False) for token in soft])
    return inner
