"""Tokens that a user added to a pretrained model's tokenizer: the model has no weights for them yet."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

_NAME = "_luthier_new_tokens"


def grow_vocabulary(model: PreTrainedModel, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Rows for the tokens beyond the model's embedding, where every one of them was added to a finished tokenizer (as
    tokenizers do it that hold `add_tokens`); in place. Returns their ids; none where there are none, or where some
    belong to the vocabulary itself, as with the tokenizer of another model.

    A new row is the mean of the old ones: the new token begins as likely as a token is on average, not more likely than
    all, as a row of zeros or noise may be (Hewitt 2021).
    """
    embedding: Any = model.get_input_embeddings()
    rows, ids = embedding.num_embeddings, tokenizer.get_vocab_size(with_added_tokens=True)
    added = tokenizer.get_added_tokens_decoder()
    new = tuple(range(rows, ids))
    if not new or not all(i in added for i in new):
        return ()
    model.resize_token_embeddings(ids, mean_resizing=False)
    with torch.no_grad():
        for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
            for values in (getattr(layer, "weight", None), getattr(layer, "bias", None)):
                if values is not None and len(values) == ids:
                    values[rows:] = values[:rows].mean(0)
    setattr(model, _NAME, new)
    return new


def new_token_ids(model: PreTrainedModel) -> tuple[int, ...]:
    """Of the tokens that `grow_vocabulary` made room for."""
    return getattr(model, _NAME, ())
