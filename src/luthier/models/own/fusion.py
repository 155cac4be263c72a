"""A text encoder and what an encoder of images or sounds says, fused into one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from luthier.media.files import Media
from luthier.models.encoders import MediaReader, encoder_of, tokens
from luthier.models.load import Loaded, load_model
from luthier.models.pooling import masked_mean

MODEL_TYPE = "luthier_fusion"
_DROPOUT = 0.1
_ROUNDED = 2**-10
_FILES = 16
"""That a tuned encoder takes at a time: a batch is measured by its text, and files are much larger."""


class FusionConfig(PreTrainedConfig):
    """text_config: of the body. encoder_config: of an encoder that is tuned, and so a part of the model; None where
    features are what it is given. media_size: their width D. fusion: concat, gate or attention. modality_dropout: how
    often training takes the text away, and how often the other."""

    model_type = MODEL_TYPE
    sub_configs = {"text_config": AutoConfig, "encoder_config": AutoConfig}  # noqa: RUF012  # pyright: ignore[reportIncompatibleMethodOverride, reportAssignmentType]  as the library's own models say it

    text_config: PreTrainedConfig | dict[str, Any] | None = None
    encoder_config: PreTrainedConfig | dict[str, Any] | None = None
    media_size: int = 1
    fusion: str = "concat"
    modality_dropout: float = 0.0

    def __post_init__(self, **kwargs: Any) -> None:
        self.text_config = _config(self.text_config)
        self.encoder_config = _config(self.encoder_config)
        super().__post_init__(**kwargs)

    @property
    def hidden_size(self) -> int:
        return getattr(self.text_config, "hidden_size", 1)

    @property
    def num_hidden_layers(self) -> int:
        return getattr(self.text_config, "num_hidden_layers", 1)

    @property
    def vocab_size(self) -> int:
        return getattr(self.text_config, "vocab_size", 1)


def _config(value: PreTrainedConfig | Mapping[str, Any] | None) -> PreTrainedConfig | None:
    if isinstance(value, Mapping):
        return AutoConfig.for_model(**{str(name): item for name, item in value.items()})
    return value


class Concat(nn.Module):
    """Both, one after the other, through a hidden layer."""

    def __init__(self, text: int, media: int) -> None:
        super().__init__()
        self.dense = nn.Linear(text + media, text)

    def forward(self, text_BH: Tensor, media_BD: Tensor, *_: Tensor) -> Tensor:
        return nn.functional.gelu(self.dense(torch.cat([text_BH, media_BD], -1)))


class Gate(nn.Module):
    """A gate a feature decides which of the two speaks (the gated multimodal unit, Arevalo et al. 2017)."""

    def __init__(self, text: int, media: int) -> None:
        super().__init__()
        self.text, self.media = nn.Linear(text, text), nn.Linear(media, text)
        self.gate = nn.Linear(text + media, text)

    def forward(self, text_BH: Tensor, media_BD: Tensor, *_: Tensor) -> Tensor:
        open_BH = torch.sigmoid(self.gate(torch.cat([text_BH, media_BD], -1)))
        return open_BH * torch.tanh(self.text(text_BH)) + (1 - open_BH) * torch.tanh(self.media(media_BD))


class Attention(nn.Module):
    """Every token of the text looks at the places of the image or the moments of the sound (cross-attention, Vaswani
    et al. 2017), and what it saw is added to it; then as Concat."""

    def __init__(self, text: int, media: int) -> None:
        super().__init__()
        self.heads = max(h for h in range(1, max(1, text // 32) + 1) if text % h == 0)
        self.query, self.out = nn.Linear(text, text), nn.Linear(text, text)
        self.key, self.value = nn.Linear(media, text), nn.Linear(media, text)
        self.norm = nn.LayerNorm(text)
        self.concat = Concat(text, media)

    def forward(
        self, text_BH: Tensor, media_BD: Tensor, text_BTH: Tensor, text_mask_BT: Tensor, media_BPD: Tensor,
        media_mask_BP: Tensor,
    ) -> Tensor:  # fmt: skip
        def split(states: Tensor) -> Tensor:
            return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        seen = scaled_dot_product_attention(
            split(self.query(text_BTH)), split(self.key(media_BPD)), split(self.value(media_BPD)),
            media_mask_BP[:, None, None, :],
        )  # fmt: skip
        told_BTH = self.norm(text_BTH + self.out(seen.transpose(1, 2).flatten(2)))
        return self.concat(masked_mean(told_BTH, text_mask_BT), media_BD)


FUSIONS: Mapping[str, type[nn.Module]] = {"concat": Concat, "gate": Gate, "attention": Attention}


class Fuse(nn.Module):
    """What the last layer is given of a text's states and the features of an image or sound: the mean of each, and
    what the fusion makes of both. The means are there so that the head can begin with a linear probe of the untuned
    encoders; a random hidden layer alone would begin behind it. mean, spread: of each feature over the training files;
    pretrained encoders have some that are a hundred times as large as others.

    In the place of what is absent stands a vector that is learnt. In training one of the two is taken away now and
    then, so that these vectors, and the rest without its other half, learn (ModDrop, Neverova et al. 2015).
    """

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        text, media = config.hidden_size, config.media_size
        self.look = nn.Linear(media, 1, bias=False)
        self.mean, self.spread = nn.Buffer(torch.zeros(media)), nn.Buffer(torch.ones(media))
        self.absent_text, self.absent_media = nn.Parameter(torch.zeros(text)), nn.Parameter(torch.zeros(media))
        self.lose, self.dropout = nn.Dropout(config.modality_dropout), nn.Dropout(_DROPOUT)
        self.mix = FUSIONS[config.fusion](text, media)
        self.size = 2 * text + media

    def forward(
        self, text_BTH: Tensor, text_mask_BT: Tensor, has_text_B: Tensor, media_BPD: Tensor, media_mask_BP: Tensor
    ) -> Tensor:
        """Masks: True at what is there. Returns [B, size]."""
        has_media_B = media_mask_BP.any(1)
        has_text_B, has_media_B = self._kept(has_text_B, has_media_B)
        text_BTH = torch.where(has_text_B[:, None, None], text_BTH, self.absent_text)
        media_BPD = torch.where(has_media_B[:, None, None], (media_BPD - self.mean) / self.spread, self.absent_media)
        media_mask_BP = torch.where(has_media_B[:, None], media_mask_BP, torch.ones_like(media_mask_BP))
        looks_BP = self.look(media_BPD)[..., 0].float().masked_fill(~media_mask_BP, -torch.inf)
        media_BD = (looks_BP.softmax(-1)[..., None] * media_BPD).sum(1)
        text_BH = masked_mean(text_BTH, text_mask_BT)
        mixed_BH = self.mix(text_BH, media_BD, text_BTH, text_mask_BT, media_BPD, media_mask_BP)
        return torch.cat([text_BH, media_BD, self.dropout(mixed_BH)], -1)

    def _kept(self, has_text_B: Tensor, has_media_B: Tensor) -> tuple[Tensor, Tensor]:
        """What is left of each row in training: of one that has both, both or either, never neither."""
        drawn_B2 = self.lose(torch.ones(len(has_text_B), 2, device=has_text_B.device)) > 0
        whole_B = ~(has_text_B & has_media_B) | ~drawn_B2.any(1)
        return has_text_B & (whole_B | drawn_B2[:, 0]), has_media_B & (whole_B | drawn_B2[:, 1])


class FusionForSequenceClassification(PreTrainedModel):
    """Called as other models for sequence classification, with has_text, media and media_mask beside the text's ids."""

    config_class = FusionConfig
    base_model_prefix = "body"
    _supports_sdpa = True

    def __init__(self, config: FusionConfig) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.body = AutoModel.from_config(config.text_config)
        if getattr(self.body, "pooler", None) is not None:
            self.body.pooler = None  # nobody asks it
        self.media_encoder = encoder_of(AutoModel.from_config(config.encoder_config)) if config.encoder_config else None
        self.fuse = Fuse(config)
        self.classifier = nn.Linear(self.fuse.size, self.num_labels or 1)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.body.get_input_embeddings()

    def train(self, mode: bool = True) -> FusionForSequenceClassification:
        """Batch normalisation keeps the statistics of the pretraining: those of a batch would make a row's loss
        depend on its neighbours."""
        super().train(mode)
        for part in self.media_encoder.modules() if self.media_encoder is not None else ():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.eval()
        return self

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, media: Tensor, media_mask: Tensor,
        has_text: Tensor | None = None, output_hidden_states: bool = False, **text: Any,
    ) -> SequenceClassifierOutput:  # fmt: skip
        """media: [B, P, D], features, or what the tuned encoder is given, [B, T, …]. media_mask: [B, P] or [B, T], 1
        where it is no padding, 0 all through where there is nothing. has_text: [B, 1], 0 where there is none."""
        said = self.body(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=output_hidden_states,
                         **text)  # fmt: skip
        states_BTH = said.last_hidden_state
        has_text_B = attention_mask.any(1) if has_text is None else has_text[:, 0].bool()
        media, mask = media.to(self.classifier.weight.dtype), media_mask.bool()
        if self.media_encoder is not None:
            media, mask = _encoded(self.media_encoder, media, mask, self.config.media_size)
        fused_BH = self.fuse(states_BTH, attention_mask.bool(), has_text_B, media, mask)
        return SequenceClassifierOutput(logits=self.classifier(fused_BH), hidden_states=said.hidden_states)


