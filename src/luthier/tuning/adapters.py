"""An adapter of PEFT's on a model: beside which layers it lies, what learns with it, how it becomes part of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn
from transformers import PreTrainedModel

from luthier.errors import ConfigError
from luthier.language import t
from luthier.models.new_tokens import new_token_ids
from luthier.tuning.merging import merged
from luthier.tuning.parts import Ask, Group, Tuned, body_prefix, output_name, task_heads, trainable_names
from luthier.tuning.rates import usual_rate

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel


def lora_adapter(
    model: PreTrainedModel, *, r: int, alpha: int, dropout: float, target_modules: list[str] | None, rslora: bool,
    dora: bool, loraplus: float,
) -> Tuned:  # fmt: skip
    """`methods.lora` and its kin: one construction, so that they differ in their options alone."""
    from peft import LoraConfig

    if loraplus <= 0:
        what, fix = t("is {value}", value=loraplus), t("use a number above 0; 1 is plain LoRA, 16 the paper's LoRA+")
        raise ConfigError.at("tuning.loraplus", what, fix, code="out-of-range")
    targets, tokens = linear_layers(model, target_modules), new_token_ids(model)
    config = LoraConfig(
        r=r,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=targets,
        modules_to_save=task_heads(model) or None,
        fan_in_fan_out=has_conv1d(model, targets),
        use_rslora=rslora,
        use_dora=dora,
        trainable_token_indices=_token_rows(model, tokens) if tokens else None,
    )
    notes = ()
    if tokens:
        notes = (t("the {count} new tokens learn too: their rows of the embedding and of the output layer, no others",
                   count=len(tokens)),)  # fmt: skip
    head_rate = usual_rate("lora" if loraplus == 1 else "loraplus").head
    return attached(model, config, b_rate=loraplus, head_rate=head_rate, notes=notes)


def attached(
    model: PreTrainedModel, config: PeftConfig, *, b_rate: float = 1.0, head_rate: float = 1.0,
    notes: tuple[str, ...] = (),
) -> Tuned:  # fmt: skip
    """The model with the adapter that `config` describes. b_rate, head_rate: the learning rates of LoRA's B matrices
    (Hayou et al. 2024) and of the task's head, in rates of all else."""
    from peft import PeftModel, get_peft_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adapted = get_peft_model(model, config)
    assert isinstance(adapted, PeftModel)

    def merge(ask: Ask | None = None) -> PreTrainedModel:
        return merged(adapted, ask)

    def save(folder: Path) -> None:
        save_adapter(adapted, folder)

    return Tuned(adapted, _groups(adapted, b_rate, head_rate), merge, save, notes=notes)


def save_adapter(adapted: PeftModel, folder: Path) -> None:
    """As PEFT writes it, with the kind of language model named, by which other programs load it."""
    config: Any = adapted.peft_config["default"]
    before = config.task_type
    config.task_type = _task_type(adapted.get_base_model())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an embedding that did not change
            adapted.save_pretrained(str(folder))
    finally:
        config.task_type = before


def linear_layers(model: PreTrainedModel, asked: Sequence[str] | None) -> list[str]:
    """Full names of the body's linear layers that the update goes beside: all, or those whose name ends as `asked`. A
    language model's output layer is none of them: it may share the embedding's weights, and merging would change both.

    Errors: ConfigError for an ending that no layer has.
    """
    outside = tuple(f"{name}." for name in [*task_heads(model), *filter(None, [output_name(model)])])
    linear = [
        name
        for name, part in model.named_modules()
        if (isinstance(part, nn.Linear) or _is_conv1d(part))
        and name.startswith(body_prefix(model))
        and not f"{name}.".startswith(outside)
    ]
    if asked is None:
        return linear
    chosen = [name for name in linear if any(name == a or name.endswith(f".{a}") for a in asked)]
    for ending in asked:
        if not any(name == ending or name.endswith(f".{ending}") for name in linear):
            known = sorted({name.rpartition(".")[2] for name in linear})
            near = get_close_matches(ending, known, n=10, cutoff=0.0)
            what = t("no linear layer is called '{name}'", name=ending)
            fix = t("nearest: {names}", names=", ".join(near))
            raise ConfigError.at("tuning.target_modules", what, fix, code="no-such-module")
    return chosen


def has_conv1d(model: PreTrainedModel, names: Sequence[str]) -> bool:
    """Whether layers keep their weights the other way round, [in, out], as GPT-2's do."""
    return any(_is_conv1d(model.get_submodule(name)) for name in names)


def _is_conv1d(part: nn.Module) -> bool:
    return type(part).__name__ == "Conv1D"


def _token_rows(model: PreTrainedModel, tokens: Sequence[int]) -> dict[str, list[int]]:
    """Where the rows of new tokens lie: the input embedding and, unless that is the same weights, the output layer."""
    embedding: Any = model.get_input_embeddings()
    output: Any = model.get_output_embeddings()
    layers = [embedding] if output is None or output.weight is embedding.weight else [embedding, output]
    names = [name for name, part in model.named_modules() for layer in layers if part is layer]
    return {name: list(tokens) for name in names}


def _groups(adapted: nn.Module, b_rate: float, head_rate: float) -> tuple[Group, ...]:
    names = trainable_names(adapted)
    b = frozenset(name for name in names if ".lora_B." in name)
    head = frozenset(name for name in names if ".modules_to_save." in name)
    return grouped(names, {b_rate: b, head_rate: head} if b_rate != head_rate else {b_rate: b | head})


def grouped(names: frozenset[str], scales: Mapping[float, frozenset[str]]) -> tuple[Group, ...]:
    """Groups of the names that have a scale other than 1, and one of all the rest."""
    apart = {scale: chosen for scale, chosen in scales.items() if scale != 1 and chosen}
    rest = names.difference(*apart.values())
    return (Group(rest), *(Group(chosen, scale) for scale, chosen in apart.items()))


def _task_type(plain: Any) -> str | None:
    """PEFT's name for a language model's kind; None for all others, whose heads Luthier lists itself."""
    if plain.get_output_embeddings() is None:
        return None
    if plain.config.is_encoder_decoder:
        return "SEQ_2_SEQ_LM"
    return "CAUSAL_LM" if any(getattr(part, "is_causal", False) for part in plain.modules()) else None
