"""A model with some of its layers: what a student begins with that comes from its teacher."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from luthier.errors import ConfigError, ModelError
from luthier.language import t
from luthier.models.load import Loaded


def kept_layers(count: int, wanted: int) -> list[int]:
    """Which of `count` layers a student of `wanted` begins with: the first, the last, and what lies evenly between, as
    DistilBERT's (Sanh et al. 2019: of 12 layers 0, 2, 4, 7, 9 and 11)."""
    if wanted == 1:
        return [count - 1]
    return np.linspace(0, count - 1, wanted).round().astype(int).tolist()


def shortened(loaded: Loaded, wanted: int) -> Loaded:
    """In place. Errors: ConfigError where the model has no more layers than that, ModelError for one that cannot be
    shortened."""
    model: Any = loaded.model
    name, layers = _stack(model)
    if not 1 <= wanted < len(layers):
        what = t("the teacher has {count} layers, {wanted} are no part of them", count=len(layers), wanted=wanted)
        fix = t("use 1 to {most}", most=len(layers) - 1)
        raise ConfigError.at("distil.layers", what, fix, code="out-of-range")
    kept = kept_layers(len(layers), wanted)
    holder, _, own = name.rpartition(".")
    setattr(model.get_submodule(holder), own, nn.ModuleList(layers[i] for i in kept))
    if isinstance(getattr(model.config, "layer_types", None), list):
        model.config.layer_types = [model.config.layer_types[i] for i in kept]
    model.config.num_hidden_layers = wanted
    return Loaded(model, loaded.fresh)


def _stack(model: Any) -> tuple[str, nn.ModuleList]:
    count = getattr(model.config, "num_hidden_layers", None)
    if not getattr(model.config, "is_encoder_decoder", False):
        for name, part in model.named_modules():
            if isinstance(part, nn.ModuleList) and len(part) == count:
                return name, part
    what = t("has no single stack of layers to take some of")
    raise ModelError.at(
        str(model.name_or_path), what, t("name a student: model=… without distil.layers"), code="no-layers"
    )
