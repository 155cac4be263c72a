"""Any other method of PEFT's, by PEFT's own name: one door over its registry. What it takes is what PEFT's
configuration class takes; what PEFT refuses is told in PEFT's words."""

from __future__ import annotations

import ast
import copy
import dataclasses
import importlib.util
import types
import typing
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from luthier.errors import ConfigError, first_line
from luthier.language import t

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from luthier.tuning.parts import Tuned

_OURS = {
    "task_type", "peft_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision", "inference_mode",
    "modules_to_save", "fan_in_fan_out", "token_dim", "num_layers", "num_attention_heads",
    "num_transformer_submodules", "tokenizer_name_or_path", "tokenizer_kwargs", "prompt_tuning_init",
    "prompt_tuning_init_text", "prompt_tuning_init_state_dict_path", "progressbar", "runtime_config",
    "megatron_config", "megatron_core", "runtime_offload_base_weight",
}  # fmt: skip
"""Fields that follow from the model, or would read another file."""
_USUAL: Mapping[str, Any] = {"num_virtual_tokens": 20}
"""Where PEFT has no default of its own."""
_NORMS_ONLY = _OURS | {"target_modules", "exclude_modules"}
"""Fields of a method about norms: it says nothing of sizes or places."""


def _not_here() -> dict[str, str]:
    """Names that PEFT knows and no run can use, each with the reason."""
    return {
        "adalora": t("gives out ranks anew between two steps, from figures that a checkpoint does not hold"),
        "adaption_prompt": t("cannot become part of the weights"),
        "cartridge": t("is distilled from long documents, not learnt from rows"),
        "cpt": t("is made of examples that stand in its own settings"),
        "lily": t("cannot become part of the weights"),
        "multitask_prompt_tuning": t("needs the number of a task beside every row"),
        "poly": t("needs the number of a task beside every row"),
        "shadow": t("cannot become part of the weights"),
        "trainable_tokens": t("is for new tokens, which lora trains by itself where there are any"),
        "xlora": t("mixes adapters that were trained before"),
    }


def peft_names() -> list[str]:
    """Read without importing PEFT, which takes seconds; none where it is not installed."""
    found = importlib.util.find_spec("peft")
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        return []
    tree = ast.parse((Path(places[0]) / "utils" / "peft_types.py").read_text(encoding="utf-8"))
    (kinds,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "PeftType")
    refused = _not_here()
    names = [target.id.lower() for node in kinds.body if isinstance(node, ast.Assign)
             for target in node.targets if isinstance(target, ast.Name)]  # fmt: skip
    return sorted(name for name in names if name != "lora" and name not in refused)


def check_usable(name: str) -> None:
    """Errors: ConfigError for a method of PEFT's that no run can use."""
    reason = _not_here().get(name)
    if reason is not None:
        what = t("PEFT's {method} {reason}", method=name, reason=reason)
        raise ConfigError.at("tuning.method", what, t("tuning.method=lora or dora"), code="unusable-method")


@cache
def peft_options(name: str) -> dict[str, tuple[Any, object]]:
    """What can be set: name to (type, default)."""
    kind = _config_class(name)
    hints = typing.get_type_hints(kind)
    options: dict[str, tuple[Any, object]] = {}
    for field in dataclasses.fields(kind):
        if field.name in _OURS or not field.init or not _is_plain(hints[field.name]):
            continue
        default = None if field.default is dataclasses.MISSING else field.default
        options[field.name] = (hints[field.name], _USUAL.get(field.name, default) if default is None else default)
    if "target_modules" in options:
        options["target_modules"] = (list[str] | None, None)
    return options


def peft_method(name: str, model: PreTrainedModel, options: Mapping[str, Any]) -> Tuned:
    """The model with PEFT's method of that name. Errors: ConfigError in PEFT's words, before anything is trained."""
    from peft import PromptLearningConfig

    from luthier.tuning.adapters import attached
    from luthier.tuning.prompts import prompted
    from luthier.tuning.rates import usual_rate

    weightless = next(model.parameters()).is_meta
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = _configured(name, model, options)
            if isinstance(config, PromptLearningConfig):
                return prompted(model, config, usual_rate(name).head)
            tuned = attached(model, config, head_rate=usual_rate(name).head)
            if not weightless:
                _try_merge(tuned.model)
            if not tuned.groups[0].names:
                raise ValueError(t("it leaves nothing to learn"))
            return tuned
    except _REFUSALS as error:
        if weightless and "meta" in str(error).lower():  # it wants to see weights, and there are none yet
            return _untouched(model)
        reason = first_line(error, 240)
        what = t("PEFT's {method} does not fit this model: {reason}", method=name, reason=reason)
        fix = t("change tuning.* as it says, or use tuning.method=lora")
        raise ConfigError.at("tuning", what, fix, code="peft-refuses") from error


