"""Tiny language models with random weights, of many makes."""

from __future__ import annotations

from functools import cache
from typing import Any

WIDTH = 61
_SIZE: dict[str, Any] = {
    "vocab_size": WIDTH, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 64,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
_T5: dict[str, Any] = {
    "vocab_size": WIDTH, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "dropout_rate": 0.0,
    "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 2,
}  # fmt: skip
_BART: dict[str, Any] = {
    "vocab_size": WIDTH, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 64,
    "dropout": 0.0, "decoder_start_token_id": 2, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
_DROPS = ("resid_pdrop", "attn_pdrop", "embd_pdrop")
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaForCausalLM", {"tie_word_embeddings": False}),
    "llama-tied": ("LlamaForCausalLM", {"tie_word_embeddings": True}),
    "qwen2": ("Qwen2ForCausalLM", {"tie_word_embeddings": True}),
    "qwen3": ("Qwen3ForCausalLM", {}),
    "mistral": ("MistralForCausalLM", {"sliding_window": 16}),
    "gemma": ("GemmaForCausalLM", {}),
    "gemma2": ("Gemma2ForCausalLM", {"final_logit_softcapping": 2.0, "query_pre_attn_scalar": 8}),
    "phi": ("PhiForCausalLM", {"num_key_value_heads": 2}),
    "gpt2": (
        "GPT2LMHeadModel",
        {
            "n_embd": 16,
            "n_layer": 2,
            "n_head": 2,
            "n_positions": 64,
            "resid_pdrop": 0,
            "attn_pdrop": 0,
            "embd_pdrop": 0,
        },
    ),
    "mixtral": ("MixtralForCausalLM", {"num_local_experts": 3, "num_experts_per_tok": 2}),
    "cohere": ("CohereForCausalLM", {"logit_scale": 0.25}),
    "granite": ("GraniteForCausalLM", {"logits_scaling": 4.0}),
    "lfm2": ("Lfm2ForCausalLM", {"full_attn_idxs": [1], "layer_types": ["conv", "full_attention"]}),
    "mamba": ("MambaForCausalLM", {"state_size": 4}),
    "t5": ("T5ForConditionalGeneration", {**_T5, "tie_word_embeddings": True}),
    "mt5": ("MT5ForConditionalGeneration", {**_T5, "tie_word_embeddings": False, "feed_forward_proj": "gated-gelu"}),
    "bart": ("BartForConditionalGeneration", _BART),
    "mbart": ("MBartForConditionalGeneration", {**_BART, "scale_embedding": True}),
    "bert": (
        "BertForMaskedLM",
        {"num_key_value_heads": 2, "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0},
    ),
}


@cache
def _made(name: str) -> Any:
    import torch
    import transformers

    kind, options = CONFIGS[name]
    make = getattr(transformers, kind)
    base = {} if "d_model" in options else {"vocab_size": WIDTH, "pad_token_id": 0} if name == "gpt2" else _SIZE
    if name in ("phi", "bert"):
        base = {key: value for key, value in base.items() if key != "head_dim"}
    torch.manual_seed(0)
    model = make(make.config_class(**{**base, **options}))
    for p in model.parameters():
        if p.ndim > 1:
            torch.nn.init.normal_(p, std=0.3)  # far from uniform predictions
    if hasattr(model, "final_logits_bias"):
        model.final_logits_bias.normal_()
    return model.eval()


def language_model(name: str) -> Any:
    """A copy of its own."""
    import copy

    return copy.deepcopy(_made(name))
