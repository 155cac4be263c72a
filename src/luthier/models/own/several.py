"""One encoder with several heads: the trunk reads a text once, and each head answers from its states.

A head is the part of a transformers model above the body (BertForTokenClassification without its BertModel), so that
it is what other libraries expect under its name, and what works with such a model works with a head of ours.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions
from transformers.utils.generic import ModelOutput

from luthier.errors import ModelError
from luthier.language import t
from luthier.models.first_position import tanh_dense
from luthier.models.load import Loaded, load_model
from luthier.models.pooling import masked_mean

FILE = "heads.safetensors"
_PREFIX = "head_"
_SPEC = "part_heads"
"""The attribute of the config that holds the Heads."""
_FASTER = 100.0
"""Steps of an encoder are too small for a lone scalar: the learnt weights move at this many times their rate."""


@dataclass(frozen=True)
class HeadSpec:
    """auto_class: of the transformers model whose head it is. options: its settings, such as num_labels."""

    auto_class: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Heads:
    """specs: by the names of the parts. uncertain: whether how much each part's loss weighs is learnt."""

    specs: Mapping[str, HeadSpec]
    uncertain: bool = False


@dataclass
class SeveralOutput(ModelOutput):
    """parts: of each head what its own model would put out, for all rows. log_variances: [P], learnt."""

    parts: Mapping[str, Any] = field(default_factory=dict)
    last_hidden_state: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    log_variances: Tensor | None = None


class _Above(nn.Module):
    """Stands in a head's model where its body was: it is given the trunk's last states as embeddings, and hands them
    on as the body would, with the body's own pooler.

    averages: the mean of the states over the real tokens stands at the first position, where heads for a whole text
    read. A first position speaks for the text only after it was taught to, which would disturb what heads for tokens
    read; the mean does at once.
    """

    def __init__(self, body: Any, averages: bool) -> None:
        super().__init__()
        pooler = getattr(body, "pooler", None)
        self.pooler = pooler if isinstance(pooler, nn.Module) else None
        self.averages = averages

    def forward(
        self, *_: Any, inputs_embeds: Tensor, attention_mask: Tensor | None = None, **__: Any
    ) -> BaseModelOutputWithPoolingAndCrossAttentions:
        states_BTD, pooled_BD = inputs_embeds, None
        if self.averages and attention_mask is not None:
            mean_BD = masked_mean(states_BTD, attention_mask.to(states_BTD.dtype))
            states_BTD = torch.cat([mean_BD[:, None].to(states_BTD.dtype), states_BTD[:, 1:]], 1)
        if isinstance(self.pooler, nn.Linear):  # ALBERT's, whose tanh stands beside it
            pooled_BD = torch.tanh(self.pooler(states_BTD[:, 0]))
        elif self.pooler is not None:
            pooled_BD = self.pooler(states_BTD)
        return BaseModelOutputWithPoolingAndCrossAttentions(last_hidden_state=states_BTD, pooler_output=pooled_BD)