def _encoded(encoder: nn.Module, media: Tensor, mask_BT: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Features [B, P, D] and their mask [B, P]; files of one length go through together, none is padded."""
    lengths_B = mask_BT.sum(1)
    parts: dict[int, tuple[Tensor, Tensor]] = {}
    for length in lengths_B[lengths_B > 0].unique().tolist():
        rows = (lengths_B == length).nonzero()[:, 0]
        parts[length] = rows, torch.cat([tokens(encoder, media[few, :length]) for few in rows.split(_FILES)])
    longest = max((states.shape[1] for _, states in parts.values()), default=1)
    features = media.new_zeros(len(media), longest, width)
    mask = torch.zeros(len(media), longest, dtype=torch.bool, device=media.device)
    for rows, states in parts.values():
        padded = nn.functional.pad(states, (0, 0, 0, longest - states.shape[1]))
        features = features.index_copy(0, rows, padded.to(features.dtype))
        mask[rows, : states.shape[1]] = True
    return features, mask


def fused_model(
    folder: Path, reader: MediaReader, options: Mapping[str, Any], files: Sequence[Media],
    *, tune_encoder: bool, seed: int, device: str,
) -> Loaded:  # fmt: skip
    """A pretrained text model and encoder with a fresh head on top. options: of FusionConfig. files: of the training
    rows, on whose features the scale of all features is measured. Errors: ModelError."""
    text = load_model(folder, "AutoModel", {}, seed=seed, device=device)
    own = AutoConfig.from_pretrained(str(reader.folder)) if tune_encoder else None
    if own is not None:
        _without_chance(own)
    config = FusionConfig(text_config=text.model.config, encoder_config=own, media_size=reader.width, **options)
    for part in (config.text_config, config.encoder_config):
        if isinstance(part, PreTrainedConfig):
            part._name_or_path = ""  # the saved folder tells nobody where its parents lay
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = FusionForSequenceClassification(config)
    nn.init.zeros_(model.fuse.look.weight)  # it begins as the mean
    _measure(model.fuse, reader.encoded(files))
    left_out = model.body.load_state_dict(text.model.state_dict(), strict=False).missing_keys
    assert not left_out
    if model.media_encoder is not None:
        model.media_encoder.load_state_dict(reader.model.state_dict())
    nn.Module.to(model, device)
    fresh = [f"body.{name}" for name in text.fresh if not name.startswith("pooler.")]
    new = [f"{part}.{name}" for part in ("fuse", "classifier") for name in model.get_submodule(part).state_dict()]
    return Loaded(model, tuple(sorted([*fresh, *new])))


def _without_chance(config: PreTrainedConfig) -> None:
    """No dropout of any kind in the encoder: it works on the rows that have a file, ordered by length, and what is
    drawn would hang on how a step is cut into batches."""
    parts = [config, *(getattr(config, name, None) for name in config.sub_configs)]
    for part in parts:
        for name, value in vars(part).items() if part is not None else ():
            if "drop" in name and isinstance(value, (int, float)):
                setattr(part, name, type(value)(0))
            elif name == "apply_spec_augment":
                setattr(part, name, False)


def _measure(fuse: Fuse, features: Sequence[np.ndarray]) -> None:
    """Sets mean and spread by files' features [P, D]. What varies less than they are rounded (float16) is no news."""
    states_ND = np.concatenate([states_PD.astype(np.float64) for states_PD in features])
    mean_D = states_ND.mean(0)
    spread_D = np.maximum(states_ND.std(0), np.maximum(_ROUNDED * np.abs(mean_D), 1e-6))
    fuse.mean.copy_(torch.from_numpy(mean_D))
    fuse.spread.copy_(torch.from_numpy(spread_D))


AutoConfig.register(MODEL_TYPE, FusionConfig)
AutoModelForSequenceClassification.register(FusionConfig, FusionForSequenceClassification)
