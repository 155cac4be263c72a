"""A model of a make and size that nobody has trained yet: its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import ConfigError, did_you_mean, first_line
from luthier.language import t
from luthier.making.special import BOTH, CAUSAL, MASKED
from luthier.models.find import ModelFolder

_FEED_FORWARD = ("intermediate_size", "d_ff", "ffn_dim", "n_inner", "hidden_dim", "encoder_ffn_dim", "decoder_ffn_dim",
                 "moe_intermediate_size", "shared_expert_intermediate_size")  # fmt: skip
"""What makes call the width between the two halves of a layer's feed-forward part."""
_ALIKE = {
    "num_hidden_layers": ("decoder_layers", "num_decoder_layers"),
    "num_attention_heads": ("decoder_attention_heads",),
    "hidden_size": ("word_embed_proj_dim",),
}
"""What an encoder-decoder has a second time, beside what the class itself calls so."""


@dataclass(frozen=True)
class Size:
    """The usual: about 10 million weights beside the embeddings, which two cores train in an hour."""

    layers: int = 6
    width: int = 384
    heads: int = 0
    context: int = 1024

    @property
    def heads_asked(self) -> int:
        """Heads of 64 where none are asked for."""
        return self.heads or max(1, self.width // 64)


def make_of(model_type: str) -> str:
    """What models of this type learn: causal, masked, or encoder-decoder. Errors: ConfigError for an unknown one."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    )

    known = {
        BOTH: MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        MASKED: MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        CAUSAL: MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    }
    for make, names in known.items():
        if model_type in names and model_type in CONFIG_MAPPING:
            return make
    what = t("there is no {kind} '{name}'", kind=t("language model"), name=model_type)
    names = [name for group in known.values() for name in group]
    raise ConfigError.at("--model", what, did_you_mean(model_type, names), code="unknown-choice")


def defaults_of(model_type: str) -> Any:
    """The configuration of that type with nothing asked for."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    return CONFIG_MAPPING[model_type]()


def untrained_config(model_type: str, size: Size, tokens: Mapping[str, int], vocabulary: int) -> Any:
    """tokens: ids by transformers' names, such as eos_token_id. What nobody asks for keeps the proportions that the
    make has at its usual size. Input and output share one embedding.

    Errors: ConfigError for sizes that the make cannot have.
    """
    usual = defaults_of(model_type)
    values = _sizes(usual, size)
    values |= {"vocab_size": vocabulary, "tie_word_embeddings": True}
    for name in ("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id", "unk_token_id"):
        if name in tokens and (hasattr(usual, name) or name in ("pad_token_id", "eos_token_id")):
            values[name] = tokens[name]
    if usual.is_encoder_decoder:
        starts = getattr(usual, "decoder_start_token_id", None)
        same = starts is not None and starts == getattr(usual, "eos_token_id", None)
        values["decoder_start_token_id"] = tokens["eos_token_id" if same else "pad_token_id"]
        if getattr(usual, "forced_eos_token_id", None) is not None:
            values["forced_eos_token_id"] = tokens["eos_token_id"]
    try:
        config = type(usual)(**values)
        missing = size.context - ModelFolder("", Path(), config.to_dict()).most_tokens
        if missing > 0 and hasattr(
            config, "max_position_embeddings"
        ):  # of some makes the first positions are not for text
            config.max_position_embeddings += missing
        if size.width % size.heads_asked:
            raise ValueError(f"{size.width} / {size.heads_asked}")
        parameters_of(config)
    except Exception as error:  # each make has its own ways to complain
        reason = first_line(error)
        what = t("cannot be built in this size: {reason}", reason=reason)
        fix = t("choose --width as a multiple of --heads, or leave sizes out")
        raise ConfigError.at(f"--model {model_type}", what, fix, code="bad-size") from None
    return config


def _sizes(usual: Any, size: Size) -> dict[str, Any]:
    mapped = {
        "num_hidden_layers": size.layers,
        "hidden_size": size.width,
        "num_attention_heads": size.heads_asked,
        "max_position_embeddings": size.context,
    }
    names = {type(usual).attribute_map.get(name, name): value for name, value in mapped.items()}
    values = {name: value for name, value in names.items() if hasattr(usual, name)}
    for name, others in _ALIKE.items():
        values |= {other: mapped[name] for other in others if isinstance(getattr(usual, other, None), int)}
    width, heads = usual.hidden_size, usual.num_attention_heads
    for name in _FEED_FORWARD:
        own = getattr(usual, name, None)
        if isinstance(own, int) and name not in values:
            values[name] = _rounded(size.width * own / width)
    shared = getattr(usual, "num_key_value_heads", None)
    if isinstance(shared, int):
        values["num_key_value_heads"] = _divisor(size.heads_asked, size.heads_asked * shared / heads)
    own = type(usual).attribute_map.get("head_dim", "head_dim")
    if isinstance(getattr(usual, own, None), int) and "qk_rope_head_dim" not in vars(usual):
        values[own] = size.width // size.heads_asked
    narrow = getattr(usual, "embedding_size", None)
    if isinstance(narrow, int):
        values["embedding_size"] = min(narrow, size.width)
    return values


def _rounded(value: float) -> int:
    """To a multiple of 64, of 8 where it is small, as processors like it."""
    step = 64 if value >= 512 else 8
    return max(step, round(value / step) * step)


def _divisor(heads: int, wanted: float) -> int:
    """The number of shared heads nearest to what is wanted that divides the heads."""
    return min((n for n in range(1, heads + 1) if heads % n == 0), key=lambda n: (abs(n - wanted), -n))


def parameters_of(config: Any) -> int:
    """How many weights the model has. It is built without memory for them. Errors: whatever the make raises."""
    import torch
    import transformers

    kind = {CAUSAL: "AutoModelForCausalLM", MASKED: "AutoModelForMaskedLM", BOTH: "AutoModelForSeq2SeqLM"}
    with torch.device("meta"):
        model = getattr(transformers, kind[make_of(config.model_type)]).from_config(config)
    return sum(parameter.numel() for parameter in model.parameters())
