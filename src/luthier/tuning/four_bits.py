"""How a method wants the pretrained weights to be loaded, where it is not as they are: in four bits, for QLoRA."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from transformers import PreTrainedModel

from luthier.errors import ConfigError
from luthier.extras import has
from luthier.language import t
from luthier.models.load import Loading
from luthier.tuning.parts import output_name, task_heads

MethodT = TypeVar("MethodT", bound=Callable[..., Any])
_LOADING = "luthier_loading"


def loaded_with(loading: Loading, check: Callable[[str], None]) -> Callable[[MethodT], MethodT]:
    """Marks a tuning method: the model that it is given was loaded so. check: whether a device can do that."""

    def mark(method: MethodT) -> MethodT:
        setattr(method, _LOADING, (loading, check))
        return method

    return mark


def loading_of(method: Callable[..., Any], device: str) -> Loading | None:
    """None for methods that take the model as it lies in its folder. Errors: ConfigError where the device cannot."""
    loading, check = getattr(method, _LOADING, (None, None))
    if check is not None:
        check(device)
    return loading


def check_four_bits(device: str) -> None:
    """Errors: ConfigError where weights cannot be kept in four bits, with what can be done instead."""
    instead = t("tuning.method=lora, which gives the same model with the weights at full precision; on a CPU four bits "
                "would be slower than that, not faster")  # fmt: skip
    if device == "cpu":
        what = t("qlora keeps the weights in four bits, which needs a CUDA GPU; this machine has none")
        raise ConfigError.at("tuning.method", what, instead, code="no-gpu")
    if not has("bitsandbytes"):
        what = t("qlora keeps the weights in four bits with bitsandbytes, which is not installed")
        raise ConfigError.at(
            "tuning.method", what, t("pip install 'luthier[{extra}]'", extra="gpu"), code="missing-extra"
        )


def four_bits(skeleton: PreTrainedModel, device: str) -> Mapping[str, Any]:
    """4-bit NormalFloat with the quantisation constants quantised once more (Dettmers et al. 2023), computed in bf16
    where the GPU has it. The task's head and a language model's output layer stay as they are: the first has to learn,
    the second may share the embedding's weights."""
    from transformers.utils.quantization_config import BitsAndBytesConfig

    kept = [*task_heads(skeleton), *filter(None, [output_name(skeleton)])]
    bf16 = device == "cpu" or torch.cuda.is_bf16_supported()
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if bf16 else torch.float16,
        llm_int8_skip_modules=kept or None,
    )
    return {"quantization_config": config, "device_map": {"": device}}
