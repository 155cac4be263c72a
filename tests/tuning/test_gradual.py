"""Gradual unfreezing: the head learns first, then layer by layer from the top."""

import pytest
import torch

from luthier.errors import ConfigError
from luthier.runtime import Runtime
from luthier.training.loop import train_steps
from luthier.training.optimise import build_optimiser, copy_weights
from luthier.tuning.methods import gradual
from tiny import TinyModels, bench


def turns(models: TinyModels, per_epoch: int, total: int, **options: float) -> dict[str, int]:
    """Of some parts of the model the first step in which they moved."""
    ready = bench("classification", models.encoder)
    tuned = gradual(ready.model, **options)
    optimiser = build_optimiser(tuned.model, tuned.groups, "sgd", 0.0, per_epoch=per_epoch, total=total)
    batches = [ready.batches(99)] * total
    loop = train_steps(tuned.model, ready.codec.task.loss, batches, optimiser, lambda _: 1e-2, Runtime(), seed=0)
    before, moved = copy_weights(tuned.model), dict[str, int]()
    for step in loop:
        for name, weight in copy_weights(tuned.model).items():
            if name not in moved and not weight.equal(before[name]):
                moved[name] = step.number
    parts = {"head": "classifier.weight", "embeddings": "bert.embeddings.word_embeddings.weight"}
    parts |= {str(i): f"bert.encoder.layer.{i}.output.dense.weight" for i in range(3)}
    return {part: moved[name] for part, name in parts.items()}


def test_layers_thaw_from_the_top_within_the_first_half(models: TinyModels) -> None:
    assert turns(models, 2, 16) == {"head": 1, "2": 3, "1": 5, "0": 7, "embeddings": 9}


def test_every_counts_epochs_as_ulmfit_does(models: TinyModels) -> None:
    assert turns(models, 2, 10, every=1.0) == {"head": 1, "2": 3, "1": 5, "0": 7, "embeddings": 9}


def test_what_is_not_thawed_yet_has_no_gradient_to_compute(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    tuned = gradual(ready.model)
    optimiser = build_optimiser(tuned.model, tuned.groups, "adamw", 0.01, per_epoch=8, total=8)
    flags: list[bool] = []

    def loss(model: torch.nn.Module, batch: object) -> torch.Tensor:
        flags.append(
            ready.model.get_submodule("bert.encoder.layer.0").get_parameter("output.dense.weight").requires_grad
        )
        return ready.codec.task.loss(model, batch)

    list(train_steps(tuned.model, loss, [ready.batches(99)] * 8, optimiser, lambda _: 1e-3, Runtime(), seed=0))
    assert flags == [False] * 3 + [True] * 5
    assert all(p.requires_grad for p in tuned.model.parameters())  # a checkpoint always holds the whole model


@pytest.mark.parametrize("options", [{"every": -1.0}, {"layer_decay": 0.0}])
def test_options_out_of_range_are_refused(options: dict[str, float], models: TinyModels) -> None:
    with pytest.raises(ConfigError, match="tuning"):
        gradual(bench("classification", models.encoder).model, **options)


def test_the_work_of_a_step_counts_what_is_not_thawed_as_frozen(models: TinyModels) -> None:
    from luthier.training.throughput import layer_passes

    ready = bench("classification", models.encoder)
    tuned = gradual(ready.model)
    still = {name: group.thaws(2, 16) / 16 for group in tuned.groups for name in group.names}
    assert layer_passes(ready.model, tuned.model, still) == pytest.approx([2.25, 2.5, 2.75])
