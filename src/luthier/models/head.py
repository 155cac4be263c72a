"""The layer that makes the logits: which it is."""

from __future__ import annotations

from typing import Any

from torch import nn
from transformers import PreTrainedModel


def logits_layer(model: PreTrainedModel) -> Any:
    """The linear layer outside the body that makes the logits, one for each label; None where there is no such layer.
    Of a model with several heads the layer through which all of them are given what they read."""
    if hasattr(model, "logits_layer"):
        return model.logits_layer
    body = f"{model.base_model_prefix}."
    count = getattr(model.config, "num_labels", None)
    found = [
        part
        for name, part in model.named_modules()
        if isinstance(part, nn.Linear) and not name.startswith(body) and part.out_features == count
    ]
    return found[-1] if found else None
