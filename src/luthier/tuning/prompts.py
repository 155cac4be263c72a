"""Virtual tokens before every input: prompt tuning, p-tuning and prefix tuning, with PEFT's encoders of them.

PEFT's own wrappers hand back logits for the virtual tokens too, and leave a classifying decoder to look for the last
token of a text whose ids it no longer sees. Here the tokens go in where the body is called and come out where it
returns, so that all that is built on its states (heads, losses, generation) finds the places it expects.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from luthier.errors import ConfigError
from luthier.language import t
from luthier.tuning.adapters import grouped, save_adapter
from luthier.tuning.parts import Ask, Tuned, task_heads, trainable_names

if TYPE_CHECKING:
    from peft import PeftModel

_CACHES = ("cache", "past_key_values")
"""What transformers calls keys and values of earlier tokens: since 5.24, and before."""


def prompted(model: PreTrainedModel, config: Any, head_rate: float) -> Tuned:
    """config: one of PEFT's PromptLearningConfig. The model's weights stay, its task's head moves whole. head_rate: its
    learning rate, in rates of the virtual tokens.

    Errors: ConfigError for a model that has no place for such tokens.
    """
    heads = tuple(f"{name}." for name in task_heads(model))
    wrapped = _wrapped(model, config)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(heads))

    def plain(ask: Ask | None = None) -> PreTrainedModel:
        return model

    def save(folder: Path) -> None:
        save_adapter(wrapped, folder)

    names = trainable_names(wrapped)
    groups = grouped(names, {head_rate: frozenset(name for name in names if name.startswith("base_model."))})
    return Tuned(wrapped, groups, plain, save, stays=True, places=config.num_virtual_tokens)


def with_prompt(model: PreTrainedModel, folder: Path) -> nn.Module:
    """The model with the virtual tokens that `Tuned.save_adapter` wrote, as it was trained. Weights are read from
    safetensors alone."""
    from peft import PeftConfig, set_peft_model_state_dict
    from safetensors.torch import load_file

    config: Any = PeftConfig.from_pretrained(str(folder))
    config.task_type, config.inference_mode = None, True
    wrapped = _wrapped(model, config)
    set_peft_model_state_dict(wrapped, load_file(folder / "adapter_model.safetensors"))
    return wrapped.to(next(model.parameters()).device)


def _wrapped(model: Any, config: Any) -> PeftModel:
    from peft import PeftModel

    encoder_decoder = bool(getattr(model.config, "is_encoder_decoder", False))
    places, causal = config.num_virtual_tokens, _is_causal(model)
    prefix = config.peft_type.value == "PREFIX_TUNING"
    if prefix and (encoder_decoder or not causal):
        what = t("prefix tuning writes into the keys and values of earlier tokens, which only decoders keep")
        fix = t("use tuning.method=prompt_tuning, p_tuning or lora for this model")
        raise ConfigError.at("tuning.method", what, fix, code="conflict")
    config.num_transformer_submodules = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = PeftModel(model, config)
    if encoder_decoder:
        _Virtual(wrapped, model.get_encoder(), places, at=0, stay=True).hook()
        model.get_decoder().register_forward_pre_hook(_wider_memory(places), with_kwargs=True)
    else:  # a body that is not causal is read at its first token, which has to stay the first
        _Virtual(wrapped, model.base_model, places, at=0 if causal else 1, prefix=prefix).hook()
    return wrapped


def _is_causal(model: nn.Module) -> bool:
    return any(getattr(part, "is_causal", False) for part in model.modules())


class _Virtual:
    """Virtual tokens in one stack of layers. at: before which token. stay: whether the stack's states keep them, for a
    decoder to look at. prefix: keys and values, not embeddings."""

    def __init__(
        self, wrapped: PeftModel, stack: Any, places: int, *, at: int, stay: bool = False, prefix: bool = False
    ) -> None:
        self._wrapped, self._stack, self._places, self._at = wrapped, stack, places, at
        self._stay, self._prefix = stay, prefix
        self._signature = inspect.signature(stack.forward)
        self._inside = False

    def hook(self) -> None:
        self._stack.register_forward_pre_hook(self._before, with_kwargs=True)
        self._stack.register_forward_hook(self._after)

    def _before(self, _: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[()], Any]:
        given = _named(self._signature, args, kwargs)
        cache = next((given[name] for name in _CACHES if given.get(name) is not None), None)
        first = cache is None or not cache.get_seq_length()
        ids, embeds = given.get("input_ids"), given.get("inputs_embeds")
        read: Any = ids if ids is not None else embeds
        rows = len(read)
        self._inside = first and not self._prefix
        if first and self._prefix:
            given["cache" if "cache" in self._signature.parameters else "past_key_values"] = self._filled(cache, rows)
        elif first:
            prompt_BPD = self._wrapped.get_prompt(rows)
            embeds = self._stack.get_input_embeddings()(ids) if embeds is None else embeds
            given["inputs_embeds"] = self._put(embeds, prompt_BPD.to(embeds))
            given["input_ids"] = None
        self._place(given, first)
        return (), given

    def _place(self, given: dict[str, Any], first: bool) -> None:
        """Masks, positions and segments that tell of the virtual tokens as well."""
        mask = given.get("attention_mask")
        if mask is not None:
            if not isinstance(mask, Tensor) or mask.ndim != 2:
                what = t("virtual tokens go before one text a row; these rows hold several, or a mask of their own")
                raise ConfigError.at("tuning.method", what, t("use tuning.method=lora"), code="conflict")
            given["attention_mask"] = self._put(mask, mask.new_ones(len(mask), self._places))
        positions = given.get("position_ids")
        if positions is not None:
            own = torch.arange(self._at, self._at + self._places, device=positions.device).expand(len(positions), -1)
            moved = torch.where(positions >= self._at, positions + self._places, positions)
            given["position_ids"] = self._put(moved, own.to(moved)) if first and not self._prefix else moved
        segments = given.get("token_type_ids")
        if segments is not None and first and not self._prefix:
            given["token_type_ids"] = self._put(segments, segments.new_zeros(len(segments), self._places))

    def _put(self, values: Tensor, virtual: Tensor) -> Tensor:
        return torch.cat([values[:, : self._at], virtual, values[:, self._at :]], 1)

    def _filled(self, cache: Any, rows: int) -> Any:
        """The prefix as a cache; in the caller's own, where there is one, which goes on being used."""
        prefix: Any = self._wrapped.get_prompt(rows)
        if cache is None:
            return prefix
        for number, layer in enumerate(prefix.layers):
            cache.update(layer.keys, layer.values, number)
        return cache

    def _after(self, _: nn.Module, __: Any, said: Any) -> Any:
        if not self._inside or self._stay:
            return said
        for name, value in said.items():
            if name in ("last_hidden_state", "hidden_states"):
                said[name] = tuple(map(self._taken, value)) if isinstance(value, tuple) else self._taken(value)
        return said

    def _taken(self, states_BTD: Tensor) -> Tensor:
        if states_BTD.shape[1] <= self._places:  # a last layer that works at the first place alone
            return states_BTD
        return torch.cat([states_BTD[:, : self._at], states_BTD[:, self._at + self._places :]], 1)


def _named(signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {**dict(zip(signature.parameters, args, strict=False)), **kwargs}


def _wider_memory(places: int) -> Any:
    """For a decoder whose encoder kept its virtual tokens: it may look at them."""

    def before(decoder: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[()], dict[str, Any]]:
        given = _named(inspect.signature(decoder.forward), args, kwargs)
        mask, memory = given.get("encoder_attention_mask"), given.get("encoder_hidden_states")
        if mask is not None and memory is not None and memory.shape[1] == mask.shape[1] + places:
            given["encoder_attention_mask"] = torch.cat([mask.new_ones(len(mask), places), mask], 1)
        return (), given

    return before
