"""Models with random weights and a tokenizer trained on the rows themselves, as a folder that any library reads: for
speed the weights do not matter."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

TURN, END, PAD = "<|im_start|>", "<|im_end|>", "<|pad|>"
_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "small": ("llama", {"hidden_size": 384, "intermediate_size": 1024, "num_hidden_layers": 6,
                        "num_attention_heads": 6, "num_key_value_heads": 6, "max_position_embeddings": 1024,
                        "tie_word_embeddings": True}),
    "qwen3-0.6b": ("qwen3", {"vocab_size": 151_936, "hidden_size": 1024, "intermediate_size": 3072,
                             "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8,
                             "head_dim": 128, "max_position_embeddings": 40_960, "tie_word_embeddings": True}),
    "llama-8b": ("llama", {"vocab_size": 128_256, "hidden_size": 4096, "intermediate_size": 14_336,
                           "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
                           "max_position_embeddings": 8192, "tie_word_embeddings": False}),
}  # fmt: skip
"""Sizes of the models that carry these names; small: 6 layers of 384."""


def write_model(folder: Path, texts: Iterable[str], vocabulary: int, shape: str = "small") -> Path:
    """vocabulary: of the tokenizer; the model of a real shape has its own. ChatML."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoConfig, PreTrainedTokenizerFast
    from transformers.models.auto.modeling_auto import AutoModelForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[PAD, TURN, END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, eos_token=END)
    wrapped.chat_template = _TEMPLATE
    wrapped.save_pretrained(folder)
    torch.manual_seed(0)
    kind, sizes = SHAPES[shape]
    options = {"vocab_size": len(wrapped), "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 2, **sizes}
    config = AutoConfig.for_model(kind, **options)
    where = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.device(where):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32 if shape == "small" else torch.bfloat16)
    model.save_pretrained(folder)
    del model
    if where == "cuda":  # whose memory is measured next
        torch.cuda.empty_cache()
    return folder
