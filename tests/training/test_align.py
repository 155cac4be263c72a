"""The position that the head reads learns to speak for the whole text."""

import numpy as np
import pytest
import torch

from luthier.inference.frozen import frozen_features
from luthier.models.first_position import find_first_position
from luthier.runtime import Runtime
from luthier.training.align import align, head_inputs
from tiny import TinyModels, bench

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["encoder", "roberta"])
def test_the_heads_input_comes_near_to_the_mean_of_the_states_and_the_rest_stays(kind: str, models: TinyModels) -> None:
    ready = bench("classification", getattr(models, kind))
    first = find_first_position(ready.model)
    assert first is not None
    inputs = [example.input for example in ready.examples]
    features = frozen_features(ready.model, ready.codec, inputs, Runtime(), max_tokens=99, keep_states=True)
    before = {name: p.detach().clone() for name, p in ready.model.named_parameters()}
    moved_before = {name: p.requires_grad for name, p in ready.model.named_parameters()}

    def distance() -> float:
        given = head_inputs(first, features.states, Runtime())
        return float(np.square(given - np.tanh(features.vectors)).mean())

    far = distance()
    align(first, features.states, features.vectors, Runtime(), seed=0)
    assert distance() < far / 5
    own = {id(p) for p in [*first.layer.parameters(), *first.dense.parameters()]}
    for name, p in ready.model.named_parameters():
        assert p.requires_grad == moved_before[name]
        assert id(p) in own or p.equal(before[name]), name


def test_it_is_a_function_of_states_and_seed(models: TinyModels) -> None:
    results = []
    for _ in range(2):
        ready = bench("classification", models.encoder)
        inputs = [example.input for example in ready.examples]
        features = frozen_features(ready.model, ready.codec, inputs, Runtime(), max_tokens=99, keep_states=True)
        first = find_first_position(ready.model)
        assert first is not None
        align(first, features.states, features.vectors, Runtime(), seed=3)
        results.append(first.dense.weight.detach().clone())
    assert results[0].equal(results[1])


def test_the_features_are_what_the_model_itself_makes(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    inputs = [example.input for example in ready.examples]
    features = frozen_features(ready.model, ready.codec, inputs, Runtime(), max_tokens=60, keep_states=True)
    (batch,) = ready.batches(99)
    with torch.no_grad():
        body = ready.model.base_model(**batch.inputs.tensors, output_hidden_states=True)
    mask = batch.inputs.tensors["attention_mask"][..., None]
    means = (body.last_hidden_state * mask).sum(1) / mask.sum(1)
    np.testing.assert_allclose(features.vectors, means.numpy(), atol=1e-5)
    assert features.head_inputs is not None
    np.testing.assert_allclose(features.head_inputs, body.pooler_output.numpy(), atol=1e-5)
    assert [len(state) for state in features.states] == list(batch.inputs.lengths)
