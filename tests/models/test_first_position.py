"""Computing the last layer at the first position alone changes no answer and no gradient."""

import copy

import pytest
import torch

from luthier.models.first_position import find_first_position, first_position_only
from tiny import TinyModels, bench


@pytest.mark.parametrize("kind", ["encoder", "roberta"])
def test_answers_and_gradients_are_the_same(kind: str, models: TinyModels) -> None:
    ready = bench("classification", getattr(models, kind))
    for size in (99, 1):
        results = []
        for pruned in (False, True):
            model = copy.deepcopy(ready.model).eval()
            if pruned:
                with first_position_only(model) as does:
                    assert does
                    loss = sum(ready.codec.task.loss(model, batch) for batch in ready.batches(size))
            else:
                loss = sum(ready.codec.task.loss(model, batch) for batch in ready.batches(size))
            loss.backward()
            gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
            results.append((loss.detach(), gradients))
        torch.testing.assert_close(results[0][0], results[1][0])
        assert results[0][1].keys() == results[1][1].keys()
        for name, gradient in results[0][1].items():
            torch.testing.assert_close(gradient, results[1][1][name], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", ["distilbert", "decoder"])
def test_models_of_another_make_are_left_as_they_are(kind: str, models: TinyModels) -> None:
    ready = bench("classification", getattr(models, kind))
    with first_position_only(ready.model) as does:
        assert not does
    assert find_first_position(ready.model) is None


def test_blocks_may_lie_in_each_other_and_leave_nothing_behind(models: TinyModels) -> None:
    model = bench("classification", models.encoder).model
    layer = model.bert.encoder.layer[-1]
    with first_position_only(model):
        with first_position_only(model) as does:
            assert does
        assert "forward" in vars(layer)
    assert "forward" not in vars(layer)


@pytest.mark.parametrize("kind", ["encoder", "roberta"])
def test_the_heads_input_can_be_had_from_the_states_below_the_last_layer(kind: str, models: TinyModels) -> None:
    ready = bench("classification", getattr(models, kind))
    first = find_first_position(ready.model)
    assert first is not None
    (batch,) = ready.batches(99)
    seen: list[torch.Tensor] = []
    head = ready.model.classifier if kind == "encoder" else ready.model.classifier.out_proj
    head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    ready.model.eval()
    with torch.no_grad():
        states = ready.model(**batch.inputs.tensors, output_hidden_states=True).hidden_states[-2]
        given = first(states, batch.inputs.tensors["attention_mask"].bool())
    torch.testing.assert_close(given, seen[0], rtol=1e-4, atol=1e-5)
