"""Encoders of the T5 family as classifiers: the mean of the encoder's states under a linear layer.

transformers' own T5ForSequenceClassification runs the decoder too, over every token, for one token's state. Here the
decoder is not loaded at all. A saved folder is what transformers' T5ForTokenClassification loads; the mean of its
logits over the real tokens is this model's answer.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import MT5ForTokenClassification, T5ForTokenClassification, UMT5ForTokenClassification
from transformers.modeling_outputs import SequenceClassifierOutput

from luthier.models.pooling import masked_mean


class _MeanPooled:
    transformer: Any
    dropout: Any
    classifier: Any

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **options: Any) -> SequenceClassifierOutput:
        """input_ids, attention_mask: [B, T]. logits: [B, C]."""
        said = self.transformer(input_ids=input_ids, attention_mask=attention_mask, **options)
        means_BD = masked_mean(said.last_hidden_state, attention_mask.to(said.last_hidden_state.dtype))
        logits_BC = self.classifier(self.dropout(means_BD))
        return SequenceClassifierOutput(logits=logits_BC, hidden_states=said.hidden_states)


class T5MeanPooled(_MeanPooled, T5ForTokenClassification):  # pyright: ignore[reportIncompatibleMethodOverride]
    pass


class MT5MeanPooled(_MeanPooled, MT5ForTokenClassification):  # pyright: ignore[reportIncompatibleMethodOverride]
    pass


class UMT5MeanPooled(_MeanPooled, UMT5ForTokenClassification):  # pyright: ignore[reportIncompatibleMethodOverride]
    pass


MEAN_POOLED: dict[str, Any] = {"t5": T5MeanPooled, "mt5": MT5MeanPooled, "umt5": UMT5MeanPooled}
"""By the model_type of config.json."""