class _Uncertainty(nn.Module):
    """A learnt log variance for each part (Kendall et al. 2018); 0, which weighs all alike, at the beginning."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.scaled = nn.Parameter(torch.zeros(parts))

    def forward(self) -> Tensor:
        return self.scaled * _FASTER


class SeveralHeads(PreTrainedModel):
    """trunk: a plain encoder. Each head is a child head_<part>. Made from a config alone it has random weights."""

    base_model_prefix = "trunk"
    _supports_sdpa = _supports_flash_attn = _supports_flex_attn = _supports_attention_backend = True
    """Whatever the trunk was loaded with."""

    def __init__(
        self, config: Any, trunk: PreTrainedModel | None = None, heads: Mapping[str, nn.Module] | None = None
    ) -> None:
        super().__init__(config)
        wanted: Heads = getattr(config, _SPEC)
        self.specs = wanted.specs
        self.trunk = transformers.AutoModel.from_config(config) if trunk is None else trunk
        if getattr(self.trunk, "pooler", None) is not None:
            self.trunk.register_module("pooler", None)  # each head has its own
        for name, spec in self.specs.items():
            self.add_module(_PREFIX + name, heads[name] if heads else _head(_model_of(config, spec), spec.auto_class))
        self.states = nn.Identity()
        self.uncertainty = _Uncertainty(len(self.specs)) if wanted.uncertain else None

    def get_input_embeddings(self) -> nn.Module:
        return self.trunk.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.trunk.set_input_embeddings(value)

    @property
    def heads(self) -> dict[str, nn.Module]:
        return {name: self.get_submodule(_PREFIX + name) for name in self.specs}

    @property
    def logits_layer(self) -> nn.Module:
        """What is given to the heads passes here: one layer for all of them, which answers at every token."""
        return self.states

    def forward(self, output_hidden_states: bool | None = None, **tensors: Any) -> SeveralOutput:
        said: Any = self.trunk(**tensors, output_hidden_states=output_hidden_states)
        last_BTD = self.states(said.last_hidden_state)
        parts = {name: head(**tensors, inputs_embeds=last_BTD) for name, head in self.heads.items()}
        log_variances = None if self.uncertainty is None else self.uncertainty()
        return SeveralOutput(parts, last_BTD, said.hidden_states, log_variances)


def load_several(folder: Path, wanted: Heads, *, seed: int, device: str) -> Loaded:
    """From a pretrained encoder, whose heads then start at random from the seed, or from a folder of `save_several`.

    Errors: ModelError.
    """
    if (folder / FILE).is_file():
        return _saved(folder, wanted, device)
    trunk, heads, fresh = None, {}, []
    for name, spec in wanted.specs.items():
        loaded = load_model(folder, spec.auto_class, spec.options, seed=seed, device=device)
        prefix = loaded.model.base_model_prefix
        if trunk is None:
            trunk = getattr(loaded.model, prefix)
            fresh += [f"trunk.{n.removeprefix(f'{prefix}.')}" for n in loaded.fresh
                      if n.startswith(f"{prefix}.") and ".pooler." not in n]  # fmt: skip
        fresh += [f"{_PREFIX}{name}.{n}" for n in loaded.fresh if not n.startswith(f"{prefix}.") or ".pooler." in n]
        heads[name] = _head(loaded.model, spec.auto_class)
    assert trunk is not None
    setattr(trunk.config, _SPEC, wanted)
    model = SeveralHeads(trunk.config, trunk, heads)
    nn.Module.to(model, device)
    return Loaded(model, tuple(fresh))


def save_several(model: SeveralHeads, folder: Path) -> None:
    """The trunk as a plain model of its kind, with a head's pooler where it has one, and the heads in a file beside."""
    trunk: Any = model.trunk
    weights = {name: p.contiguous() for name, p in model.state_dict().items() if not name.startswith("trunk.")}
    poolers = [above.pooler for above in model.modules() if isinstance(above, _Above) and above.pooler is not None]
    config = trunk.config
    try:
        trunk.config = copy.deepcopy(config)
        delattr(trunk.config, _SPEC)
        if poolers and hasattr(trunk, "pooler"):
            trunk.register_module("pooler", poolers[0])
        trunk.save_pretrained(str(folder))
    finally:
        trunk.config = config
        if hasattr(trunk, "pooler"):
            trunk.register_module("pooler", None)
    save_file(weights, folder / FILE, metadata={"format": "pt", "heads": json.dumps(list(model.specs))})


def _saved(folder: Path, wanted: Heads, device: str) -> Loaded:
    loaded = load_model(folder, "AutoModel", {}, seed=0, device="cpu")
    config = loaded.model.config
    setattr(config, _SPEC, wanted)
    with torch.device("meta"):
        heads = {name: _head(_model_of(config, spec), spec.auto_class) for name, spec in wanted.specs.items()}
    for head in heads.values():
        head.to_empty(device="cpu")
    model = SeveralHeads(config, loaded.model, heads)
    try:
        weights = load_file(folder / FILE)
        missing, unexpected = model.load_state_dict(weights, strict=False)
    except Exception as error:  # safetensors and torch raise many kinds
        what = t("cannot be loaded as {kind}: {reason}", kind=FILE, reason=str(error).strip().splitlines()[0][:200])
        raise ModelError.at(str(folder / FILE), what, t("copy the folder again"), code="bad-model") from error
    fresh = [name for name in loaded.fresh if not name.startswith("pooler.")]
    absent = [name for name in missing if not name.startswith("trunk.")]
    nn.Module.to(model, device)
    return Loaded(model, (*fresh, *absent, *unexpected))


def _model_of(config: Any, spec: HeadSpec) -> PreTrainedModel:
    """A transformers model with that head, with random weights."""
    own = copy.deepcopy(config)
    if hasattr(own, _SPEC):
        delattr(own, _SPEC)
    for key, value in spec.options.items():
        setattr(own, key, value)
    return getattr(transformers, spec.auto_class).from_config(own)


def _head(model: PreTrainedModel, auto_class: str) -> nn.Module:
    """The model without its body. Errors: ModelError where it has none that can be told from its head."""
    prefix = model.base_model_prefix
    body = getattr(model, prefix, None)
    if not isinstance(body, nn.Module) or body is model:
        what = t("has no body apart from its head")
        raise ModelError.at(str(model.name_or_path), what, t("choose another model"), code="no-head")
    setattr(model, prefix, _Above(body, averages="SequenceClassification" in auto_class))
    return model


def clear_dense(head: nn.Module) -> None:
    """Makes the layer between states and logits, where it is BERT's tanh of a square layer, a window to the states:
    what the logits are fitted to is then what the untuned trunk says of the text."""
    dense = tanh_dense(head)
    if dense is not None and dense.in_features == dense.out_features:
        with torch.no_grad():
            dense.weight.copy_(torch.eye(dense.in_features))
            dense.bias.zero_()


def picked(output: Any, rows: Tensor) -> SimpleNamespace:
    """Of what a head's model put out for all rows what belongs to some of them."""
    return SimpleNamespace(**{name: value[rows] for name, value in output.items() if isinstance(value, Tensor)})