_REFUSALS = (ValueError, TypeError, NotImplementedError, KeyError, AttributeError, RuntimeError, ImportError)
"""What PEFT's classes raise for options and models that do not fit."""


def _untouched(model: PreTrainedModel) -> Tuned:
    from luthier.tuning.parts import Tuned, unchanged

    return Tuned(model, (), unchanged(model))


def _configured(name: str, model: PreTrainedModel, options: Mapping[str, Any]) -> Any:
    from luthier.tuning.adapters import has_conv1d, linear_layers
    from luthier.tuning.parts import task_heads

    kind = _config_class(name)
    known = {field.name for field in dataclasses.fields(kind)}
    given = {key: default for key, (_, default) in peft_options(name).items() if key in _USUAL} | dict(options)
    if "target_modules" in known:
        given |= _targets(model, given.get("target_modules"), known)
    if "prompt_tuning_init" in known:
        given["prompt_tuning_init"] = "SAMPLE_VOCAB"  # embeddings of tokens: random numbers are far from all of them
    if "num_virtual_tokens" in known:
        given |= _sizes(model, prefix="prefix_projection" in known)
    elif "modules_to_save" in known:
        given["modules_to_save"] = task_heads(model) or None
    if "fan_in_fan_out" in known:
        given["fan_in_fan_out"] = has_conv1d(model, linear_layers(model, None))
    return kind(**given)


def _sizes(model: Any, *, prefix: bool) -> dict[str, Any]:
    """Of the model, which calls them as its make does: what virtual tokens look like, or keys and values do."""
    config, embedding = model.config, model.get_input_embeddings()
    width = getattr(config, "hidden_size", None) if prefix else None
    return {
        "token_dim": width or embedding.weight.shape[-1],
        "num_layers": getattr(config, "num_hidden_layers", 1),
        "num_attention_heads": getattr(config, "num_attention_heads", 1),
    }


def _targets(model: Any, asked: Any, known: set[str]) -> dict[str, Any]:
    """Beside which layers: those asked for; the norms, for a method that is about them; where a method tells layers of
    two kinds apart, as PEFT knows them in the commonest models; else every linear layer of the body."""
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING as PAIRED

    from luthier.tuning.adapters import linear_layers
    from luthier.tuning.parts import body_prefix

    if asked is None and known <= _NORMS_ONLY:
        norms = [part for part, module in model.named_modules() if type(module).__name__.endswith("Norm")]
        return {"target_modules": [part for part in norms if part.startswith(body_prefix(model))]}
    if "feedforward_modules" in known and asked is None and model.config.model_type in PAIRED:
        return {}
    more = {"feedforward_modules": []} if "feedforward_modules" in known else {}
    return {"target_modules": linear_layers(model, asked), **more}


def _try_merge(adapted: Any) -> None:
    """Merges copies of single layers, one of each kind. Errors: what PEFT raises where that cannot be done; after the
    training it would be too late."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    tried: set[Any] = set()
    for part in adapted.modules():
        if isinstance(part, BaseTunerLayer):
            layer: Any = part
            kind = (type(layer), getattr(layer.get_base_layer(), "bias", None) is None)
            if kind not in tried:
                tried.add(kind)
                copy.deepcopy(layer).merge()


def _config_class(name: str) -> Any:
    from peft import PeftType
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING as CLASSES

    return CLASSES[PeftType(name.upper())]


def _is_plain(hint: Any) -> bool:
    """Whether a YAML file can hold such a value."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return all(part is type(None) or _is_plain(part) for part in inner)
    if origin in (list, dict, tuple):
        return all(_is_plain(part) for part in inner if part is not Ellipsis)
    return origin is Literal or hint in (bool, int, float, str, list, dict)
