"""Rows of the embedding that no text uses take no part in training, and nothing else changes."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from luthier.training.frozen.vocabulary import TrimmedEmbedding, trimmed_embedding
from luthier.training.optimise import build_optimiser
from luthier.tuning.methods import full
from tiny import Bench, TinyModels, bench
from writing.models import language_model


def arrays(ready: Bench) -> list:
    return [window.window.arrays["input_ids"] for window in ready.windows]


def test_inside_the_block_the_model_says_the_same_with_a_smaller_table(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    (batch,) = ready.batches(99)
    ready.model.eval()
    with torch.no_grad():
        plain = ready.model(**batch.inputs.tensors).logits
        with trimmed_embedding(ready.model, arrays(ready)[:4], ready.codec.text.pad_id) as share:
            assert share < 0.8
            assert isinstance(ready.model.get_input_embeddings(), TrimmedEmbedding)
            few = ready.codec.collate_labelled(ready.windows[:4])
            alone = ready.model(**few.inputs.tensors).logits
        torch.testing.assert_close(ready.model(**batch.inputs.tensors).logits, plain)
    torch.testing.assert_close(alone, plain[:4])


def test_a_step_changes_used_rows_as_the_whole_table_would_and_leaves_the_others(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    few = ready.codec.collate_labelled(ready.windows[:4])
    results = []
    for trim in (False, True):
        model = copy.deepcopy(ready.model)
        before = model.get_input_embeddings().weight.detach().clone()
        used = arrays(ready)[:4]
        if trim:
            with trimmed_embedding(model, used, ready.codec.text.pad_id):
                _step(model, ready, few)
        else:
            _step(model, ready, few)
        results.append(model.get_input_embeddings().weight.detach() - before)
    torch.testing.assert_close(results[0], results[1])
    assert (results[1].abs().sum(1) > 0).sum() < len(results[1])


def _step(model: nn.Module, ready: Bench, batch) -> None:
    optimiser = build_optimiser(model, full(model).groups, "adamw", 0.0)
    ready.codec.task.loss(model, batch).backward()
    for group in optimiser.param_groups:
        group["lr"] = 1e-3
    optimiser.step()


def test_an_id_without_a_row_is_an_error_and_never_another_word() -> None:
    trimmed = TrimmedEmbedding(nn.Embedding(10, 4), torch.tensor([0, 3]))
    with pytest.raises(IndexError):
        trimmed(torch.tensor([5]))


def test_a_model_that_writes_may_write_tokens_that_no_text_had() -> None:
    from luthier.writing.generate import Generation, write

    for name in ("llama", "mt5"):
        model = _with_an_output_layer_of_its_own(name)
        how = Generation(max_new_tokens=8)
        plain = write(model, [np.array([5, 6])], how, stop_ids=[], pad_id=0)
        with trimmed_embedding(model, [np.array([5, 6])], 0) as share:
            assert share < 0.8
            assert write(model, [np.array([5, 6])], how, stop_ids=[], pad_id=0) == plain
        assert len(set(plain[0][0]) - {0, 5, 6}) > 1


def test_a_table_shared_by_encoder_and_decoder_is_trimmed_for_both() -> None:
    from luthier.writing.likelihood import learnt_loss

    results = []
    for trim in (False, True):
        model = _with_an_output_layer_of_its_own("mt5")
        table, used = model.get_input_embeddings(), np.array([5, 6, 7, 8])
        ids = torch.tensor(used)[None]
        with trimmed_embedding(model, [used] if trim else [np.arange(61)], 0):
            assert len(model.get_input_embeddings().weight) == (5 if trim else 61)
            learnt_loss(model, {"input_ids": ids, "decoder_input_ids": ids}, ids).backward()
            with torch.no_grad():
                model.get_input_embeddings().weight -= model.get_input_embeddings().weight.grad
        assert model.shared is table and model.encoder.embed_tokens.weight is table.weight
        assert model.decoder.embed_tokens.weight is table.weight
        results.append(table.weight.detach())
    torch.testing.assert_close(results[0], results[1])


def test_an_embedding_that_scales_what_it_looks_up_is_left_as_it_is() -> None:
    model = _with_an_output_layer_of_its_own("gemma")
    with trimmed_embedding(model, [np.array([5])], 0) as share:
        assert share == 1.0


def _with_an_output_layer_of_its_own(name: str) -> Any:
    model = language_model(name)
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    return model


def test_a_table_that_does_not_learn_is_left_as_it_is(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    ready.model.requires_grad_(False)
    with trimmed_embedding(ready.model, arrays(ready)[:1], 0) as share:
        assert share == 1.0


def test_a_table_that_an_output_layer_shares_is_left_as_it_is() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=8, n_layer=1, n_head=2))
    with trimmed_embedding(model, [], 0) as share:
        assert share == 1.0
