"""Tiny models of four makes, straight from their configurations, and one way to train and ask them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import transformers as hf
from torch import Tensor, nn

_SIZES: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "max_position_embeddings": 64, "vocab_size": 99,
}  # fmt: skip
_ENDS: dict[str, Any] = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
IDS = torch.tensor([[5, 6, 7, 8, 9], [10, 11, 12, 0, 0]])
MASK = (IDS > 0).long()


def model(make: str) -> Any:
    torch.manual_seed(0)
    if make == "bert":
        quiet = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        made: Any = hf.BertForSequenceClassification(hf.BertConfig(**_SIZES, **quiet))
    elif make == "gpt2":  # Conv1D layers, tied embeddings
        gpt2 = hf.GPT2Config(vocab_size=99, n_embd=32, n_layer=2, n_head=4, n_positions=64, **_ENDS)
        gpt2.resid_pdrop = gpt2.embd_pdrop = gpt2.attn_pdrop = 0.0
        made = hf.GPT2LMHeadModel(gpt2)
    elif make == "llama":  # an output layer of its own, grouped keys
        made = hf.LlamaForCausalLM(hf.LlamaConfig(**_SIZES, **_ENDS, num_key_value_heads=2))
    else:
        t5 = hf.T5Config(vocab_size=99, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, dropout_rate=0.0,
                         decoder_start_token_id=0, **_ENDS)  # fmt: skip
        made = hf.T5ForConditionalGeneration(t5)
    with torch.no_grad():  # biases begin at zero, where a mistake about them would not be seen
        for name, p in made.named_parameters():
            if name.endswith("bias"):
                p.normal_(std=0.05)
    return made.eval()


def logits(asked: nn.Module, ids: Tensor = IDS, mask: Tensor = MASK, **more: Any) -> Tensor:
    plain: Any = getattr(asked, "get_base_model", lambda: asked)()
    inputs: Mapping[str, Any] = {"input_ids": ids, "attention_mask": mask, **more}
    if plain.config.is_encoder_decoder:
        inputs = {**inputs, "decoder_input_ids": ids[:, :3]}
    return asked(**inputs).logits


def train(asked: nn.Module, steps: int = 3) -> None:
    free = [p for p in asked.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(free, 1e-2)
    for _ in range(steps):
        logits(asked).float().log_softmax(-1)[..., 0].sum().neg().backward()
        optimiser.step()
        optimiser.zero_grad()
